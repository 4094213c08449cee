// SPDX-License-Identifier: MIT
// event.c - waiting without losing a signal.
#include "sched/event.h"

#include "exo/assert.h"
#include "exo/bits.h"

void event_init(struct event *e)
{
    list_init(&e->waiters);
    e->count = 0;
}

bool event_wait(struct sched *s, struct event *e, uint32_t mark, exo_ns deadline)
{
    if (e->count != mark)
        return true;
    struct task *self = task_self(s);
    exo_assert(self);
    list_push_back(&e->waiters, &self->link);
    return task_park(s, deadline);
}

// A waiter leaves the list only by task_wake, here or when its deadline comes.
void event_signal(struct event *e)
{
    e->count++;
    struct list *first;
    while ((first = list_first(&e->waiters)) != NULL)
        task_wake(EXO_CONTAINER(first, struct task, link));
}
