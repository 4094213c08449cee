// SPDX-License-Identifier: MIT
// heap_cache.h - small blocks that one CPU keeps to itself, in front of a heap that all share.
//
// malloc and free of a small block are a move from and to an array of the CPU that calls: no
// lock, some twenty instructions each. Which CPU's cache a block came from does not matter;
// it may go back to any. Each CPU has its own struct heap_cache and calls with nobody else's.
//
//     by_bytes[n]   blocks of n × 16 bytes, header included, for n = 2 … 31
//                   ┌───────┬───────┬─────────┬───────┬───┐
//                   │ count │ limit │ payload │ …     │   │   128 bytes; the last one put in
//                   └───────┴───────┴─────────┴───────┴───┘   is the first one taken out
//
// The pointers stand here and not in the blocks, so a write into a freed block leads nowhere.
// To the heap a cached block is a used one; what heap.h says of misuse holds for it, too: a
// block that is freed a second time is no used block any more.
#ifndef MM_HEAP_CACHE_H
#define MM_HEAP_CACHE_H

#include "mm/heap.h"
#include "mm/heap_block.h"

#define HEAP_CACHE_BYTES ((size_t)HEAP_SMALL_LIMIT - HEAP_ALIGN) // the largest block kept
#define HEAP_CACHE_DEPTH 15u                                     // blocks of one size

struct heap_cache_class {
    uint32_t count;
    uint32_t limit;
    void *payloads[HEAP_CACHE_DEPTH];
};

struct heap_cache {
    struct heap_cache_class by_bytes[HEAP_CACHE_BYTES / HEAP_ALIGN + 1];
};

_Static_assert(sizeof(struct heap_cache_class) == 8 * HEAP_ALIGN, "heap_cache_class multiplies");

// An empty cache.
void heap_cache_init(struct heap_cache *c);

// The slow paths; the caller holds the heap's lock. `get` asks the heap, and if it has nothing
// gives it the cache's blocks and asks again. `put` frees any block and makes room in the
// cache for the next ones of its size.
void *heap_cache_get(struct heap_cache *c, struct heap *h, size_t bytes);
void heap_cache_put(struct heap_cache *c, struct heap *h, void *ptr);

// Gives all blocks to the heap. The caller holds the heap's lock.
void heap_cache_flush(struct heap_cache *c, struct heap *h);

// Tells in `stats` what this cache holds apart from what is used. Another CPU's cache may be
// counted while that one works: the figures are then from different moments.
void heap_cache_count(const struct heap_cache *c, struct heap_stats *stats);

// `bytes` is a block's size. Classes are eight times as far apart as the sizes of their
// blocks: this spares the two shifts of by_bytes[bytes / 16].
static inline struct heap_cache_class *heap_cache_class(struct heap_cache *c, size_t bytes)
{
    return (struct heap_cache_class *)(void *)((uint8_t *)c + 8 * bytes);
}

// A block from the cache; null if `bytes` is not between 9 and 488, or the cache has none.
static inline void *heap_cache_alloc(struct heap_cache *c, size_t bytes)
{
    if (bytes - (HEAP_ALIGN - HEAP_HEAD + 1) >= HEAP_CACHE_BYTES - HEAP_ALIGN)
        return NULL;
    size_t block_bytes = (bytes + HEAP_HEAD + HEAP_ALIGN - 1) & ~(size_t)(HEAP_ALIGN - 1);
    struct heap_cache_class *class = heap_cache_class(c, block_bytes);
    if (class->count == 0)
        return NULL;
    uint8_t *payload = class->payloads[--class->count];
    heap_block_retag((void *)(payload - HEAP_PAYLOAD_START), HEAP_CACHED, HEAP_USED);
    return payload;
}

// Takes a small used block. False if it has no room, or `ptr` is not one: then heap_cache_put
// frees it, or says what is wrong.
static inline bool heap_cache_free(struct heap_cache *c, void *ptr)
{
    uint64_t head; // by bytes, since nobody knows yet that `ptr` is aligned
    __builtin_memcpy(&head, (uint8_t *)ptr - HEAP_HEAD, sizeof head);
    uint64_t small = head ^ (uintptr_t)ptr; // of a small used block: bits 63 … 9 are set
    if (small < -(uint64_t)HEAP_SMALL_LIMIT)
        return false;
    struct heap_cache_class *class = heap_cache_class(c, small & HEAP_CACHE_BYTES);
    if (class->count >= class->limit)
        return false;
    class->payloads[class->count++] = ptr;
    heap_block_retag((void *)((uint8_t *)ptr - HEAP_PAYLOAD_START), HEAP_USED, HEAP_CACHED);
    return true;
}

#endif
