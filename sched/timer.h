// SPDX-License-Identifier: MIT
// timer.h - deadlines in order: a pairing heap whose nodes lie in their owners.
//
// Inserting and looking at the first take constant time, removing any node takes
// logarithmic time amortized (Fredman et al., "The pairing heap", Algorithmica 1986),
// so thousands of sleepers cost no more than they should. Equal deadlines come out
// in the order they went in. Nothing is allocated.
#ifndef SCHED_TIMER_H
#define SCHED_TIMER_H

#include "exo/types.h"

struct timer {
    exo_ns deadline;
    uint64_t order;      // n-th insertion into the heap, from 1; 0 = in no heap
    struct timer *child; // the first of those that come later than this one
    struct timer *next;  // right sibling
    struct timer *prev;  // left sibling; the parent of a first child; null of the root
};

struct timers {
    struct timer *root; // the earliest, or null
    uint64_t inserted;  // insertions so far
};

static inline void timers_init(struct timers *h)
{
    h->root = NULL;
    h->inserted = 0;
}

static inline void timer_init(struct timer *t)
{
    *t = (struct timer){0};
}

static inline bool timer_is_set(const struct timer *t)
{
    return t->order != 0;
}

// The earliest, or null.
static inline struct timer *timers_first(const struct timers *h)
{
    return h->root;
}

// Puts in a timer that is in no heap.
void timers_insert(struct timers *h, struct timer *t, exo_ns deadline);

// Takes out a timer; harmless if it is in no heap.
void timers_remove(struct timers *h, struct timer *t);

#endif
