// SPDX-License-Identifier: MIT
// heap_state.h - what one heap is made of; private to mm/heap*.c.
#ifndef MM_HEAP_STATE_H
#define MM_HEAP_STATE_H

#include "mm/heap.h"
#include "mm/heap_index.h"

// A freed small block waits here, unmerged, for the next request of exactly its size.
// The depth bounds what emptying the whole cache can cost, and so every call's time.
#define HEAP_CACHE_BYTES 512u // the largest block that is cached
#define HEAP_CACHE_DEPTH 16u  // blocks a size

struct heap_cache {
    struct heap_block *top; // a stack through heap_block.next
    size_t count;           // blocks on it
};

struct heap_region { // stands at the start of the memory that heap_add was given
    struct heap_region *next;
    struct heap_block *first; // from here wall to wall to the end mark
};

struct heap {
    struct heap_stats stats;
    struct heap_region *regions;
    struct heap_cache cache[HEAP_CACHE_BYTES / HEAP_ALIGN + 1]; // by bytes / 16
    struct heap_index index;
};

#endif
