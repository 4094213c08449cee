// SPDX-License-Identifier: MIT
// debug_heap.h - a heap in which every block has pages of its own, for a doubtful hour.
//
//     │ guard │ header, pattern … │ block ██████│ guard │ header … │ block ██│ guard │
//     │ no    │ page              │ page        │ no    │ page               │ no    │
//
// The block ends where a page ends, and the page behind is never mapped: the first byte past
// the end faults at the instruction that touches it. A freed block's pages are unmapped at
// once, and their addresses are used again only when DEBUG_HEAP_BYTES of others have been:
// a use after free faults, too. The report says which block it was (core/guard.h).
//
// Alignment. A block is aligned to the largest power of two that is not above its size, at
// most 16: no object that fits needs more. So the end of a block of 13 bytes is 3 bytes before
// the guard, that of 24 bytes is 8 bytes before it; with sizes that are a multiple of their
// alignment there is no gap. A larger alignment that is asked for widens the gap in the same
// way, up to 4096; above that the block begins on a boundary and up to a page behind it is gap.
//
// A gap, and what is before the block, holds a pattern that is looked at when the block is
// freed: what wrote there is not caught in the act, but is noticed. A block costs its size
// rounded up to pages, an allocation some microseconds.
#ifndef SDK_GLUE_DEBUG_HEAP_H
#define SDK_GLUE_DEBUG_HEAP_H

#include "exo/types.h"
#include "mm/heap.h"

#define DEBUG_HEAP_START UINT64_C(0xfffff00000000000) // among core's addresses for owners
#define DEBUG_HEAP_BYTES (UINT64_C(1) << 43)          // 8 TiB

// Begins. A second call changes nothing.
//
// Errors: those of core_guard_add, and -EXO_ENOMEM  no frame for the list of freed blocks.
int debug_heap_on(void);
bool debug_heap_is_on(void);

// A block filled with bytes of 0xa5, aligned to what its size demands and at least to `align`;
// or null: no frames, or no run of free addresses.
void *debug_heap_alloc(size_t align, size_t bytes);

// Misuse is asserted: a block that is none (any more), and writing over its ends.
void debug_heap_free(void *ptr);

// The size that was asked for.
size_t debug_heap_size(const void *ptr);

// `ptr` lies among the debug heap's addresses.
bool debug_heap_owns(const void *ptr);

// Adds its blocks to `stats`; sizes are whole pages.
void debug_heap_count(struct heap_stats *stats);

#endif
