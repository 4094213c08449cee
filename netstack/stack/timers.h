// SPDX-License-Identifier: MIT
// timers.h - which of many deadlines comes first: a binary heap of pointers.
//
// Setting, moving and stopping take O(log n), asking for the first takes O(1), and a
// timer that is not set costs nothing: thousands of idle connections are free.
#ifndef NETSTACK_STACK_TIMERS_H
#define NETSTACK_STACK_TIMERS_H

#include "exo/types.h"

struct timer {      // embedded in what it wakes
    exo_ns at;      // EXO_NS_NEVER: not set
    uint32_t index; // its place in the heap, if it is set
};

struct timers {
    struct timer **heap; // heap[0] is due first; heap[i] never before heap[(i - 1) / 2]
    uint32_t count;      // timers that are set
    uint32_t max;        // places in heap
};

// `heap` has room for as many timers as can ever be set at one time.
void timers_init(struct timers *t, struct timer **heap, uint32_t max);

void timer_init(struct timer *timer);

// Sets, moves, or with EXO_NS_NEVER stops a timer.
void timers_set(struct timers *t, struct timer *timer, exo_ns at);

// The next timer that is due at `now`, stopped by this call; null: none.
struct timer *timers_pop(struct timers *t, exo_ns now);

static inline exo_ns timers_deadline(const struct timers *t)
{
    return t->count ? t->heap[0]->at : EXO_NS_NEVER;
}

#endif
