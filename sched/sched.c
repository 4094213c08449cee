// SPDX-License-Identifier: MIT
// sched.c - the loop: it looks at the clock, buries the dead, and idles.
#include "sched/sched.h"

#include "exo/assert.h"
#include "exo/bits.h"
#include "sched/ready.h"
#include "sched/task_switch.h"

void sched_init(struct sched *s, const struct sched_env *env)
{
    *s = (struct sched){.env = *env, .turns = SCHED_TURNS};
    timers_init(&s->sleepers);
}

static struct task *task_of_timer(struct timer *t)
{
    return EXO_CONTAINER(t, struct task, timer);
}

// Makes every sleeper ready whose deadline has come.
static void wake_sleepers(struct sched *s)
{
    if (!timers_first(&s->sleepers))
        return;
    exo_ns now = s->env.now(s->env.ctx);
    struct timer *t;
    while ((t = timers_first(&s->sleepers)) != NULL && t->deadline <= now) {
        struct task *task = task_of_timer(t);
        task_wake(task);
        task->timed_out = true;
    }
}

// A task cannot give back the stack it stands on, so the loop does it.
static void bury(struct sched *s)
{
    struct task *task = s->dead;
    if (!task)
        return;
    s->dead = NULL;
    s->live--;
    if (task->on_exit)
        task->on_exit(task, task->on_exit_ctx);
}

// Tasks that are busy all the time must not keep devices from being heard.
static void poll(struct sched *s)
{
    if (s->turns != 0)
        return;
    s->turns = SCHED_TURNS;
    if (s->env.poll)
        s->env.poll(s->env.ctx);
}

static void run(struct sched *s, struct task *task)
{
    task->state = TASK_RUNNING;
    s->current = task;
    s->turns--;
    s->switches++;
    task_switch(&s->loop_sp, task->sp);
}

static void idle(struct sched *s)
{
    struct timer *first = timers_first(&s->sleepers);
    s->env.idle(s->env.ctx, first ? first->deadline : EXO_NS_NEVER);
}

void sched_run(struct sched *s)
{
    exo_assert(!s->running);
    s->running = true;
    while (s->live != 0) {
        wake_sleepers(s);
        poll(s);
        struct task *next = ready_pop(s);
        if (next)
            run(s, next);
        else
            idle(s);
        bury(s);
    }
    s->running = false;
}
