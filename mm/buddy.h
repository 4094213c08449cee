// SPDX-License-Identifier: MIT
// buddy.h - runs of 2^order units, found, split and merged by the buddy method (Knowlton,
// "A Fast Storage Allocator", CACM 1965).
//
// It hands out numbers, not memory: a unit may be a page frame, a page of addresses or a slot
// of a ring, and is never touched. A run begins at a multiple of its length. What the
// allocator knows stands in a table of 12 bytes a unit that is handed in.
//
//     order 2   │ 0           │ 4           │      8 units. 4 and 5 are buddies at order 0,
//     order 1   │ 0    │ 2    │ 4    │ 6    │      4 and 6 at order 1: two halves of a run
//     order 0   │0 │1 │2 │3 │4 │5 │6 │7 │          of the next order, merged when both are free
//
// Time is in proportion to the orders (21). Misuse is asserted.
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "exo/types.h"

#define BUDDY_ORDERS 21u              // the longest run is 2^20 units: 4 GiB of frames
#define BUDDY_NONE   UINT32_MAX       // no unit
#define BUDDY_MAX    (UINT32_MAX / 2) // units of one allocator

struct buddy_unit { // says something only of the first unit of a run
    uint32_t next;  // while free: in the list of its order
    uint32_t prev;
    uint32_t state; // order, and whether free or used; 0 within a run
};

struct buddy {
    struct buddy_unit *units;
    uint32_t count;
    uint32_t free[BUDDY_ORDERS]; // first free run of each order, or BUDDY_NONE
    uint32_t orders;             // bit n: there is a free run of order n
    uint32_t free_count;         // units in free runs
};

// Bytes of the table for `count` units, at most BUDDY_MAX; aligned to 4.
size_t buddy_bytes(uint32_t count);

// All units are free. `table` is the caller's and stays in use.
void buddy_init(struct buddy *b, void *table, uint32_t count);

// The smallest order whose run holds `units`; BUDDY_ORDERS if none does.
uint32_t buddy_order(uint64_t units);

// The first unit of a run, or BUDDY_NONE: no such run is free.
uint32_t buddy_alloc(struct buddy *b, uint32_t order);

// Takes exactly the run that begins at `first`, a multiple of its length. False: not all of it
// is free.
bool buddy_alloc_at(struct buddy *b, uint32_t first, uint32_t order);

// Gives a run back; its order is remembered.
void buddy_free(struct buddy *b, uint32_t first);

// The order of the longest free run; BUDDY_ORDERS if nothing is free.
uint32_t buddy_largest(const struct buddy *b);

// Walks everything and asserts every invariant; for tests.
void buddy_check(const struct buddy *b);

#endif
