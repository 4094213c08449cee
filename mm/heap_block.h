// SPDX-License-Identifier: MIT
// heap_block.h - one block of the heap in memory; private to mm/heap*.c.
//
// Blocks of a region stand wall to wall; every one begins at a multiple of 16:
//
//     block ─► ┌───────────────────┐
//              │ prev_bytes        │ size of the block before, only while that one is free;
//              │                   │ otherwise these 8 bytes are the end of ITS payload
//              ├───────────────────┤
//              │ head              │ address of the payload ^ kind ^ size ^ prev_is_free
//     payload─►├───────────────────┤
//              │ link              │ while free: the list of its size class
//              │ …                 │
//     next ──► └───────────────────┘ + 8 bytes, borrowed from the block behind
//
// So an allocation costs 8 bytes. A region ends in a head of size 0 that is never free.
//
// The head says what stands here, and only here: a pointer that is no block, a block that is
// freed twice, a head that somebody wrote over give another kind, or a size with bits that
// no size has. All but one wrong word in 2^28 are noticed, at the price of one xor.
//
//     kind    63 ─ 38 one of enum heap_kind │ 37 ─ 0 the same in all three
//     size    37 ─ 4                          prev_is_free   0
//
// Two CPUs may write one head: the heap, under its lock, marks the block before as free or
// not, and that is byte 0; who has the block in his cache changes its kind without a lock,
// and that is in the upper four bytes. Neither reads and writes back what is the other's.
#ifndef MM_HEAP_BLOCK_H
#define MM_HEAP_BLOCK_H

#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/list.h"
#include "exo/types.h"

struct heap_block {
    size_t prev_bytes;
    uint64_t head;
    struct list link;
};

#define HEAP_ALIGN     16u
#define HEAP_HEAD      8u                                  // what an allocation costs
#define HEAP_MIN       ((size_t)sizeof(struct heap_block)) // the smallest block
#define HEAP_SIZE_LOG2 38
#define HEAP_MAX       (((size_t)1 << HEAP_SIZE_LOG2) - HEAP_ALIGN) // the largest

#define HEAP_PREV_IS_FREE  1u
#define HEAP_BYTES_MASK    HEAP_MAX
#define HEAP_PAYLOAD_START offsetof(struct heap_block, link)

_Static_assert(sizeof(struct heap_block) == 32, "the drawing above");
_Static_assert(HEAP_PAYLOAD_START == HEAP_ALIGN, "payloads are aligned like blocks");

// Of a used block of less than 512 bytes, the head differs from the payload's address in all
// bits above: so one comparison sees that a block is used and small (heap_cache.h).
#define HEAP_SMALL_LIMIT 512u

enum heap_kind { // bits 63 … 32 of the kind
    HEAP_USED = 0xffffffff,
    HEAP_CACHED = 0x5ca1b7ff, // freed, but not merged: its neighbours see a used block
    HEAP_FREE = 0xa36d1c7f,
};

#define HEAP_KIND_LOW ((uint32_t)-HEAP_SMALL_LIMIT) // bits 31 … 0 of every kind

static inline void *heap_block_payload(const struct heap_block *b)
{
    return (uint8_t *)(uintptr_t)b + HEAP_PAYLOAD_START;
}

// Size and flag, if the block is of that kind; else something with other bits in it.
static inline uint64_t heap_block_decode(const struct heap_block *b, enum heap_kind kind)
{
    uint64_t whole = (uint64_t)kind << 32 | HEAP_KIND_LOW;
    return b->head ^ (uintptr_t)heap_block_payload(b) ^ whole;
}

static inline bool heap_block_is(const struct heap_block *b, enum heap_kind kind)
{
    return (heap_block_decode(b, kind) & ~(HEAP_BYTES_MASK | HEAP_PREV_IS_FREE)) == 0;
}

static inline size_t heap_block_bytes(const struct heap_block *b)
{
    return heap_block_decode(b, HEAP_USED) & HEAP_BYTES_MASK;
}

static inline void heap_block_set(struct heap_block *b, enum heap_kind kind, size_t bytes,
                                  uint64_t prev_is_free)
{
    uint64_t whole = (uint64_t)kind << 32 | HEAP_KIND_LOW;
    b->head = (uintptr_t)heap_block_payload(b) ^ whole ^ bytes ^ prev_is_free;
}

// From one kind to the other, by the CPU that holds the block.
static inline void heap_block_retag(struct heap_block *b, enum heap_kind from, enum heap_kind to)
{
    ((uint32_t *)&b->head)[1] ^= (uint32_t)from ^ (uint32_t)to;
}

static inline uint64_t heap_block_prev_is_free(const struct heap_block *b)
{
    return b->head & HEAP_PREV_IS_FREE;
}

static inline void heap_block_mark_prev_free(struct heap_block *b, bool is_free)
{
    uint8_t *flags = (uint8_t *)&b->head; // little-endian: bits 7 … 0
    *flags = (uint8_t)((*flags & ~HEAP_PREV_IS_FREE) | is_free);
}

static inline struct heap_block *heap_block_at(void *base, size_t offset)
{
    return (struct heap_block *)(void *)((uint8_t *)base + offset);
}

static inline struct heap_block *heap_block_next(const struct heap_block *b)
{
    return heap_block_at((void *)(uintptr_t)b, heap_block_bytes(b));
}

// The block of a payload, which must be of that kind.
static inline struct heap_block *heap_block_of(const void *ptr, enum heap_kind kind)
{
    exo_assert(((uintptr_t)ptr & (HEAP_ALIGN - 1)) == 0);
    struct heap_block *b = (struct heap_block *)((uintptr_t)ptr - HEAP_PAYLOAD_START);
    exo_assert(heap_block_is(b, kind)); // freed twice, never allocated, or written over
    return b;
}

#endif
