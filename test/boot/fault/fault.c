// SPDX-License-Identifier: MIT
// fault.c - commits the misdeed that the command line names. Coming back is the failure.
#include <stdio.h>
#include <string.h>

#include "core/core_main.h"
#include "core/frame.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "hal/cpu.h"

// The names are in the reports, so no pass may merge, clone or rename these.
#define MISDEED __attribute__((noipa)) static void

static const char constant[] = "these words are not to be changed";
static uint8_t data_that_returns[16] = {0xc3};
static volatile int zero;

MISDEED write_through_null(void)
{
    __asm__ volatile("movl $1, (%0)" ::"r"(0L) : "memory");
}

MISDEED read_through_null(void)
{
    __asm__ volatile("movl 16(%0), %%eax" ::"r"(0L) : "eax", "memory");
}

MISDEED write_to_code(void)
{
    *(volatile uint8_t *)(uintptr_t)write_through_null = 0xc3;
}

MISDEED write_to_constant(void)
{
    *(volatile char *)(uintptr_t)constant = 'T';
}

// A call that is the last thing a function does becomes a jump, and the function is gone
// from the stack; this keeps it there.
#define NOT_LAST __asm__ volatile("" ::: "memory")

static inline void call_bytes(void *code)
{
    void (*function)(void) = (void (*)(void))memcpy(code, data_that_returns, 1);
    __asm__ volatile("" : "+r"(function)); // what it points to is nobody's guess
    function();
    NOT_LAST;
}

MISDEED jump_to_data(void)
{
    call_bytes(data_that_returns);
}

MISDEED jump_to_stack(void)
{
    uint8_t code[16];
    call_bytes(code);
}

MISDEED jump_to_heap(void)
{
    struct pa frame;
    if (core_frame_claim(NULL, 1, 1, &frame) == 0)
        call_bytes(core_phys(frame));
}

MISDEED write_to_kernel_frame(void)
{
    *(volatile char *)(HANDOFF_DIRECT_MAP + core_state.handoff.kernel_pa) = 'T';
}

MISDEED write_to_no_memory(void)
{
    *(volatile char *)(HANDOFF_DIRECT_MAP + UINT64_C(0x7c0000000)) = 'T';
}

MISDEED divide_by_zero(void)
{
    __asm__ volatile("xorl %%edx, %%edx; movl $1, %%eax; divl %0" ::"r"(zero) : "eax", "edx");
}

MISDEED execute_undefined(void)
{
    __asm__ volatile("ud2");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion"
__attribute__((noipa)) static int recurse_forever(int depth)
{
    volatile int here[64];
    here[depth % 64] = depth;
    return recurse_forever(depth + 1) + here[0];
}
#pragma GCC diagnostic pop

MISDEED overflow_stack(void)
{
    recurse_forever(1);
}

MISDEED read_non_canonical(void)
{
    __asm__ volatile("movl (%0), %%eax" ::"r"(0x0123456789abcdefL) : "eax", "memory");
}

MISDEED raise_unused_vector(void)
{
    __asm__ volatile("int $200");
}

// As the CPU raises it, but for the error code: an INT pushes none.
MISDEED raise_without_code(void)
{
    __asm__ volatile("int $13");
    NOT_LAST;
}

// For what the hardware does by itself.
MISDEED sleep_for_good(void)
{
    puts("asleep");
    core_irq_wait(EXO_NS_NEVER);
    NOT_LAST;
}

// With an IDT that ends behind #DF, a page fault cannot be delivered, nor can the general
// protection fault about that.
MISDEED fault_without_gates(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } idt;
    __asm__ volatile("sidt %0" : "=m"(idt));
    idt.limit = 9 * 16 - 1;
    __asm__ volatile("lidt %0; movl $1, (%1)" ::"m"(idt), "r"(0L) : "memory");
}

MISDEED fault_with_smashed_stack(void)
{
    __asm__ volatile("movabsq $0x00deadbeefdead00, %%rbp; ud2" ::: "memory");
}

// A frame that names itself as its caller's.
MISDEED fault_with_looping_stack(void)
{
    __asm__ volatile("movq %%rsp, %%rbp; andq $-16, %%rbp; movq %%rbp, (%%rbp);"
                     "leaq 1f(%%rip), %%rax; movq %%rax, 8(%%rbp); 1: ud2" ::
                         : "rax", "memory");
}

MISDEED assert_nonsense(void)
{
    int pigs_fly = zero;
    exo_assert(pigs_fly > 0);
}

MISDEED panic_with_reason(void)
{
    core_panic("no more than %d of these", zero + 42);
}

MISDEED release_frame_twice(void)
{
    struct pa frame;
    if (core_frame_claim(NULL, 1, 1, &frame) < 0)
        return;
    core_frame_release(NULL, frame, 1);
    core_frame_release(NULL, frame, 1);
    NOT_LAST;
}

MISDEED panic_with_wild_string(void)
{
    core_panic("%s", (const char *)(uintptr_t)(zero + 0x5000));
}

static const struct {
    const char *name;
    void (*commit)(void);
} misdeeds[] = {
    {"null", write_through_null},
    {"read_null", read_through_null},
    {"text", write_to_code},
    {"rodata", write_to_constant},
    {"jump_to_data", jump_to_data},
    {"jump_to_stack", jump_to_stack},
    {"jump_to_heap", jump_to_heap},
    {"kernel_frame", write_to_kernel_frame},
    {"no_memory", write_to_no_memory},
    {"divide", divide_by_zero},
    {"undefined", execute_undefined},
    {"overflow", overflow_stack},
    {"protection", read_non_canonical},
    {"bad_gate", raise_unused_vector},
    {"without_code", raise_without_code},
    {"sleep", sleep_for_good},
    {"double_fault", fault_without_gates},
    {"smashed_stack", fault_with_smashed_stack},
    {"loop_in_stack", fault_with_looping_stack},
    {"assert", assert_nonsense},
    {"panic", panic_with_reason},
    {"release_twice", release_frame_twice},
    {"in_report", panic_with_wild_string},
};

__attribute__((noipa)) static int call_misdeed(const char *name)
{
    core_log("fault: %s", name);
    for (size_t i = 0; i < EXO_COUNT(misdeeds); i++) {
        if (strcmp(misdeeds[i].name, name) == 0)
            misdeeds[i].commit();
    }
    return 1; // also keeps the call above from being the last thing here
}

int main(void)
{
    char name[32] = ""; // the first word; panic= may follow
    sscanf(core_cmdline(), "%31s", name);
    int status = call_misdeed(name);
    puts("not a misdeed, or nobody minded it");
    return status;
}
