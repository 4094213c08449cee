// SPDX-License-Identifier: MIT
// heap_state.h - what one heap is made of; private to mm/heap*.c.
#ifndef MM_HEAP_STATE_H
#define MM_HEAP_STATE_H

#include "mm/heap.h"
#include "mm/heap_index.h"

struct heap_region { // stands at the start of the memory that heap_add was given
    struct heap_region *next;
    struct heap_block *first; // from here wall to wall to the end mark
    struct span mem;          // as it was given
};

struct heap {
    size_t total; // as in struct heap_stats
    size_t used;  // bytes in blocks that are out, those in caches too
    size_t peak;
    size_t blocks;
    struct heap_region *regions;
    struct heap_index index;
};

#endif
