// SPDX-License-Identifier: MIT
// hammer.c - every CPU claims, maps, unmaps and releases frames at once, and takes some from
// its neighbour by force. Nobody may see another's frame, and in the end none is lost.
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/frame.h"
#include "core/panic.h"
#include "core/pt.h"
#include "core/revoke.h"
#include "core/smp.h"
#include "core/state.h"
#include "exo/err.h"
#include "exo/lock.h"
#include "hal/cpu.h"

#define CPUS   8
#define FRAMES 64u
#define LENGTH EXO_S(3) // a shoot-down takes as long as the host lets the other CPU wait
#define SPARES 3u       // empty tables that core may keep for the next mapping
#define WINDOW (UINT64_C(1) << 39)

// A CPU's own: the list changes under its lock, because others take frames from it.
struct worker {
    struct core_owner owner;
    struct exo_lock lock;
    struct pa frames[FRAMES];
    uint32_t count;
    uint32_t taken;
    uint64_t random;
    uint32_t rounds;
    struct worker *neighbour;
    uint64_t window; // of address space, nobody else's
};

static struct worker workers[CPUS];

static void expect(bool good, const char *what)
{
    if (!good)
        core_panic("%s", what);
}

static uint64_t some(struct worker *w, uint64_t limit)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random % limit;
}

// Called on the neighbour's CPU. A frame that is not in the list was released too late.
static void taken(void *ctx, const struct pa *frames, uint32_t count)
{
    struct worker *w = ctx;
    exo_lock_take(&w->lock);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < w->count; k++) {
            if (w->frames[k].v == frames[i].v)
                w->frames[k] = w->frames[--w->count];
        }
    }
    w->taken += count;
    exo_lock_give(&w->lock);
}

// Whoever owns a frame writes its name into it, and finds it there when it gives it back.
static void claim_one(struct worker *w)
{
    if (w->count == FRAMES || core_frame_claim(&w->owner, 1, 1, &w->frames[w->count]) < 0)
        return;
    *(volatile uint64_t *)core_phys(w->frames[w->count++]) = (uint64_t)w;
}

static void release_one(struct worker *w)
{
    if (w->count == 0)
        return;
    uint64_t i = some(w, w->count);
    uint64_t name = *(volatile uint64_t *)core_phys(w->frames[i]);
    expect(name == (uint64_t)w || name == 0, "another's name in a frame"); // 0: being wiped
    core_frame_release(&w->owner, w->frames[i], 1);
    w->frames[i] = w->frames[--w->count];
}

// Without a look through the page: it may be taken away at any time.
static void map_one(struct worker *w)
{
    if (w->count == 0)
        return;
    struct va at = {w->window + some(w, 2000) * CORE_PT_4K};
    int err = core_pt_map(at, w->frames[some(w, w->count)], CORE_PT_WRITE);
    expect(err == 0 || err == -EXO_EPERM, "cannot map"); // -EXO_EPERM: being taken
    err = err == 0 ? core_pt_unmap(at, NULL) : 0;
    expect(err == 0 || err == -EXO_ENOENT, "cannot unmap");
}

// Frames that nobody can take, seen through pages.
static void use_run(struct worker *w)
{
    struct pa run;
    if (core_frame_claim(NULL, 3, 1, &run) < 0)
        return;
    uint64_t first = w->window + WINDOW / 2 + some(w, 100000) * 3 * CORE_PT_4K;
    for (uint64_t i = 0; i < 3; i++) {
        struct pa frame = {run.v + i * CORE_FRAME_BYTES};
        struct va at = {first + i * CORE_PT_4K};
        expect(core_pt_map(at, frame, CORE_PT_WRITE) == 0, "cannot map a run");
        *(volatile uint64_t *)at.v = (uint64_t)w + i;
    }
    for (uint64_t i = 0; i < 3; i++) {
        struct va at = {first + i * CORE_PT_4K};
        expect(*(volatile uint64_t *)at.v == (uint64_t)w + i, "another wrote here");
        expect(core_pt_unmap(at, NULL) == 0, "cannot unmap a run");
    }
    core_frame_release(NULL, run, 3);
}

static void rob_neighbour(struct worker *w)
{
    core_revoke_ask(&w->neighbour->owner, 1 + some(w, 5), 0);
    int64_t n = core_revoke_take(&w->neighbour->owner);
    expect(n >= 0 || n == -EXO_EBUSY, "cannot take");
}

static void work(void *arg)
{
    struct worker *w = arg;
    exo_ns until = core_clock_now() + LENGTH;
    for (; core_clock_now() < until; w->rounds++) {
        exo_lock_take(&w->lock);
        switch (some(w, 4)) {
        case 0:
        case 1:
            claim_one(w);
            break;
        case 2:
            release_one(w);
            break;
        default:
            map_one(w);
        }
        exo_lock_give(&w->lock);
        if (some(w, 8) == 0)
            use_run(w);
        if (some(w, 16) == 0)
            rob_neighbour(w);
    }
}

static void begin(struct worker *w, uint32_t number, uint32_t count)
{
    *w = (struct worker){
        .owner = {.name = "worker", .taken = taken, .ctx = w},
        .random = number + 1,
        .neighbour = &workers[(number + 1) % count],
        .window = CORE_PT_HIGH_START + number * WINDOW,
    };
    expect(core_owner_init(&w->owner) == 0, "no owner more");
}

static void end(struct worker *w)
{
    while (w->count > 0)
        release_one(w);
    expect(w->owner.frames == 0, "frames that nobody knows of");
    core_owner_fini(&w->owner);
}

int main(void)
{
    uint32_t count = core_cpu_count();
    expect(count <= CPUS, "more CPUs than this test has workers for");
    core_clock_now(); // maps devices when it begins, and keeps the tables
    uint64_t free_before = core_frame_stats().free, robbed = 0, rounds = 0;
    for (uint32_t i = 0; i < count; i++)
        begin(&workers[i], i, count);
    for (uint32_t i = 1; i < count; i++) {
        int cpu = core_cpu_claim("hammer");
        expect(cpu > 0, "no CPU");
        core_cpu_start(cpu, work, &workers[cpu]);
    }
    work(&workers[0]);
    for (uint32_t cpu = 1; cpu < count; cpu++)
        while (!core_cpu_is_parked((int)cpu))
            hal_pause();
    for (uint32_t i = 0; i < count; i++) {
        robbed += workers[i].taken;
        rounds += workers[i].rounds;
        end(&workers[i]);
    }
    expect(free_before - core_frame_stats().free <= SPARES, "frames are lost");
    printf("hammer: %u CPUs, %llu rounds, %llu frames taken by force\n", (unsigned)count,
           (unsigned long long)rounds, (unsigned long long)robbed);
    return EXIT_SUCCESS;
}
