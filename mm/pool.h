// SPDX-License-Identifier: MIT
// pool.h - objects of one size in memory that is handed in: constant time, no fragmentation.
//
//     mem ─► │ object 0 │ object 1 │ … │ object n-1 │
//              fresh: never handed out, from `fresh` on; free: a stack through the objects
//
// A free object holds a link and a word that says "free, and at this place". So a second free
// and a write into a free object are noticed (asserted); so is a pointer that is no object.
// The memory is touched only as objects are handed out.
#ifndef MM_POOL_H
#define MM_POOL_H

#include "exo/types.h"

#define POOL_ALIGN 16u

struct pool_free { // an object while nobody has it
    struct pool_free *next;
    uint64_t tag; // its address, and next, mixed with a constant
};

struct pool {
    uint8_t *objects;       // the first one
    struct pool_free *free; // the last one freed
    size_t object_bytes;    // a multiple of POOL_ALIGN
    size_t count;           // of all objects
    size_t fresh;           // objects before this one have been handed out
    size_t used;            // objects that somebody has
    size_t peak;            // the most that `used` has been
};

// Cuts `mem` into objects of at least `object_bytes`, aligned to POOL_ALIGN. There may be none.
void pool_init(struct pool *p, void *mem, size_t bytes, size_t object_bytes);

// An object, or null if all are in use. Its contents are undefined.
void *pool_alloc(struct pool *p);

// Gives an object back. Null is allowed.
void pool_free(struct pool *p, void *object);

// Walks the free objects and asserts every invariant; for tests.
void pool_check(const struct pool *p);

#endif
