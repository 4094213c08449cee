// SPDX-License-Identifier: MIT
// heap.h - a general heap over memory that is handed in: constant time, best fit by
// size class (two-level segregated fit; Masmano et al., "TLSF", ECRTS 2004).
//
// One struct heap is one heap; regions may be added while it runs. Every block is
// aligned to 16. Corruption that the heap can see (a double free, a pointer that is
// not a block, a trampled header) is asserted.
#ifndef MM_HEAP_H
#define MM_HEAP_H

#include "exo/types.h"

struct heap_stats {
    size_t total;  // bytes handed in, less the heap's own tables
    size_t used;   // bytes in allocated blocks, headers included
    size_t peak;   // the most `used` has been
    size_t blocks; // allocated blocks
};

struct heap; // opaque; heap_bytes() of the caller's memory

// Bytes that heap_init needs for struct heap itself, aligned to 16.
size_t heap_bytes(void);

// Builds an empty heap in `mem`.
struct heap *heap_init(void *mem);

// Adds memory. It stays the heap's.
//
// Errors: -EXO_EINVAL  too small to hold a block, or 1 TiB and more.
int heap_add(struct heap *h, void *mem, size_t bytes);

// All return null when there is no memory; a size of 0 gives a unique small block.
void *heap_alloc(struct heap *h, size_t bytes);
void *heap_alloc_aligned(struct heap *h, size_t align, size_t bytes); // align: a power of two
void *heap_realloc(struct heap *h, void *ptr, size_t bytes);          // on null `ptr` is untouched

// Null is allowed.
void heap_free(struct heap *h, void *ptr);

// Usable size of an allocated block.
size_t heap_size(const void *ptr);

struct heap_stats heap_stats(const struct heap *h);

// Walks everything and asserts every invariant; for tests.
void heap_check(const struct heap *h);

#endif
