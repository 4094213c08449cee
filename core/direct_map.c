// SPDX-License-Identifier: MIT
// direct_map.c - shows memory by the largest pages that fit, when it is first needed.
#include "core/direct_map.h"

#include <string.h>

#include "core/bringup.h"
#include "core/frame.h"
#include "core/pt.h"
#include "core/pt_tree.h"
#include "core/state.h"
#include "exo/bits.h"
#include "hal/cpu.h"

#define SHOWN_BYTES pt_page_bytes(1) // at a time, unless by pages of 1 GiB

static bool claim_known(struct pa *frame)
{
    return frame_pool_claim_known(&core_state.frames, CORE_TAG_CORE, frame) == 0;
}

void direct_map_refill(void)
{
    struct pa *reserve = core_state.direct_reserve;
    while (core_state.direct_reserve_count < DIRECT_MAP_RESERVE) {
        if (!claim_known(&reserve[core_state.direct_reserve_count]))
            return;
        core_state.direct_reserve_count++;
    }
}

static uint64_t *table_alloc(void)
{
    struct pa frame;
    if (!claim_known(&frame)) {
        if (core_state.direct_reserve_count == 0)
            return NULL;
        frame = core_state.direct_reserve[--core_state.direct_reserve_count];
    }
    return memset(core_phys(frame), 0, PT_TABLE_BYTES);
}

// The loader's three tables stand for blocks of memory too, and take no frame of the pool's.
static uint64_t loaders_tables(void)
{
    uint64_t tables = 0;
    for (int level = 1; level <= PT_LEVEL_TOP; level++) {
        uint64_t start = exo_align_down(core_state.handoff.tables, pt_page_bytes(level));
        tables += memmap_overlaps(&core_state.memmap, start, start + pt_page_bytes(level));
    }
    return tables;
}

// A table stands for a block of memory that no single page can show.
uint64_t direct_map_frames(void)
{
    const struct memmap *map = &core_state.memmap;
    uint64_t tables = memmap_blocks(map, pt_page_bytes(PT_LEVEL_TOP));
    for (int level = PT_LEVEL_TOP - 1; level > 0; level--)
        tables += level > core_state.page_level_max
                      ? memmap_blocks(map, pt_page_bytes(level))
                      : memmap_partial_blocks(map, pt_page_bytes(level));
    return tables - loaders_tables();
}

static struct pt_tree tree(void)
{
    return (struct pt_tree){
        .root = core_state.pml4,
        .direct_map = HANDOFF_DIRECT_MAP,
        .table_alloc = table_alloc,
    };
}

static bool is_all_memory(uint64_t start, uint64_t bytes)
{
    for (uint32_t i = 0; i < core_state.memmap.count; i++) {
        const struct memmap_range *range = &core_state.memmap.ranges[i];
        if (range->start <= start && start + bytes <= range->end)
            return true;
    }
    return false;
}

static bool show_large(uint64_t at, int level)
{
    struct pt_tree t = tree();
    struct pt_path path;
    uint64_t start = exo_align_down(at, pt_page_bytes(level));
    if (pt_tree_enter(&t, &path, HANDOFF_DIRECT_MAP + start, level) < 0)
        return false;
    pt_tree_set(&path, level, pt_leaf(start, level, pt_rights_bits[CORE_PT_WRITE]));
    return true;
}

// What of the 2 MiB around `at` is memory, frame by frame.
static bool show_small(uint64_t at)
{
    struct pt_tree t = tree();
    struct pt_path path;
    uint64_t start = exo_align_down(at, SHOWN_BYTES);
    if (pt_tree_enter(&t, &path, HANDOFF_DIRECT_MAP + at, 0) < 0)
        return false;
    uint64_t *table = path.entry[0] - (at - start) / CORE_FRAME_BYTES;
    for (uint32_t i = 0; i < core_state.memmap.count; i++) {
        const struct memmap_range *range = &core_state.memmap.ranges[i];
        uint64_t pa = EXO_MAX(range->start, start);
        uint64_t end = EXO_MIN(range->end, start + SHOWN_BYTES);
        if (pa >= end)
            continue;
        *path.entry[1] += (end - pa) / CORE_FRAME_BYTES * PT_USE_ONE;
        uint64_t *entry = &table[(pa - start) / CORE_FRAME_BYTES];
        for (; pa < end; pa += CORE_FRAME_BYTES)
            *entry++ = pt_leaf(pa, 0, pt_rights_bits[CORE_PT_WRITE]);
    }
    return true;
}

static bool show_around(uint64_t at)
{
    for (int level = core_state.page_level_max; level > 0; level--) {
        uint64_t bytes = pt_page_bytes(level);
        if (is_all_memory(exo_align_down(at, bytes), bytes))
            return show_large(at, level);
    }
    return show_small(at);
}

// Where one page of a range's part in 2 MiB is there, all of that part is: what is shown here
// was, and what the loader shows of its memory ends where the range does, at its tables.
bool direct_map_show(void *ctx, uint64_t start, uint64_t end)
{
    (void)ctx;
    struct pt_tree t = tree();
    struct pt_path path;
    for (uint64_t at = start; at < end; at = exo_align_down(at, SHOWN_BYTES) + SHOWN_BYTES) {
        if (pt_tree_find(&t, &path, HANDOFF_DIRECT_MAP + at) < 0 && !show_around(at))
            return false;
    }
    return true;
}

// Tables for what is no memory were not counted at the start (direct_map_frames).
static uint64_t tables_uncounted(const struct pt_path *path, uint64_t at)
{
    uint64_t tables = 0;
    for (int level = 1; level <= PT_LEVEL_TOP; level++) {
        uint64_t start = exo_align_down(at, pt_page_bytes(level));
        bool has_memory = memmap_overlaps(&core_state.memmap, start, start + pt_page_bytes(level));
        tables += !path->entry[level - 1] && !has_memory;
    }
    return tables;
}

static bool look_at(uint64_t at)
{
    struct pt_tree t = tree();
    struct pt_path path;
    if (pt_tree_find(&t, &path, HANDOFF_DIRECT_MAP + at) >= 0)
        return true;
    uint64_t uncounted = tables_uncounted(&path, at);
    if (pt_tree_enter(&t, &path, HANDOFF_DIRECT_MAP + at, 0) < 0)
        return false;
    pt_tree_set(&path, 0, pt_leaf(at, 0, pt_rights_bits[0]));
    core_state.core.frames += uncounted;
    return true;
}

bool direct_map_look(uint64_t start, uint64_t end)
{
    bool done = true;
    frame_know();
    exo_lock_take(&core_state.frames_lock);
    for (uint64_t at = start; at < end && done; at += CORE_FRAME_BYTES) {
        bool is_memory = memmap_overlaps(&core_state.memmap, at, at + CORE_FRAME_BYTES);
        done = is_memory ? direct_map_show(NULL, at, at + CORE_FRAME_BYTES) : look_at(at);
    }
    direct_map_refill();
    exo_lock_give(&core_state.frames_lock);
    return done;
}

void direct_map_init(uint64_t reserve)
{
    for (uint32_t i = 0; i < DIRECT_MAP_RESERVE; i++)
        core_state.direct_reserve[i].v = reserve + i * CORE_FRAME_BYTES;
    core_state.direct_reserve_count = DIRECT_MAP_RESERVE;
}
