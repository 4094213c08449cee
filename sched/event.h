// SPDX-License-Identifier: MIT
// event.h - what tasks wait for: a flag that wakes all who wait.
//
// Edge-safe by a count: take event_mark, look at your condition, then event_wait with
// the mark; a signal in between makes the wait return at once.
#ifndef SCHED_EVENT_H
#define SCHED_EVENT_H

#include "sched/sched.h"

struct event {
    struct list waiters; // tasks, first come first woken
    uint32_t count;      // signals so far
};

void event_init(struct event *e);

static inline uint32_t event_mark(const struct event *e)
{
    return e->count;
}

// Waits for a signal after `mark`. Returns false if `deadline` came first.
bool event_wait(struct sched *s, struct event *e, uint32_t mark, exo_ns deadline);

// Wakes every waiter. May be called outside tasks (from env->idle, from the loop).
void event_signal(struct event *e);

#endif
