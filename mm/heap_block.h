// SPDX-License-Identifier: MIT
// heap_block.h - one block of the heap in memory; private to mm/heap*.c.
//
// Blocks of a region stand wall to wall; every one begins at a multiple of 16:
//
//     block ─► ┌───────────────────┐
//              │ prev_bytes        │ size of the block before, only while that one is free;
//              │                   │ otherwise these 8 bytes are the end of ITS payload
//              ├───────────────────┤
//              │ head              │ tag (16 bits) │ bytes (44) │ prev_is_free (1 of 4)
//     payload─►├───────────────────┤
//              │ link              │ while free: the list of its size class
//              │ …                 │
//     next ──► └───────────────────┘ + 8 bytes, borrowed from the block behind
//
// So an allocation costs 8 bytes. A region ends in a head of size 0 that is never free.
//
// The tag says what the block is, mixed with where it stands and how long it is. A
// pointer that is no block, a block that is freed twice, a head that somebody wrote over:
// all but one in 65536 have the wrong tag, and looking costs two xors and two shifts.
#ifndef MM_HEAP_BLOCK_H
#define MM_HEAP_BLOCK_H

#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/list.h"
#include "exo/types.h"

struct heap_block {
    size_t prev_bytes;
    uint64_t head;
    union {
        struct list link;        // free: in its size class
        struct heap_block *next; // cached: in the cache's stack
    };
};

#define HEAP_ALIGN     16u
#define HEAP_HEAD      8u                                  // what an allocation costs
#define HEAP_MIN       ((size_t)sizeof(struct heap_block)) // the smallest block
#define HEAP_SIZE_LOG2 40
#define HEAP_MAX       (((size_t)1 << HEAP_SIZE_LOG2) - HEAP_ALIGN) // the largest

#define HEAP_PREV_IS_FREE  1u
#define HEAP_BYTES_MASK    (((UINT64_C(1) << 48) - 1) & ~(uint64_t)(HEAP_ALIGN - 1))
#define HEAP_PAYLOAD_START offsetof(struct heap_block, link)

_Static_assert(sizeof(struct heap_block) == 32, "the drawing above");
_Static_assert(HEAP_PAYLOAD_START == HEAP_ALIGN, "payloads are aligned like blocks");

enum heap_tag { // any three values that differ in several bits
    HEAP_USED = 0x5ca1,
    HEAP_CACHED = 0xb7e2, // freed, but not merged: its neighbours see a used block
    HEAP_FREE = 0x6d1c,
};

// Bits 4 … 19 of place and size at the top of a word, where the tag stands. Both are
// multiples of 16, so nothing falls below bit 48 but head's own low flags.
static inline uint64_t heap_block_mix(const struct heap_block *b, uint64_t head)
{
    return ((uint64_t)(uintptr_t)b ^ head) << 44;
}

static inline bool heap_block_is(const struct heap_block *b, enum heap_tag tag)
{
    return (b->head ^ heap_block_mix(b, b->head)) >> 48 == (uint64_t)tag;
}

static inline size_t heap_block_bytes(const struct heap_block *b)
{
    return b->head & HEAP_BYTES_MASK;
}

static inline void heap_block_set(struct heap_block *b, enum heap_tag tag, size_t bytes,
                                  uint64_t prev_is_free)
{
    b->head = (heap_block_mix(b, bytes) ^ (uint64_t)tag << 48) | bytes | prev_is_free;
}

static inline void heap_block_retag(struct heap_block *b, enum heap_tag from, enum heap_tag to)
{
    b->head ^= (uint64_t)(from ^ to) << 48;
}

static inline uint64_t heap_block_prev_is_free(const struct heap_block *b)
{
    return b->head & HEAP_PREV_IS_FREE;
}

static inline struct heap_block *heap_block_at(void *base, size_t offset)
{
    return (struct heap_block *)(void *)((uint8_t *)base + offset);
}

static inline struct heap_block *heap_block_next(const struct heap_block *b)
{
    return heap_block_at((void *)(uintptr_t)b, heap_block_bytes(b));
}

static inline void *heap_block_payload(struct heap_block *b)
{
    return (uint8_t *)b + HEAP_PAYLOAD_START;
}

// The block of a payload, which must be of that kind.
static inline struct heap_block *heap_block_of(const void *ptr, enum heap_tag tag)
{
    exo_assert(((uintptr_t)ptr & (HEAP_ALIGN - 1)) == 0);
    struct heap_block *b = (struct heap_block *)((uintptr_t)ptr - HEAP_PAYLOAD_START);
    exo_assert(heap_block_is(b, tag)); // freed twice, never allocated, or written over
    return b;
}

#endif
