// SPDX-License-Identifier: MIT
// world.h - a scheduler whose clock is a number: idling moves it to the next deadline.
#ifndef TEST_UNIT_SCHED_WORLD_H
#define TEST_UNIT_SCHED_WORLD_H

#include "sched/event.h"
#include "sched/sched.h"
#include "test/support/check_main.h"

#include <stdio.h>
#include <string.h>

struct world {
    struct sched sched;
    exo_ns now;
    uint32_t idles;        // times that nobody could run
    uint32_t polls;        // calls while tasks were busy
    uint32_t exits;        // tasks whose on_exit was called
    struct event *at_idle; // signalled once by the next idle, if not null
    char trace[4096];      // what tasks said, in order
};

static inline exo_ns world_now(void *ctx)
{
    return ((struct world *)ctx)->now;
}

static inline void world_idle(void *ctx, exo_ns deadline)
{
    struct world *w = ctx;
    w->idles++;
    if (w->at_idle) {
        event_signal(w->at_idle);
        w->at_idle = NULL;
        return;
    }
    ck_assert_msg(deadline != EXO_NS_NEVER, "every task waits for nothing");
    if (deadline > w->now)
        w->now = deadline;
}

static inline void world_poll(void *ctx)
{
    ((struct world *)ctx)->polls++;
}

static inline void world_init(struct world *w)
{
    *w = (struct world){0};
    struct sched_env env = {.now = world_now, .idle = world_idle, .poll = world_poll, .ctx = w};
    sched_init(&w->sched, &env);
}

static inline void world_say(struct world *w, const char *what)
{
    ck_assert_uint_lt(strlen(w->trace) + strlen(what), sizeof w->trace);
    strcat(w->trace, what);
}

// One allocation a task, so that the address sanitizer watches its edges.
static inline void world_bury(struct task *task, void *ctx)
{
    struct world *w = ctx;
    w->exits++;
    free(task->stack);
    free(task);
}

static inline struct task *world_start(struct world *w, const char *name, void (*fn)(void *),
                                       void *arg)
{
    size_t stack_bytes = 64 * 1024; // sanitized frames and printf are large
    struct task *task = malloc(sizeof *task);
    void *stack = malloc(stack_bytes);
    ck_assert(task && stack);
    task_start(&w->sched, task, name, stack, stack_bytes, fn, arg, world_bury, w);
    return task;
}

#endif
