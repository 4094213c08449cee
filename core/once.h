// SPDX-License-Identifier: MIT
// once.h - what the first CPU that needs it finds out, for all of them.
//
//     if (once_begin(&once)) {
//         …
//         once_end(&once);
//     }
//
// The others wait meanwhile. Zeroed memory is "not yet".
#ifndef CORE_ONCE_H
#define CORE_ONCE_H

#include "exo/lock.h"

struct once {
    struct exo_lock lock; // held by the CPU that is at it
    bool done;
};

// True if it is on the caller to do it, and to call once_end. Not from within.
static inline bool once_begin(struct once *once)
{
    if (__atomic_load_n(&once->done, __ATOMIC_ACQUIRE))
        return false;
    exo_lock_take(&once->lock);
    if (!once->done)
        return true;
    exo_lock_give(&once->lock);
    return false;
}

// Is somebody at it? For code that must not wait, since that may be a CPU that died there.
static inline bool once_is_under_way(const struct once *once)
{
    return __atomic_load_n(&once->lock.taken, __ATOMIC_RELAXED);
}

static inline void once_end(struct once *once)
{
    __atomic_store_n(&once->done, true, __ATOMIC_RELEASE);
    exo_lock_give(&once->lock);
}

#endif
