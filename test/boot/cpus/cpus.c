// SPDX-License-Identifier: MIT
// cpus.c - what core promises of CPUs and of interrupts between them. The command line names
// what to try.
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/core_main.h"
#include "core/frame.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/mmio.h"
#include "core/panic.h"
#include "core/power.h"
#include "core/pt.h"
#include "core/smp.h"
#include "core/state.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/cpu.h"

#define MISDEED __attribute__((noipa)) static void

static void expect(bool good, const char *what)
{
    if (!good)
        core_panic("%s", what);
}

static bool is_set(const bool *flag)
{
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void set(bool *flag)
{
    __atomic_store_n(flag, true, __ATOMIC_RELEASE);
}

static void wait_until_parked(int cpu)
{
    while (!core_cpu_is_parked(cpu))
        hal_pause();
}

static int claim(void)
{
    int cpu = core_cpu_claim("cpus");
    expect(cpu > 0, "no CPU to be had");
    return cpu;
}

// --- all come up, each with what is its own -------------------------------------------

struct hello {
    uint32_t index, apic_id;
    uint64_t cr0, cr3, cr4, efer, pat, rsp;
    uint32_t mxcsr;
    exo_ns slept;
};

static void say_hello(void *arg)
{
    struct hello *h = arg;
    exo_ns before = core_clock_now();
    core_irq_wait(before + EXO_MS(2)); // its own timer
    *h = (struct hello){
        .index = core_cpu_self()->index,
        .apic_id = core_cpu_self()->apic_id,
        .cr0 = hal_cr0_read(),
        .cr3 = hal_cr3_read(),
        .cr4 = hal_cr4_read(),
        .efer = hal_msr_read(HAL_MSR_EFER),
        .pat = hal_msr_read(HAL_MSR_PAT),
        .rsp = (uint64_t)__builtin_frame_address(0),
        .slept = core_clock_now() - before,
    };
    __asm__ volatile("stmxcsr %0" : "=m"(h->mxcsr));
}

static void compare(const struct hello *a, const struct hello *b)
{
    expect(a->cr0 == b->cr0 && a->cr3 == b->cr3 && a->cr4 == b->cr4, "control registers differ");
    expect(a->efer == b->efer && a->pat == b->pat && a->mxcsr == b->mxcsr, "MSRs differ");
    expect(a->rsp != b->rsp && a->index != b->index && a->apic_id != b->apic_id, "two are one");
}

static void try_all(void)
{
    struct hello first, other;
    uint64_t free_before = core_frame_stats().free;
    uint32_t count = core_cpu_count();
    uint64_t taken = free_before - core_frame_stats().free;
    say_hello(&first);
    printf("CPU %u of %u\n", (unsigned)first.index, (unsigned)count);
    for (uint32_t i = 1; i < count; i++) {
        int cpu = claim();
        core_cpu_start(cpu, say_hello, &other);
        wait_until_parked(cpu);
        compare(&first, &other);
        expect((int)other.index == cpu && other.slept >= EXO_MS(2), "not where or when it was");
        printf("CPU %u of %u\n", (unsigned)other.index, (unsigned)count);
    }
    expect(core_cpu_claim("cpus") < 0, "one more than there are");
    for (uint32_t i = 1; i < count; i++)
        core_cpu_release((int)i);
    expect(count == 1 || claim() == 1, "a CPU that was given back is not to be had");
    printf("%u CPUs, %u KiB each\n", (unsigned)count,
           (unsigned)(count > 1 ? taken * 4 / (count - 1) : 0));
}

// --- interrupts from one to another ---------------------------------------------------

static struct {
    int lines[2];
    bool ready;
    uint32_t turns;
} game;

#define TURNS 2000u

// Waits without a deadline: a lost wake-up would end the test by its time limit.
static void answer(void *arg)
{
    (void)arg;
    game.lines[1] = core_irq_claim("ping");
    set(&game.ready);
    for (uint32_t i = 0; i < TURNS; i++) {
        while (!core_irq_take(game.lines[1]))
            core_irq_wait(EXO_NS_NEVER);
        expect(game.turns == 2 * i + 1, "a stale word behind an interrupt");
        game.turns++;
        core_irq_raise(game.lines[0]);
    }
    core_irq_release(game.lines[1]);
}

static void try_ping(void)
{
    int cpu = claim();
    game.lines[0] = core_irq_claim("pong");
    core_cpu_start(cpu, answer, NULL);
    while (!is_set(&game.ready))
        hal_pause();
    for (uint32_t i = 0; i < TURNS; i++) {
        game.turns++;
        core_irq_raise(game.lines[1]);
        while (!core_irq_take(game.lines[0]))
            core_irq_wait(EXO_NS_NEVER);
    }
    wait_until_parked(cpu);
    expect(game.turns == 2 * TURNS, "turns are missing");
    core_irq_release(game.lines[0]);
    printf("%u turns\n", (unsigned)TURNS);
}

static void try_mask(void)
{
    int a = core_irq_claim("a"), b = core_irq_claim("b");
    core_irq_mask(a);
    core_irq_raise(a);
    expect(!core_irq_any(), "a masked line is heard");
    core_irq_wait(core_clock_now() + EXO_MS(1)); // ends by the deadline alone
    core_irq_raise(b);
    expect(core_irq_any() && core_irq_take(b), "another line is masked too");
    core_irq_unmask(a);
    expect(core_irq_any(), "what came while masked is lost");
    expect(core_irq_take(a) && !core_irq_take(a), "it is not taken once");
    core_irq_mask(a);
    core_irq_raise(a);
    expect(core_irq_take(a), "a masked line cannot be taken");
    core_irq_release(a);
    expect(core_irq_claim("c") == a, "another line");
    core_irq_raise(a);
    expect(core_irq_any(), "a new owner's line is masked");
    puts("masked");
}

// --- shoot-down -----------------------------------------------------------------------

#define PAGE ((volatile uint64_t *)UINT64_C(0x123456789000))

static struct {
    bool cached, gone, done;
    uint64_t rounds;
} tlb;

// Has the translation in its TLB, and reads once more when it is gone. Interrupts are off all
// the time. Coming back from the second read is the failure.
MISDEED read_what_is_gone(void *arg)
{
    (void)arg;
    expect(*PAGE == 4711, "the page is not what was written");
    set(&tlb.cached);
    while (!is_set(&tlb.gone))
        hal_pause();
    printf("still there: %llu\n", (unsigned long long)*PAGE);
}

static struct pa map_page(void)
{
    struct pa frame;
    expect(core_frame_claim(NULL, 1, 1, &frame) == 0, "no frame");
    expect(core_pt_map((struct va){(uint64_t)PAGE}, frame, CORE_PT_WRITE) == 0, "not mapped");
    return frame;
}

static void try_stale(void)
{
    map_page();
    *PAGE = 4711;
    core_cpu_start(claim(), read_what_is_gone, NULL);
    while (!is_set(&tlb.cached))
        hal_pause();
    expect(core_pt_unmap((struct va){(uint64_t)PAGE}, NULL) == 0, "not unmapped");
    set(&tlb.gone);
    for (;;)
        hal_pause();
}

// All CPUs run this: they shoot at each other, in pages of their own, and always see what they
// have just mapped, never what was there before.
#define ROUNDS 96u // of all together: each waits for every CPU's host thread to have its turn

static void remap(void *arg)
{
    struct va at = {(uint64_t)PAGE + (uint64_t)arg * 4096};
    uint64_t rounds = ROUNDS / core_cpu_count();
    struct pa frames[2];
    expect(core_frame_claim(NULL, 1, 1, &frames[0]) == 0, "no frame");
    expect(core_frame_claim(NULL, 1, 1, &frames[1]) == 0, "no frame");
    *(uint64_t *)core_phys(frames[0]) = 0;
    *(uint64_t *)core_phys(frames[1]) = 1;
    for (uint64_t i = 0; i < rounds; i++) {
        expect(core_pt_map(at, frames[i % 2], CORE_PT_WRITE) == 0, "not mapped");
        expect(*(volatile uint64_t *)at.v == i % 2, "a stale translation");
        expect(core_pt_unmap(at, NULL) == 0, "not unmapped");
        __atomic_fetch_add(&tlb.rounds, 1, __ATOMIC_RELAXED);
    }
}

static void try_crossfire(void)
{
    uint32_t count = core_cpu_count();
    int cpus[HAL_CPUS_MAX];
    for (uint32_t i = 1; i < count; i++)
        core_cpu_start(cpus[i] = claim(), remap, (void *)(uintptr_t)i);
    remap((void *)0);
    for (uint32_t i = 1; i < count; i++)
        wait_until_parked(cpus[i]);
    expect(tlb.rounds == ROUNDS / count * count, "rounds are missing");
    printf("%u CPUs shot at each other\n", (unsigned)count);
}

// --- tables of core's that all CPUs write ---------------------------------------------

#define HPET         UINT64_C(0xfed00000) // registers that every pc has
#define WINDOW_BYTES 4u

// A window of one's own is free, then owned, then free again, whatever windows others take.
static void take_windows(void *arg)
{
    struct pa at = {HPET + (uint64_t)arg * WINDOW_BYTES};
    volatile uint8_t *regs;
    for (uint32_t i = 0; i < 2000; i++) {
        expect(core_mmio_claim(at, WINDOW_BYTES, "cpus", &regs) == 0, "a window is not free");
        expect(core_mmio_claim(at, 1, "cpus", &regs) == -EXO_EBUSY, "a window is lost");
        core_mmio_release(at);
    }
}

static void try_windows(void)
{
    uint32_t count = core_cpu_count();
    for (uint32_t i = 1; i < count; i++)
        core_cpu_start(claim(), take_windows, (void *)(uintptr_t)i);
    take_windows((void *)0);
    for (uint32_t i = 1; i < count; i++)
        wait_until_parked((int)i);
    printf("%u CPUs took windows\n", (unsigned)count);
}

// --- the end of one is the end of all -------------------------------------------------

MISDEED fault_here(void *arg)
{
    (void)arg;
    *(volatile int *)NULL = 1;
}

// So that who starts it can be where the report is to find it.
static struct {
    bool told;
    void (*misdeed)(void *);
} order;

static void obey(void *unused)
{
    while (!is_set(&order.told)) {
    }
    order.misdeed(unused);
}

static void start_to_obey(int cpu, void (*misdeed)(void *))
{
    order.misdeed = misdeed;
    core_cpu_start(cpu, obey, NULL);
}

__attribute__((noipa)) static int recurse(volatile int *outer)
{
    volatile int frame[64] = {*outer + 1};
    return frame[0] < 0 ? 0 : recurse(frame) + frame[63];
}

MISDEED overflow_here(void *arg)
{
    (void)arg;
    volatile int zero = 0;
    printf("%d\n", recurse(&zero));
}

static void count_on(void *arg)
{
    volatile uint64_t *count = arg;
    for (;;)
        ++*count;
}

// One more CPU, if there is one, counts for ever: nobody sees it count after the report began.
static void try_fault(void (*misdeed)(void *))
{
    static uint64_t count;
    int cpu = claim();
    if (core_cpu_count() > 2) {
        core_cpu_start(claim(), count_on, &count);
        while (*(volatile uint64_t *)&count == 0)
            hal_pause();
    }
    start_to_obey(cpu, misdeed);
    set(&order.told);
    for (;;)
        hal_pause();
}

static const char *name_no_task(void)
{
    core_panic("the one who had tasks here is gone");
}

static void have_tasks(void *arg)
{
    (void)arg;
    core_cpu_self()->running = name_no_task;
}

// What a function has left on its CPU says nothing about the next one.
static void try_fault_after(void)
{
    int cpu = claim();
    core_cpu_start(cpu, have_tasks, NULL);
    wait_until_parked(cpu);
    core_cpu_start(cpu, fault_here, NULL);
    for (;;)
        hal_pause();
}

// One report is told, whole, whoever comes first.
static void try_two_faults(void)
{
    start_to_obey(claim(), fault_here);
    set(&order.told);
    fault_here(NULL);
}

// A machine that cannot be switched off halts: CPU 1 as well, which would end it with success.
static void end_it_soon(void *arg)
{
    core_irq_wait(core_clock_now() + EXO_S(1));
    core_exit(*(int *)arg);
}

static void try_halt(void)
{
    static int status = 0;
    core_cpu_start(claim(), end_it_soon, &status);
    core_power_off();
}

static void try_stop(void)
{
    static volatile uint64_t counts[HAL_CPUS_MAX];
    uint32_t count = core_cpu_count();
    for (uint32_t i = 1; i < count; i++)
        core_cpu_start(claim(), count_on, (void *)&counts[i]);
    for (uint32_t i = 1; i < count; i++) {
        while (counts[i] == 0)
            hal_pause();
    }
    expect(core_cpu_stop_others() == 0, "somebody runs on");
    expect(core_cpu_stop_others() == 0, "somebody runs on, asked again");
    for (uint32_t i = 1; i < count; i++) {
        const struct hal_stopped *at = &core_state.cpus[i]->stopped;
        expect(at->rip >= (uint64_t)count_on && at->rip < (uint64_t)count_on + 64 && at->rsp,
               "it does not stand where it ran");
        uint64_t then = counts[i];
        core_irq_wait(core_clock_now() + EXO_MS(1));
        expect(counts[i] == then, "it has run on");
    }
    puts("all stopped");
}

static void try_misuse(const char *what)
{
    if (strcmp(what, "start_unclaimed") == 0)
        core_cpu_start((int)core_cpu_count() - 1, fault_here, NULL);
    core_cpu_start(claim(), count_on, &tlb.rounds);
    if (strcmp(what, "release_running") == 0)
        core_cpu_release(1);
    core_cpu_start(1, count_on, NULL);
}

int main(void)
{
    const char *what = core_cmdline();
    if (strcmp(what, "all") == 0)
        try_all();
    else if (strcmp(what, "ping") == 0)
        try_ping();
    else if (strcmp(what, "mask") == 0)
        try_mask();
    else if (strcmp(what, "stale") == 0)
        try_stale();
    else if (strcmp(what, "crossfire") == 0)
        try_crossfire();
    else if (strcmp(what, "windows") == 0)
        try_windows();
    else if (strcmp(what, "fault") == 0)
        try_fault(fault_here);
    else if (strcmp(what, "fault_after") == 0)
        try_fault_after();
    else if (strcmp(what, "overflow") == 0)
        try_fault(overflow_here);
    else if (strcmp(what, "two_faults") == 0)
        try_two_faults();
    else if (strcmp(what, "halt") == 0)
        try_halt();
    else if (strcmp(what, "stop") == 0)
        try_stop();
    else
        try_misuse(what);
    return 0;
}
