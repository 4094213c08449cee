// SPDX-License-Identifier: MIT
// timers.c - a binary heap whose entries know their places.
#include "netstack/stack/timers.h"

#include "exo/assert.h"

void timers_init(struct timers *t, struct timer **heap, uint32_t max)
{
    *t = (struct timers){.heap = heap, .max = max};
}

void timer_init(struct timer *timer)
{
    *timer = (struct timer){.at = EXO_NS_NEVER};
}

static void put(struct timers *t, uint32_t index, struct timer *timer)
{
    t->heap[index] = timer;
    timer->index = index;
}

static void sift_up(struct timers *t, struct timer *timer, uint32_t hole)
{
    while (hole > 0) {
        const uint32_t parent = (hole - 1) / 2;
        if (t->heap[parent]->at <= timer->at)
            break;
        put(t, hole, t->heap[parent]);
        hole = parent;
    }
    put(t, hole, timer);
}

static void sift_down(struct timers *t, struct timer *timer, uint32_t hole)
{
    for (;;) {
        uint32_t child = 2 * hole + 1;
        if (child >= t->count)
            break;
        if (child + 1 < t->count && t->heap[child + 1]->at < t->heap[child]->at)
            child++;
        if (timer->at <= t->heap[child]->at)
            break;
        put(t, hole, t->heap[child]);
        hole = child;
    }
    put(t, hole, timer);
}

static void settle(struct timers *t, struct timer *timer, uint32_t hole)
{
    sift_up(t, timer, hole);
    if (timer->index == hole)
        sift_down(t, timer, hole);
}

static void stop(struct timers *t, struct timer *timer)
{
    const uint32_t hole = timer->index;
    struct timer *last = t->heap[--t->count];
    timer->at = EXO_NS_NEVER;
    if (last != timer)
        settle(t, last, hole);
}

void timers_set(struct timers *t, struct timer *timer, exo_ns at)
{
    const bool was_set = timer->at != EXO_NS_NEVER;
    if (at == timer->at)
        return;
    if (at == EXO_NS_NEVER) {
        stop(t, timer);
        return;
    }
    timer->at = at;
    if (was_set) {
        settle(t, timer, timer->index);
        return;
    }
    exo_assert(t->count < t->max);
    t->count++;
    sift_up(t, timer, t->count - 1);
}

struct timer *timers_pop(struct timers *t, exo_ns now)
{
    if (timers_deadline(t) > now)
        return NULL;
    struct timer *first = t->heap[0];
    if (first->at == EXO_NS_NEVER)
        return NULL;
    stop(t, first);
    return first;
}
