// SPDX-License-Identifier: MIT
// memmap.c - unites what is called usable, then cuts out what is called anything else.
#include "core/memmap.h"

#include "core/frame.h"
#include "exo/bits.h"

// ACPI 6.5 §15.1, extended attributes: an entry with this bit clear is to be ignored.
#define ATTRIBUTE_VALID 1u

// An entry that reaches past the end of the address space ends there.
static uint64_t end_of(const struct handoff_range *range)
{
    uint64_t end = range->base + range->bytes;
    return end < range->base ? UINT64_MAX : end;
}

static bool counts(const struct handoff_range *range)
{
    return range->bytes != 0 && (range->attributes & ATTRIBUTE_VALID);
}

static void remove_at(struct memmap *map, uint32_t i)
{
    map->count--;
    for (; i < map->count; i++)
        map->ranges[i] = map->ranges[i + 1];
}

static uint32_t smallest(const struct memmap *map)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < map->count; i++) {
        if (map->ranges[i].end - map->ranges[i].start <
            map->ranges[best].end - map->ranges[best].start)
            best = i;
    }
    return best;
}

// Inserts a range that is disjoint from all others. A full list gives up whichever is
// the smallest, and counts what was lost.
static void insert(struct memmap *map, struct memmap_range range)
{
    if (map->count == MEMMAP_MAX) {
        uint32_t victim = smallest(map);
        uint64_t victim_bytes = map->ranges[victim].end - map->ranges[victim].start;
        if (victim_bytes >= range.end - range.start) {
            map->dropped_bytes += range.end - range.start;
            return;
        }
        map->dropped_bytes += victim_bytes;
        remove_at(map, victim);
    }
    uint32_t at = map->count++;
    for (; at > 0 && map->ranges[at - 1].start > range.start; at--)
        map->ranges[at] = map->ranges[at - 1];
    map->ranges[at] = range;
}

// Adds a usable range, swallowing all that it overlaps or touches.
static void unite(struct memmap *map, struct memmap_range range)
{
    if (range.end > MEMMAP_LIMIT) {
        map->dropped_bytes += range.end - EXO_MAX(range.start, MEMMAP_LIMIT);
        range.end = MEMMAP_LIMIT;
    }
    if (range.start >= range.end)
        return;
    for (uint32_t i = 0; i < map->count;) {
        struct memmap_range *other = &map->ranges[i];
        if (other->end < range.start || other->start > range.end) {
            i++;
            continue;
        }
        range.start = EXO_MIN(range.start, other->start);
        range.end = EXO_MAX(range.end, other->end);
        remove_at(map, i);
    }
    insert(map, range);
}

// Half a frame is no frame: usable ranges shrink to whole ones.
static void trim(struct memmap *map)
{
    for (uint32_t i = 0; i < map->count;) {
        struct memmap_range *range = &map->ranges[i];
        range->start = exo_align_up(range->start, CORE_FRAME_BYTES);
        range->end = exo_align_down(range->end, CORE_FRAME_BYTES);
        if (range->start >= range->end)
            remove_at(map, i);
        else
            i++;
    }
}

void memmap_cut(struct memmap *map, uint64_t start, uint64_t end)
{
    start = exo_align_down(start, CORE_FRAME_BYTES);
    end = exo_align_up(EXO_MIN(end, MEMMAP_LIMIT), CORE_FRAME_BYTES);
    if (start >= end)
        return;
    for (uint32_t i = 0; i < map->count;) {
        struct memmap_range whole = map->ranges[i];
        if (whole.end <= start || whole.start >= end) {
            i++;
            continue;
        }
        remove_at(map, i);
        if (whole.start < start) {
            insert(map, (struct memmap_range){whole.start, start});
            i++;
        }
        if (end < whole.end) {
            insert(map, (struct memmap_range){end, whole.end});
            return; // nothing behind it can overlap
        }
    }
}

void memmap_clean(struct memmap *map, const struct handoff_range *raw, uint32_t count)
{
    map->count = 0;
    map->dropped_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (counts(&raw[i]) && raw[i].type == HANDOFF_RANGE_USABLE)
            unite(map, (struct memmap_range){raw[i].base, end_of(&raw[i])});
    }
    for (uint32_t i = 0; i < count; i++) {
        if (counts(&raw[i]) && raw[i].type != HANDOFF_RANGE_USABLE)
            memmap_cut(map, raw[i].base, end_of(&raw[i]));
    }
    trim(map);
}

uint64_t memmap_blocks(const struct memmap *map, uint64_t bytes)
{
    uint64_t blocks = 0, next = 0; // no block below `next` is still to be counted
    for (uint32_t i = 0; i < map->count; i++) {
        uint64_t first = EXO_MAX(map->ranges[i].start / bytes, next);
        next = (map->ranges[i].end - 1) / bytes + 1;
        blocks += EXO_MAX(next, first) - first;
    }
    return blocks;
}

// A whole block belongs to one range: ranges that touch are one.
uint64_t memmap_partial_blocks(const struct memmap *map, uint64_t bytes)
{
    uint64_t whole = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        uint64_t first = (map->ranges[i].start + bytes - 1) / bytes;
        uint64_t end = map->ranges[i].end / bytes;
        whole += EXO_MAX(end, first) - first;
    }
    return memmap_blocks(map, bytes) - whole;
}

bool memmap_overlaps(const struct memmap *map, uint64_t start, uint64_t end)
{
    for (uint32_t i = 0; i < map->count; i++) {
        if (map->ranges[i].start < end && start < map->ranges[i].end)
            return true;
    }
    return false;
}
