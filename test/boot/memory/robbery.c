// SPDX-License-Identifier: MIT
// robbery.c - frames are taken by force while another CPU, their owner's, is about to map them,
// to map other frames in their place, or to end the owner.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/frame.h"
#include "core/panic.h"
#include "core/pt.h"
#include "core/revoke.h"
#include "core/smp.h"
#include "exo/err.h"
#include "exo/lock.h"
#include "hal/cpu.h"

#define FRAMES_2M (CORE_PT_2M / CORE_FRAME_BYTES)
#define LENGTH    EXO_S(2)

static struct va large = {CORE_PT_HIGH_START}, small = {CORE_PT_HIGH_START + CORE_PT_1G};
static struct core_owner victim;
static struct exo_lock lock; // of what follows
static struct pa run;        // what the victim has claimed
static bool gone[FRAMES_2M]; // of that, what was taken
static bool ends;            // the victim's CPU is to come to an end
static bool being_told;      // `taken` runs
static bool is_ending;       // the victim is about to end meanwhile

static void expect(bool good, const char *what)
{
    if (!good)
        core_panic("%s", what);
}

static bool is_set(const bool *flag)
{
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void set(bool *flag, bool value)
{
    __atomic_store_n(flag, value, __ATOMIC_RELEASE);
}

static void wait_until(const bool *flag, bool value)
{
    while (is_set(flag) != value)
        hal_pause();
}

static void begin(void (*taken)(void *ctx, const struct pa *frames, uint32_t count))
{
    victim = (struct core_owner){.name = "victim", .taken = taken};
    expect(core_owner_init(&victim) == 0, "no owner more");
    set(&ends, false);
}

// Takes a frame at a time, until the other CPU is done. Returns how many that were.
static uint64_t rob(void)
{
    uint64_t robbed = 0;
    exo_ns until = core_clock_now() + LENGTH;
    while (core_clock_now() < until) {
        core_revoke_ask(&victim, 1, 0);
        int64_t n = core_revoke_take(&victim);
        expect(n >= 0, "cannot take");
        robbed += (uint64_t)n;
    }
    set(&ends, true);
    return robbed;
}

static void taken(void *ctx, const struct pa *frames, uint32_t count)
{
    (void)ctx;
    exo_lock_take(&lock);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = (frames[i].v - run.v) / CORE_FRAME_BYTES;
        if (at < FRAMES_2M)
            gone[at] = true; // else it was released a moment too late, and forgotten
    }
    exo_lock_give(&lock);
}

static bool claim(uint64_t count)
{
    exo_lock_take(&lock);
    memset(gone, 0, sizeof(gone));
    bool done = core_frame_claim(&victim, count, count, &run) == 0;
    exo_lock_give(&lock);
    return done;
}

static void release_what_is_left(uint64_t count)
{
    exo_lock_take(&lock);
    for (uint64_t i = 0; i < count; i++)
        if (!gone[i])
            core_frame_release(&victim, (struct pa){run.v + i * CORE_FRAME_BYTES}, 1);
    run.v = UINT64_MAX;
    exo_lock_give(&lock);
}

// A large page is long on its way: one of its frames after the other is held. It is taken out by
// whoever takes one of them, never by this CPU, unless nobody did.
static void map_large(void *arg)
{
    (void)arg;
    struct core_pt_entry entry;
    while (!is_set(&ends)) {
        if (!claim(FRAMES_2M))
            continue;
        int err = core_pt_map_large(large, run, CORE_PT_2M, CORE_PT_WRITE);
        expect(err == 0 || err == -EXO_EPERM, "cannot map"); // -EXO_EPERM: being taken
        while (err == 0 && core_pt_query(large, &entry) == 0 && !is_set(&ends))
            hal_pause();
        core_pt_unmap_large(large, CORE_PT_2M, NULL);
        release_what_is_left(FRAMES_2M);
    }
}

// The page that showed a frame of the victim's shows one of the app's the next moment.
static void map_another(void *arg)
{
    (void)arg;
    struct pa safe;
    expect(core_frame_claim(NULL, 1, 1, &safe) == 0, "no frame");
    while (!is_set(&ends)) {
        if (!claim(1))
            continue;
        int err = core_pt_map(small, run, CORE_PT_WRITE);
        expect(err == 0 || err == -EXO_EPERM, "cannot map");
        core_pt_unmap(small, NULL);
        expect(core_pt_map(small, safe, CORE_PT_WRITE) == 0, "cannot map in its place");
        expect(core_pt_unmap(small, NULL) == 0, "the page of another frame is gone");
        release_what_is_left(1);
    }
    core_frame_release(NULL, safe, 1);
}

static void tell_slowly(void *ctx, const struct pa *frames, uint32_t count)
{
    (void)ctx;
    (void)frames;
    (void)count;
    set(&being_told, true);
    wait_until(&is_ending, true);
    exo_ns until = core_clock_now() + EXO_MS(20);
    while (core_clock_now() < until)
        hal_pause();
    set(&being_told, false);
}

// All its frames are gone, so the owner may end; but not before it was told.
static void end_owner(void *arg)
{
    (void)arg;
    wait_until(&being_told, true);
    set(&is_ending, true);
    core_owner_fini(&victim);
    expect(!is_set(&being_told), "an owner ends while it is being told");
}

static void beside(int cpu, void (*other)(void *), const char *what)
{
    core_cpu_start(cpu, other, NULL);
    uint64_t robbed = rob();
    while (!core_cpu_is_parked(cpu))
        hal_pause();
    expect(robbed > 0 && victim.frames == 0, "nothing was taken, or not all came back");
    printf("robbery: %s, %llu frames taken\n", what, (unsigned long long)robbed);
    core_owner_fini(&victim);
}

int main(void)
{
    int cpu = core_cpu_claim("victim");
    expect(cpu > 0, "no CPU");
    begin(taken);
    beside(cpu, map_large, "large pages");
    begin(taken);
    beside(cpu, map_another, "pages used again");

    begin(tell_slowly);
    struct pa frame;
    expect(core_frame_claim(&victim, 1, 1, &frame) == 0, "no frame");
    core_cpu_start(cpu, end_owner, NULL);
    core_revoke_ask(&victim, 1, 0);
    expect(core_revoke_take(&victim) == 1, "not taken");
    while (!core_cpu_is_parked(cpu))
        hal_pause();
    printf("robbery: well\n");
    return EXIT_SUCCESS;
}
