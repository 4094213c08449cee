// SPDX-License-Identifier: MIT
// arena.h - memory that is handed out piece by piece and taken back as a whole.
//
//     mem ─► │ handed out … │ ◄─ used ─► │ free … │
//
// For what is built up and dropped together: a request, a table at start. An allocation is
// an addition; nothing is freed singly. All of it is inline and takes some ten instructions.
#ifndef MM_ARENA_H
#define MM_ARENA_H

#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/span.h"

struct arena {
    struct span mem; // the caller's
    size_t used;     // bytes from its start that are handed out, gaps for alignment included
    size_t peak;     // the most that `used` has been
};

static inline void arena_init(struct arena *a, void *mem, size_t bytes)
{
    *a = (struct arena){.mem = {.ptr = mem, .len = bytes}};
}

// `bytes` bytes at a multiple of `align`, a power of two. Null: there is no room, and nothing
// has changed.
static inline void *arena_alloc(struct arena *a, size_t align, size_t bytes)
{
    exo_assert(exo_is_pow2(align));
    size_t gap = -((uintptr_t)a->mem.ptr + a->used) & (align - 1);
    size_t left = a->mem.len - a->used;
    if (gap > left || bytes > left - gap)
        return NULL;
    void *at = a->mem.ptr + a->used + gap;
    a->used += gap + bytes;
    a->peak = EXO_MAX(a->peak, a->used);
    return at;
}

// Where the arena stands; arena_reset to there takes back all that came later.
static inline size_t arena_mark(const struct arena *a)
{
    return a->used;
}

static inline void arena_reset(struct arena *a, size_t mark)
{
    exo_assert(mark <= a->used); // else it is of another arena, or was taken back already
    a->used = mark;
}

#endif
