// SPDX-License-Identifier: MIT
// heap.h - a general heap over memory that is handed in: constant time, best fit by
// size class (two-level segregated fit; Masmano et al., "TLSF", ECRTS 2004).
//
// One struct heap is one heap; regions may be added while it runs, and taken back once
// nothing lives in them. Every block is aligned to 16. Corruption that the heap can see (a
// double free, a pointer that is not a block, a trampled header) is asserted.
//
// A heap takes no lock: whoever shares one between CPUs holds his own around every call,
// heap_size apart. What small blocks cost then is bought back by mm/heap_cache.h.
#ifndef MM_HEAP_H
#define MM_HEAP_H

#include "exo/span.h"
#include "exo/types.h"

struct heap_stats {
    size_t total;   // bytes handed in, less the heap's own tables
    size_t used;    // bytes in allocated blocks, headers included
    size_t blocks;  // allocated blocks
    size_t cached;  // bytes in freed blocks that wait in caches (heap_cache_count)
    size_t peak;    // the most that used and cached together have been
    size_t largest; // bytes of the largest free block, its header included
};

// How broken the free memory is: the part of it, in percent, that is not in the largest
// piece. 0 is one piece, or nothing free.
static inline uint32_t heap_fragmentation_percent(const struct heap_stats *s)
{
    size_t free_bytes = s->total - s->used - s->cached;
    return free_bytes ? 100 - (uint32_t)(s->largest * 100 / free_bytes) : 0;
}

struct heap; // opaque; heap_bytes() of the caller's memory

// Bytes that heap_init needs for struct heap itself, aligned to 16.
size_t heap_bytes(void);

// Builds an empty heap in `mem`.
struct heap *heap_init(void *mem);

// Adds memory.
//
// Owner:  takes `mem`, until heap_take_back gives it.
// Errors: -EXO_EINVAL  too small to hold a block, or 256 GiB and more.
int heap_add(struct heap *h, void *mem, size_t bytes);

// Takes out memory in which no block is allocated or cached, exactly as it was added; the
// span is empty if there is none. In proportion to the number of regions.
struct span heap_take_back(struct heap *h);

// All return null when there is no memory; a size of 0 gives a unique small block.
void *heap_alloc(struct heap *h, size_t bytes);
void *heap_alloc_aligned(struct heap *h, size_t align, size_t bytes); // align: a power of two
void *heap_realloc(struct heap *h, void *ptr, size_t bytes);          // on null `ptr` is untouched

// Makes an allocated block larger or smaller where it is. False: there is no room, and it is
// as it was.
bool heap_resize(struct heap *h, void *ptr, size_t bytes);

// Null is allowed.
void heap_free(struct heap *h, void *ptr);

// Usable size of an allocated block.
size_t heap_size(const void *ptr);

// Blocks that wait in caches are counted as used: heap_cache_count tells them apart. Walks
// one list, that of the largest free blocks.
struct heap_stats heap_stats(const struct heap *h);

// Walks everything and asserts every invariant; for tests.
void heap_check(const struct heap *h);

#endif
