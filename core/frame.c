// SPDX-License-Identifier: MIT
// frame.c - the machine's one frame pool, filled from the loader's memory map.
#include "core/frame.h"

#include "core/bringup.h"
#include "core/log.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"

// Frame 0 is never handed out: address 0 means "none" to much code and hardware, and the
// firmware's interrupt table is there.
#define FIRST_USABLE CORE_FRAME_BYTES

#define LOW_MEMORY_END (UINT64_C(1) << 20)

static struct core_owner *or_app(struct core_owner *owner)
{
    return owner ? owner : &core_state.app;
}

int core_frame_claim(struct core_owner *owner, uint64_t count, uint64_t align, struct pa *out)
{
    int err = frame_pool_claim(&core_state.frames, count, align, out);
    if (err == 0)
        or_app(owner)->frames += count;
    return err;
}

int core_frame_claim_at(struct core_owner *owner, struct pa at, uint64_t count)
{
    int err = frame_pool_claim_at(&core_state.frames, at, count);
    if (err == 0)
        or_app(owner)->frames += count;
    return err;
}

void core_frame_release(struct core_owner *owner, struct pa at, uint64_t count)
{
    exo_assert(or_app(owner)->frames >= count);
    frame_pool_release(&core_state.frames, at, count);
    or_app(owner)->frames -= count;
}

struct core_frame_stats core_frame_stats(void)
{
    return (struct core_frame_stats){
        .total = frame_pool_total(&core_state.frames),
        .free = frame_pool_free(&core_state.frames),
    };
}

void *core_phys(struct pa at)
{
    exo_assert(at.v < MEMMAP_LIMIT);
    return (void *)(HANDOFF_DIRECT_MAP + at.v);
}

struct pa core_phys_of(const void *ptr)
{
    uint64_t at = (uint64_t)ptr - HANDOFF_DIRECT_MAP;
    exo_assert(at < MEMMAP_LIMIT); // else it is no pointer into the direct map
    return (struct pa){at};
}

static void add(uint64_t start, uint64_t end)
{
    if (start < end && !frame_pool_add(&core_state.frames, start, end))
        core_log("core: memory %#llx … %#llx is one piece too many, unused",
                 (unsigned long long)start, (unsigned long long)end);
}

// Gives the pool what the map has in [start, end).
static void add_between(uint64_t start, uint64_t end)
{
    for (uint32_t i = 0; i < core_state.memmap.count; i++) {
        const struct memmap_range *range = &core_state.memmap.ranges[i];
        add(EXO_MAX(range->start, start), EXO_MIN(range->end, end));
    }
}

// Where the loader's memory begins and ends: it is left alone at first. So is low memory,
// so that it stays in one piece, and comes last: some hardware can use no other.
static uint64_t loaders_start(void)
{
    uint64_t start = exo_align_down(core_state.handoff.low_start, CORE_FRAME_BYTES);
    return EXO_MAX(start, LOW_MEMORY_END);
}

static uint64_t loaders_end(void)
{
    uint64_t end = exo_align_up(core_state.handoff.low_end, CORE_FRAME_BYTES);
    return EXO_MAX(end, LOW_MEMORY_END);
}

void frame_init(void)
{
    const struct handoff *handoff = &core_state.handoff;
    struct memmap *map = &core_state.memmap;

    memmap_clean(map, (const struct handoff_range *)(HANDOFF_DIRECT_MAP + handoff->map),
                 handoff->map_count);
    if (map->dropped_bytes)
        core_log("core: %llu KiB of memory in too many pieces or too far up, unused",
                 (unsigned long long)(map->dropped_bytes >> 10));
    memmap_cut(map, 0, FIRST_USABLE);
    memmap_cut(map, handoff->kernel_pa, handoff->kernel_pa + handoff->kernel_bytes);

    frame_pool_init(&core_state.frames, HANDOFF_DIRECT_MAP);
    add_between(LOW_MEMORY_END, loaders_start());
    add_between(loaders_end(), UINT64_MAX);
}

void frame_take_loaders(void)
{
    add_between(loaders_start(), loaders_end());
    add_between(0, LOW_MEMORY_END);
}
