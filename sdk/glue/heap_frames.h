// SPDX-License-Identifier: MIT
// heap_frames.h - where a heap's memory comes from: frames claimed from core.
//
// A heap starts small and doubles when it is full, in runs of frames that lie in a row,
// as long as the machine has plenty; near the end it takes what the allocation at hand
// needs and no more. A run in which nothing is allocated any more stays the heap's until
// somebody asks for it back.
//
// `lock` is the heap's: hold it around every call of mm/heap, and not around these here,
// so that nobody waits for it while core searches for frames.
#ifndef SDK_GLUE_HEAP_FRAMES_H
#define SDK_GLUE_HEAP_FRAMES_H

#include "core/owner.h"
#include "exo/lock.h"
#include "exo/types.h"
#include "mm/heap.h"

struct heap_frames {
    struct heap *heap; // null until the first growth
    struct exo_lock lock;
    struct core_owner *owner; // whose frames they are; null: the app's at large
    uint64_t claimed;         // frames that it has
};

// Adds memory so that a block of `bytes` aligned to `align` (a power of two) fits, if no
// other CPU is faster than the caller to take it.
//
// Errors: -EXO_ENOMEM  there is no run of frames long enough.
int heap_frames_grow(struct heap_frames *f, size_t align, size_t bytes);

// Gives runs in which nothing is allocated or cached back to core, until those are at least
// `frames`. Returns how many went: 0, too, if the lock is held at the moment, since the
// caller may be somebody who serves its holder.
uint64_t heap_frames_give_back(struct heap_frames *f, uint64_t frames);

#endif
