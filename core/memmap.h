// SPDX-License-Identifier: MIT
// memmap.h - the firmware's memory map, cleaned: which bytes really are memory to use.
//
// Firmware maps come unsorted, overlap, wrap around and contain nothing. The result is
// a sorted list of disjoint ranges that no entry calls anything but usable: where
// entries disagree, the strictest wins.
//
// Pure: no state of its own, no call outside itself.
#ifndef CORE_MEMMAP_H
#define CORE_MEMMAP_H

#include "core/handoff.h"
#include "exo/types.h"

#define MEMMAP_MAX 64 // disjoint ranges kept

// Where core's direct map ends: memory beyond has no address to be seen at.
#define MEMMAP_LIMIT (UINT64_C(1) << 46)

struct memmap_range {
    uint64_t start; // first byte
    uint64_t end;   // first byte behind
};

struct memmap {
    uint32_t count;
    struct memmap_range ranges[MEMMAP_MAX]; // ascending, disjoint, never empty
    uint64_t dropped_bytes; // usable, but in too many pieces, or beyond MEMMAP_LIMIT
};

// Cleans `raw[0..count)`. Ranges are whole frames afterwards.
void memmap_clean(struct memmap *map, const struct handoff_range *raw, uint32_t count);

// Takes [start, end), rounded outwards to whole frames, out of the map.
void memmap_cut(struct memmap *map, uint64_t start, uint64_t end);

// Of the blocks of `bytes` (a power of two) that memory is divided into, how many have some
// usable memory in them, but not nothing else.
uint64_t memmap_partial_blocks(const struct memmap *map, uint64_t bytes);

// And how many have any.
uint64_t memmap_blocks(const struct memmap *map, uint64_t bytes);

// Does any byte of [start, end) belong to a range?
bool memmap_overlaps(const struct memmap *map, uint64_t start, uint64_t end);

#endif
