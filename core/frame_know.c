// SPDX-License-Identifier: MIT
// frame_know.c - what memory the machine has, read from the loader's map when somebody first
// wants some.
#include "core/bringup.h"
#include "core/direct_map.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/pt_live.h"
#include "core/report.h"
#include "core/seal.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"

// Frame 0 is never handed out: address 0 means "none" to much code and hardware, and the
// firmware's interrupt table is there.
#define FIRST_USABLE CORE_FRAME_BYTES

#define LOW_MEMORY_END (UINT64_C(1) << 20)
#define RSDP_BYTES     36u // ACPI 6.5 §5.2.5.3

// Less than this is left over, and no app would get anywhere.
#define FREE_FRAMES_MIN 32

// Gives the pool what the map has in [start, end).
static void add_between(uint64_t start, uint64_t end)
{
    for (uint32_t i = 0; i < core_state.memmap.count; i++) {
        uint64_t from = EXO_MAX(core_state.memmap.ranges[i].start, start);
        uint64_t to = EXO_MIN(core_state.memmap.ranges[i].end, end);
        if (from < to)
            exo_assert(frame_pool_add(&core_state.frames, from, to)); // sized for a full map
    }
}

// The loader's map, less what stays in use: the image, the page tables with their reserve, and
// ACPI's root pointer, of which a loader may have made a copy in memory of its own.
static void read_map(struct memmap *map)
{
    const struct handoff *handoff = &core_state.handoff;
    memmap_clean(map, (const struct handoff_range *)(HANDOFF_DIRECT_MAP + handoff->map),
                 handoff->map_count);
    memmap_cut(map, 0, FIRST_USABLE);
    memmap_cut(map, handoff->kernel_pa, handoff->kernel_pa + handoff->kernel_bytes);
    memmap_cut(map, pt_reserve_start(), handoff->low_end);
    if (handoff->rsdp)
        memmap_cut(map, handoff->rsdp, handoff->rsdp + RSDP_BYTES);
}

// A report that wants memory for its screen is not to become another one.
static void check_memory_left(void)
{
    uint64_t free = core_frame_stats().free;
    if (free < FREE_FRAMES_MIN && !report_has_begun())
        bringup_fail("not enough memory: %llu KiB left for the app",
                     (unsigned long long)free * CORE_FRAME_BYTES >> 10);
}

// Low memory comes last, so that it stays in one piece: some hardware can use no other.
static __attribute__((noinline, cold)) void learn(void)
{
    seal_open_facts();
    read_map(&core_state.memmap);
    core_state.direct_frames = direct_map_frames();
    seal_facts();
    add_between(LOW_MEMORY_END, UINT64_MAX);
    add_between(0, LOW_MEMORY_END);
    if (core_state.memmap.dropped_bytes)
        core_log("core: %llu KiB of memory in too many pieces or too far up, unused",
                 (unsigned long long)(core_state.memmap.dropped_bytes >> 10));
    check_memory_left();
}

// Only CPU 0 comes here first: no other starts without frames. A report of what fails on the
// way finds the flag set, and goes on with what is known by then; one from before core knows its
// page tables learns nothing.
void frame_know(void)
{
    if (core_state.frames_known || !core_state.pml4)
        return;
    core_state.frames_known = true;
    learn();
}
