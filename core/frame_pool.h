// SPDX-License-Identifier: MIT
// frame_pool.h - one bit a frame: the arithmetic behind frame.h, over memory handed in.
//
// Each range of memory carries its own bitmap in its first frames:
//
//     start                first                                  first + count
//     | bitmap             | frame 0 | 1 | …  watermark | …             |
//                            bits are valid here        | all free, no bit written yet
//
// A frame at or above the watermark has never been claimed, and the bits of whole words
// from there on hold garbage. So adding a range costs the same for a megabyte and for a
// terabyte; claiming by number far up in a range pays for the words on the way, once.
//
// Pure: the pool is the caller's, and it reaches memory only through `direct_map`.
#ifndef CORE_FRAME_POOL_H
#define CORE_FRAME_POOL_H

#include "core/memmap.h"
#include "exo/types.h"

#define FRAME_POOL_RANGES (MEMMAP_MAX * 2) // cleaned map, then what the loader gives back

struct frame_range {
    uint64_t first;     // frame number (physical address / CORE_FRAME_BYTES)
    uint64_t count;     // frames that can be claimed
    uint64_t free;      // of those, not claimed now
    uint64_t watermark; // index; a multiple of 64, or `count`
    uint64_t hint;      // index; no frame below it is free
    uint64_t *bits;     // bit i set: frame first + i is claimed
};

struct frame_pool {
    uint64_t direct_map; // address at which physical address 0 is seen
    uint32_t count;
    struct frame_range ranges[FRAME_POOL_RANGES]; // in order of preference
};

void frame_pool_init(struct frame_pool *pool, uint64_t direct_map);

// Gives the pool the whole frames of [start, end). It is searched after those that came
// before it. False if there is no room for one more range.
bool frame_pool_add(struct frame_pool *pool, uint64_t start, uint64_t end);

// As core_frame_claim, core_frame_claim_at and core_frame_release (frame.h).
int frame_pool_claim(struct frame_pool *pool, uint64_t count, uint64_t align, struct pa *out);
int frame_pool_claim_at(struct frame_pool *pool, struct pa at, uint64_t count);
void frame_pool_release(struct frame_pool *pool, struct pa at, uint64_t count);

uint64_t frame_pool_total(const struct frame_pool *pool);
uint64_t frame_pool_free(const struct frame_pool *pool);

#endif
