// SPDX-License-Identifier: MIT
// attack.c - breaks one rule of the machine, named by its first argument, as a wild pointer or
// somebody who has found one would. Getting away with it is the failure; test_attacks.py says
// what has to happen instead.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core_main.h"
#include "core/frame.h"
#include "core/image.h"
#include "core/pt.h"
#include "core/smp.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/seal.h"
#include "hal/cpu.h"
#include "sdk/glue/run.h"

// The names are in the reports, so no pass may merge, clone or rename these.
#define ATTACK __attribute__((noipa)) static void

// A call that is the last thing a function does becomes a jump, and the function is gone
// from the stack; this keeps it there.
#define NOT_LAST __asm__ volatile("" ::: "memory")

static void write_word(uint64_t at)
{
    *(volatile uint64_t *)at = 0;
}

static void call_at(uint64_t at)
{
    void (*function)(void) = (void (*)(void))at;
    __asm__ volatile("" : "+r"(function)); // what it points to is nobody's guess
    function();
    NOT_LAST;
}

// --- what is not mapped, or not for that -----------------------------------------

ATTACK read_null(void)
{
    __asm__ volatile("movl 16(%0), %%eax" ::"r"(0L) : "eax", "memory");
}

ATTACK write_null(void)
{
    __asm__ volatile("movl $1, (%0)" ::"r"(0L) : "memory");
}

ATTACK call_null(void)
{
    call_at(0);
}

ATTACK write_code(void)
{
    write_word((uint64_t)read_null);
}

static const char constant[] = "these words are not to be changed";

ATTACK write_constant(void)
{
    write_word((uint64_t)constant);
}

static uint8_t ret_in_data[16] = {0xc3};

ATTACK run_data(void)
{
    call_at((uint64_t)ret_in_data);
}

ATTACK run_stack(void)
{
    volatile uint8_t code[16] = {0xc3};
    call_at((uint64_t)code);
}

ATTACK run_heap(void)
{
    uint8_t *code = malloc(16);
    if (code)
        call_at((uint64_t)memcpy(code, ret_in_data, sizeof(ret_in_data)));
}

// The code once more, through the map that shows all memory: it leaves the image out.
ATTACK write_code_by_its_frame(void)
{
    struct pa frame = {core_state.handoff.kernel_pa};
    write_word((uint64_t)core_phys(frame));
}

// --- what was sealed before main --------------------------------------------------

EXO_SEALED static uint64_t policy;

__attribute__((constructor)) static void decide(void)
{
    policy = 42;
}

ATTACK write_policy(void)
{
    if (policy == 42)
        write_word((uint64_t)&policy);
}

static void write_policy_there(void *arg)
{
    (void)arg;
    write_policy();
}

// What is sealed is read-only for CPUs that came up later, too.
ATTACK write_policy_on_another_cpu(void)
{
    int cpu = core_cpu_claim("attack");
    exo_assert(cpu > 0);
    core_cpu_start(cpu, write_policy_there, NULL);
    while (!core_cpu_is_parked(cpu)) {
    }
}

ATTACK write_command_line(void)
{
    write_word((uint64_t)core_cmdline());
}

ATTACK write_page_table_root(void)
{
    write_word((uint64_t)&core_state.pml4);
}

ATTACK write_canary(void)
{
    extern uint64_t __stack_chk_guard;
    write_word((uint64_t)&__stack_chk_guard);
}

struct __attribute__((packed)) table_pointer {
    uint16_t limit;
    uint64_t base;
};

ATTACK write_gdt(void)
{
    struct table_pointer gdt;
    __asm__ volatile("sgdt %0" : "=m"(gdt));
    write_word(gdt.base + 8);
}

ATTACK write_idt(void)
{
    struct table_pointer idt;
    __asm__ volatile("sidt %0" : "=m"(idt));
    write_word(idt.base + 14 * 16);
}

// A table of functions that nobody marked as anything: const is enough.
static void (*const handlers[])(void) = {read_null, write_null};

ATTACK write_function_table(void)
{
    write_word((uint64_t)handlers);
}

// --- stacks -----------------------------------------------------------------------

// Behind the compiler's back: it sees no write beyond the array.
ATTACK smash_stack(void)
{
    char name[16] = "short";
    volatile char *at = name;
    __asm__ volatile("" : "+r"(at));
    for (int i = 0; i < 48; i++)
        at[i] = 'A';
    __asm__ volatile("" ::"r"(name) : "memory");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion"
__attribute__((noipa)) static int recurse(int depth)
{
    volatile int here[64];
    here[depth % 64] = depth;
    return recurse(depth + 1) + here[0];
}
#pragma GCC diagnostic pop

ATTACK overflow_stack(void)
{
    recurse(1);
}

static void overflow_task(void *unused)
{
    (void)unused;
    recurse(1);
}

ATTACK overflow_stack_of_task(void)
{
    run_main("digger", overflow_task, NULL);
}

// With an IDT that ends behind #DF, a page fault cannot be delivered, nor can the general
// protection fault about that.
ATTACK fault_twice(void)
{
    struct table_pointer idt;
    __asm__ volatile("sidt %0" : "=m"(idt));
    idt.limit = 9 * 16 - 1;
    __asm__ volatile("lidt %0; movl $1, (%1)" ::"m"(idt), "r"(0L) : "memory");
}

// --- the heap, with heap=debug ----------------------------------------------------

ATTACK overflow_heap(void)
{
    volatile char *block = malloc(100);
    for (size_t i = 0; i < 4096; i++)
        block[i] = 'A';
}

ATTACK use_after_free(void)
{
    char *block = malloc(100);
    __asm__ volatile("" : "+r"(block));
    free(block);
    write_word((uint64_t)block);
}

// --- what is asked for, and refused ------------------------------------------------

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    printf("not so: %s\n", what);
    exit(1);
}

static void ask_for_write_and_execute(void)
{
    struct pa frame;
    struct va at = {CORE_PT_HIGH_START};
    expect(core_frame_claim(NULL, 1, 1, &frame) == 0, "there is a frame");
    expect(core_pt_map(at, frame, CORE_PT_WRITE | CORE_PT_EXECUTE) == -22, "refused: W and X");
    expect(core_pt_map((struct va){0}, frame, CORE_PT_WRITE) == -22, "refused: page 0");
    struct pa kernel = {core_state.handoff.kernel_pa};
    expect(core_pt_map(at, kernel, CORE_PT_WRITE) == -1, "refused: the image's own frames");
    core_frame_release(NULL, frame, 1);
    puts("refused");
}

static void look_into_released_frame(void)
{
    struct pa frame;
    expect(core_frame_claim(NULL, 1, 1, &frame) == 0, "there is a frame");
    strcpy(core_phys(frame), "a key that nobody is to see");
    core_frame_release_zeroed(NULL, frame, 1);
    expect(core_frame_claim_at(NULL, frame, 1) == 0, "it can be claimed again");
    const uint64_t *words = core_phys(frame);
    for (uint32_t i = 0; i < CORE_FRAME_BYTES / 8; i++)
        expect(words[i] == 0, "a frame that was released zeroed is zero");
    puts("nothing in it");
}

static void read_settings_back(void)
{
    struct hal_cpuid features = hal_cpuid_if_any(7, 0);
    expect(hal_cr0_read() & HAL_CR0_WP, "CR0.WP");
    expect(hal_msr_read(HAL_MSR_EFER) & HAL_EFER_NXE, "EFER.NXE");
    expect(!(features.ebx >> 7 & 1) || hal_cr4_read() & HAL_CR4_SMEP, "CR4.SMEP");
    expect(!(features.ecx >> 2 & 1) || hal_cr4_read() & HAL_CR4_UMIP, "CR4.UMIP");
    printf("settings: smep %d umip %d\n", (int)(features.ebx >> 7 & 1),
           (int)(features.ecx >> 2 & 1));
}

static void tell_secrets(void)
{
    extern uint64_t __stack_chk_guard;
    expect(core_state.handoff.kernel_va == (uint64_t)core_image_start, "kernel_va");
    printf("image at 0x%llx canary %016llx\n", (unsigned long long)core_image_start,
           (unsigned long long)__stack_chk_guard);
}

static const struct {
    const char *name;
    void (*commit)(void);
    bool comes_back; // and says what it saw
} attacks[] = {
    {"read_null", read_null, false},
    {"write_null", write_null, false},
    {"call_null", call_null, false},
    {"write_code", write_code, false},
    {"write_constant", write_constant, false},
    {"write_code_by_its_frame", write_code_by_its_frame, false},
    {"run_data", run_data, false},
    {"run_stack", run_stack, false},
    {"run_heap", run_heap, false},
    {"write_policy", write_policy, false},
    {"write_policy_on_another_cpu", write_policy_on_another_cpu, false},
    {"write_command_line", write_command_line, false},
    {"write_page_table_root", write_page_table_root, false},
    {"write_canary", write_canary, false},
    {"write_gdt", write_gdt, false},
    {"write_idt", write_idt, false},
    {"write_function_table", write_function_table, false},
    {"smash_stack", smash_stack, false},
    {"overflow_stack", overflow_stack, false},
    {"overflow_stack_of_task", overflow_stack_of_task, false},
    {"fault_twice", fault_twice, false},
    {"overflow_heap", overflow_heap, false},
    {"use_after_free", use_after_free, false},
    {"ask_for_write_and_execute", ask_for_write_and_execute, true},
    {"look_into_released_frame", look_into_released_frame, true},
    {"read_settings_back", read_settings_back, true},
    {"tell_secrets", tell_secrets, true},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < EXO_COUNT(attacks); i++) {
        if (strcmp(attacks[i].name, argv[1]) != 0)
            continue;
        attacks[i].commit();
        if (attacks[i].comes_back)
            return 0;
    }
    puts("no attack, or nobody minded it");
    return 1;
}
