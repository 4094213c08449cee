// SPDX-License-Identifier: MIT
// ready.h - the queue of tasks that could run; sched's own, nobody else includes it.
//
// Singly linked: what is in it leaves it at the front only.
#ifndef SCHED_READY_H
#define SCHED_READY_H

#include "sched/sched.h"

static inline void ready_push(struct sched *s, struct task *task)
{
    task->next = NULL;
    if (s->ready_first)
        s->ready_last->next = task;
    else
        s->ready_first = task;
    s->ready_last = task;
}

static inline struct task *ready_pop(struct sched *s)
{
    struct task *task = s->ready_first;
    if (task)
        s->ready_first = task->next;
    return task;
}

#endif
