// SPDX-License-Identifier: MIT
// frame_pool.h - a bit and a record for each frame: the arithmetic behind frame.h, over
// memory handed in.
//
// Each range of memory carries its own bitmap and its own records in its first frames:
//
//     start                          first                                    first + count
//     | bits | record 0 | 1 | …      | frame 0 | 1 | …  watermark | …         |
//                                      known: bits and records    | all free, nothing
//                                      are valid, bytes are seen  | written yet
//
// A frame at or above the watermark has never been claimed, and what would describe it
// holds garbage. So adding a range costs the same for a megabyte and for a terabyte;
// claiming by number far up in a range pays for the way there, once.
//
// One word of one bitmap, 64 frames, lies in the hand: single frames come from it and go
// back to it without a search.
//
// Pure: the pool is the caller's, and it reaches memory only through `direct_map`, after
// `show` has made that memory visible.
#ifndef CORE_FRAME_POOL_H
#define CORE_FRAME_POOL_H

#include "core/frame.h"
#include "core/memmap.h"
#include "core/owner.h"
#include "exo/types.h"

#define FRAME_POOL_RANGES (MEMMAP_MAX + 1) // a cleaned map, one range of it in two pieces
#define FRAME_WORD        64u              // frames that a word of a bitmap stands for

// A frame's record: its owner's tag, and how many pages show it.
//
//     31          16 15           0
//     | mappings    | owner's tag |     0: the frame is free
//
#define FRAME_OWNER_MASK UINT32_C(0xffff)
#define FRAME_MAPPED_ONE UINT32_C(0x10000)
#define FRAME_MAPPED_MAX UINT32_C(0xffff)

// May one more page show the frame? Not one of nobody's or of core's.
static inline bool frame_record_may_map(uint32_t record)
{
    return (record & FRAME_OWNER_MASK) > CORE_TAG_TAKEN && record >> 16 < FRAME_MAPPED_MAX;
}

struct frame_range {
    uint64_t first;     // frame number (physical address / CORE_FRAME_BYTES)
    uint64_t count;     // frames that can be claimed
    uint64_t watermark; // index; a multiple of FRAME_WORD, or `count`
    uint64_t hint;      // index; no frame below it is free
    uint64_t *free;     // bit i set: frame first + i is free
    uint32_t *records;  // by index
};

struct frame_hand {
    uint64_t *free;    // the word
    uint32_t *records; // of its first frame, and the next 63
    uint64_t base;     // physical address of its first frame
};

struct frame_pool {
    struct frame_hand hand;
    uint64_t direct_map; // address at which physical address 0 is seen

    // Makes physical memory visible there; false if it cannot. May call
    // frame_pool_claim_known. Null while everything is visible.
    bool (*show)(void *ctx, uint64_t start, uint64_t end);
    void *ctx;

    uint64_t empty;                   // the word in the hand while it holds none
    const struct frame_range *recent; // the range of the record that was asked for last
    uint32_t count;
    struct frame_range ranges[FRAME_POOL_RANGES]; // in order of preference
};

// The pool stays where it is from here on.
void frame_pool_init(struct frame_pool *pool, uint64_t direct_map);

// Gives the pool the whole frames of [start, end). It is searched after those that came
// before it. False if there is no room for one more range.
bool frame_pool_add(struct frame_pool *pool, uint64_t start, uint64_t end);

// As core_frame_claim, core_frame_claim_at and core_frame_release (frame.h), for the owner
// of that tag. Nobody counts the owner's frames here.
int frame_pool_claim(struct frame_pool *pool, uint16_t tag, uint64_t count, uint64_t align,
                     struct pa *out);
int frame_pool_claim_at(struct frame_pool *pool, uint16_t tag, struct pa at, uint64_t count);
void frame_pool_release(struct frame_pool *pool, uint16_t tag, struct pa at, uint64_t count);

// Claims one frame that is known already: nothing new has to be made visible.
//
// Errors: -EXO_ENOMEM  none is free.
int frame_pool_claim_known(struct frame_pool *pool, uint16_t tag, struct pa *out);

// Are all `count` frames from `at` on owned by `tag`, and mapped nowhere?
bool frame_pool_is_idle(struct frame_pool *pool, uint16_t tag, struct pa at, uint64_t count);

uint64_t frame_pool_total(const struct frame_pool *pool);

// Where a search for an owner's frames stands; zero before it begins.
struct frame_cursor {
    uint32_t range;
    uint64_t index; // in the range
    bool at_end;    // all were looked at
};

// Finds up to `most` frames of `tag`'s from the cursor on, and moves it behind them. Looks at
// FRAME_WORD frames and no further, so 0 found is not the end.
uint64_t frame_pool_find(const struct frame_pool *pool, struct frame_cursor *cursor, uint16_t tag,
                         uint64_t most, struct pa *out);

// The record of the known frame at `at`, or null: not on a frame's boundary, no frame of the
// pool, or one that was never claimed.
uint32_t *frame_pool_find_record(struct frame_pool *pool, struct pa at);

// The same. Frames asked for one after the other are often of one range.
static inline uint32_t *frame_pool_record(struct frame_pool *pool, struct pa at)
{
    const struct frame_range *range = pool->recent;
    uint64_t index = (at.v >> 12 | at.v << 52) - range->first; // huge if it is not aligned
    if (__builtin_expect(index < range->watermark, 1))
        return &range->records[index];
    return frame_pool_find_record(pool, at);
}

// --- the common case, in a few instructions -----------------------------------------

// Claims one frame out of the hand. False if it is empty: frame_pool_claim fills it.
static inline bool frame_hand_claim(struct frame_hand *hand, uint16_t tag, struct pa *out)
{
    uint64_t free = *hand->free;
    if (!free)
        return false;
    uint64_t i = (uint32_t)__builtin_ctzll(free);
    *hand->free = free & (free - 1);
    hand->records[i] = tag;
    out->v = hand->base + i * CORE_FRAME_BYTES;
    return true;
}

// Gives one frame back to the hand. False if it is not from there, or cannot be released at
// all: frame_pool_release finds out.
static inline bool frame_hand_release(struct frame_hand *hand, uint16_t tag, struct pa at)
{
    uint64_t from_base = at.v - hand->base;
    uint64_t i = from_base >> 12 | from_base << 52; // huge if the address is not aligned
    if (i >= FRAME_WORD || hand->records[i] != tag)
        return false;
    hand->records[i] = 0;
    *hand->free |= UINT64_C(1) << i;
    return true;
}

#endif
