// SPDX-License-Identifier: MIT
// heap_index.h - the free blocks of a heap by size: two-level segregated fit; private
// to mm/heap*.c.
//
// A size class is a power of two cut in 16 equal parts; below 256 the parts are 16 bytes
// wide and hold one size each. Classes are numbered through:
//
//     class   0 … 15      16 … 31        32 … 47        …
//     sizes   0, 16 … 240 256, 272 … 496 512, 544 … 992 …
//
// One bit a class says that its list is not empty, one bit a row of 16 that one of its
// classes is not. Two bit scans find the smallest class that certainly fits.
#ifndef MM_HEAP_INDEX_H
#define MM_HEAP_INDEX_H

#include "mm/heap_block.h"

#define HEAP_ROW_LOG2 4
#define HEAP_ROW      (1u << HEAP_ROW_LOG2)
#define HEAP_ROWS     (HEAP_SIZE_LOG2 - 8 + 1u) // row 0 up to 255, row r from 2^(7+r)

struct heap_index {
    uint64_t rows;               // bit r: some list of row r holds a block
    uint16_t classes[HEAP_ROWS]; // bit c of row r: list r * 16 + c does
    struct list lists[HEAP_ROWS * HEAP_ROW];
};

_Static_assert(HEAP_ROWS <= 64, "rows is one word");

void heap_index_init(struct heap_index *index);

// The class of the sizes that begin at or below `bytes`, a multiple of 16.
static inline uint32_t heap_index_class(size_t bytes)
{
    uint32_t shift = 59u - (uint32_t)__builtin_clzll(bytes | 256);
    return ((shift - HEAP_ROW_LOG2) << HEAP_ROW_LOG2) + (uint32_t)(bytes >> shift);
}

static inline void heap_index_insert(struct heap_index *index, struct heap_block *b)
{
    uint32_t class = heap_index_class(heap_block_bytes(b));
    list_push_front(&index->lists[class], &b->link);
    index->classes[class / HEAP_ROW] |= (uint16_t)(1u << class % HEAP_ROW);
    index->rows |= UINT64_C(1) << class / HEAP_ROW;
}

// Takes a block out of its list. Both neighbours are the same node only if that is the
// list's head and the block was alone, so no other removal needs to know the class.
static inline void heap_index_remove(struct heap_index *index, struct heap_block *b)
{
    struct list *next = b->link.next;
    struct list *prev = b->link.prev;
    exo_assert(next->prev == &b->link && prev->next == &b->link); // written after free?
    next->prev = prev;
    prev->next = next;
    if (next != prev)
        return;
    uint32_t class = (uint32_t)(next - index->lists);
    index->classes[class / HEAP_ROW] &= (uint16_t) ~(1u << class % HEAP_ROW);
    if (!index->classes[class / HEAP_ROW])
        index->rows &= ~(UINT64_C(1) << class / HEAP_ROW);
}

// A free block of at least `bytes` (at most HEAP_MAX), still in its list, or null.
struct heap_block *heap_index_find(struct heap_index *index, size_t bytes);

// Bytes of the largest block, 0 if there is none.
size_t heap_index_largest(const struct heap_index *index);

#endif
