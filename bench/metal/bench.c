// SPDX-License-Identifier: MIT
// bench.c - what the primitives cost, in ticks of the time stamp counter.
//
// Under QEMU's -icount shift=0,sleep=off a tick is one executed instruction, the same on
// every run: `exocore bench primitives` boots it so. Elsewhere the figures are cycles, and noisy.
#include "bench/metal/bench_irq.h"
#include "core/clock.h"
#include "core/core_main.h"
#include "core/frame.h"
#include "core/irq.h"
#include "core/pt.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "sdk/glue/run.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 31u  // of which the median counts
#define TIMES  256u // an operation is repeated in a round

static uint64_t ticks(void)
{
    return __builtin_ia32_rdtsc();
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void report(const char *name, uint64_t *taken, uint64_t times)
{
    qsort(taken, ROUNDS, sizeof taken[0], by_size);
    printf("bench: %-32s %llu\n", name, (unsigned long long)(taken[ROUNDS / 2] / times));
}

// The median over rounds of the ticks that `round` takes, for one of its TIMES repetitions.
// The loop around the operation is in it: two or three instructions.
static void measure(const char *name, void (*round)(void))
{
    uint64_t taken[ROUNDS];
    round(); // caches, page tables and the heap's first frames
    for (size_t i = 0; i < ROUNDS; i++) {
        uint64_t start = ticks();
        round();
        taken[i] = ticks() - start;
    }
    report(name, taken, TIMES);
}

// --- tasks -----------------------------------------------------------------------

static bool partner_must_end;
static struct event ping, pong;

static void yield_on(void *arg)
{
    (void)arg;
    while (!partner_must_end)
        task_yield(run_sched());
}

static void yield_there_and_back(void)
{
    for (uint32_t i = 0; i < TIMES; i++)
        task_yield(run_sched());
}

static void answer_on(void *arg)
{
    (void)arg;
    while (!partner_must_end) {
        uint32_t mark = event_mark(&ping);
        event_signal(&pong);
        event_wait(run_sched(), &ping, mark, EXO_NS_NEVER);
    }
}

static void ping_pong(void)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        uint32_t mark = event_mark(&pong);
        event_signal(&ping);
        event_wait(run_sched(), &pong, mark, EXO_NS_NEVER);
    }
}

static void measure_with(const char *name, void (*partner)(void *), void (*round)(void))
{
    partner_must_end = false;
    exo_assert(spawn("partner", partner, NULL) == 0);
    measure(name, round);
    partner_must_end = true;
    event_signal(&ping);
    while (run_sched()->live > 1)
        task_yield(run_sched());
}

static void nothing(void *arg)
{
    (void)arg;
}

static void spawn_and_end(void)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        exo_assert(spawn("short", nothing, NULL) == 0);
        task_yield(run_sched());
    }
}

// --- memory ----------------------------------------------------------------------

static void malloc_and_free(void)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        void *block = malloc(64);
        __asm__ volatile("" : "+r"(block)); // it is wanted
        free(block);
    }
}

static void frame_claim_and_release(void)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        struct pa at;
        exo_assert(core_frame_claim(NULL, 1, 1, &at) == 0);
        core_frame_release(NULL, at, 1);
    }
}

// With a frame that is kept, and a neighbour that keeps the page tables.
static void page_map_and_unmap(void)
{
    struct va at = {CORE_PT_LOW_START}, beside = {CORE_PT_LOW_START + CORE_FRAME_BYTES};
    struct pa frame;
    exo_assert(core_frame_claim(NULL, 1, 1, &frame) == 0);
    exo_assert(core_pt_map(beside, frame, CORE_PT_WRITE) == 0);
    for (uint32_t i = 0; i < TIMES; i++) {
        exo_assert(core_pt_map(at, frame, CORE_PT_WRITE) == 0);
        exo_assert(core_pt_unmap(at, NULL) == 0);
    }
    exo_assert(core_pt_unmap(beside, NULL) == 0);
    core_frame_release(NULL, frame, 1);
}

// --- time, calls, interrupts -------------------------------------------------------

static void clock_read(void)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        exo_ns now = core_clock_now();
        __asm__ volatile("" : : "r"(now)); // it is wanted
    }
}

// The compiler does not see which function it is: a call is made.
static void null_call(void)
{
    const char *(*volatile call)(void) = core_cmdline;
    for (uint32_t i = 0; i < TIMES; i++)
        call();
}

// From the moment that core was told to the code that waited for it.
static void measure_deadline(const char *name)
{
    uint64_t late[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        exo_ns deadline = core_clock_now() + EXO_MS(1);
        core_irq_wait(deadline);
        late[i] = core_clock_now() - deadline; // under -icount a nanosecond is a tick
    }
    report(name, late, 1);
}

static void bench(void *arg)
{
    (void)arg;
    event_init(&ping);
    event_init(&pong);
    measure_with("yield there and back", yield_on, yield_there_and_back);
    measure_with("event ping-pong, round trip", answer_on, ping_pong);
    measure("task create, run, end", spawn_and_end);
    measure("malloc + free, 64 B", malloc_and_free);
    measure("frame claim + release", frame_claim_and_release);
    measure("page map + unmap, kept frame", page_map_and_unmap);
    measure("clock read", clock_read);
    measure("null call of the kernel", null_call);
    bench_irq_open();
    measure("interrupt to waiting code", bench_irq_wait);
    bench_irq_close();
    measure_deadline("deadline to waiting code");
}

int main(void)
{
    return run_main("bench", bench, NULL);
}
