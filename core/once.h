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

#include <stdbool.h>
#include <stdint.h>

enum { ONCE_NOT_YET, ONCE_UNDER_WAY, ONCE_DONE };

struct once {
    uint32_t state;
};

// True if it is on the caller to do it, and to call once_end. Not from within.
static inline bool once_begin(struct once *once)
{
    uint32_t state = __atomic_load_n(&once->state, __ATOMIC_ACQUIRE);
    if (state == ONCE_DONE)
        return false;
    state = ONCE_NOT_YET;
    if (__atomic_compare_exchange_n(&once->state, &state, ONCE_UNDER_WAY, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
        return true;
    while (__atomic_load_n(&once->state, __ATOMIC_ACQUIRE) != ONCE_DONE)
        __builtin_ia32_pause();
    return false;
}

// Is somebody at it? For code that must not wait, since that may be a CPU that died there.
static inline bool once_is_under_way(const struct once *once)
{
    return __atomic_load_n(&once->state, __ATOMIC_RELAXED) == ONCE_UNDER_WAY;
}

static inline void once_end(struct once *once)
{
    __atomic_store_n(&once->state, ONCE_DONE, __ATOMIC_RELEASE);
}

#endif
