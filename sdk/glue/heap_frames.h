// SPDX-License-Identifier: MIT
// heap_frames.h - where a heap's memory comes from: frames claimed from core.
//
// A heap starts small and doubles when it is full, in runs of frames that lie in a row,
// as long as the machine has plenty; near the end it takes what the allocation at hand
// needs and no more. Frames that a heap has taken stay the heap's.
#ifndef SDK_GLUE_HEAP_FRAMES_H
#define SDK_GLUE_HEAP_FRAMES_H

#include "exo/types.h"
#include "mm/heap.h"

struct heap_frames {
    struct heap *heap; // null until the first growth
    uint64_t claimed;  // frames taken so far
};

// Adds memory so that a block of `bytes` aligned to `align` (a power of two) fits.
//
// Errors: -EXO_ENOMEM  there is no run of frames long enough.
int heap_frames_grow(struct heap_frames *f, size_t align, size_t bytes);

#endif
