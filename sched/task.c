// SPDX-License-Identifier: MIT
// task.c - one task's life: started, stopped and switched, woken, ended.
#include "exo/assert.h"
#include "exo/bits.h"
#include "sched/sched.h"
#include "sched/task_switch.h"

// Below the lowest byte that the task may use. The address is mixed in so that a copied
// stack does not carry a valid one.
#define CANARY UINT64_C(0x6b636174735f6f78)

static uint64_t *canary_at(const struct task *task)
{
    return (uint64_t *)exo_align_up((uintptr_t)task->stack, sizeof(uint64_t));
}

static uint64_t canary_of(const struct task *task)
{
    return CANARY ^ (uintptr_t)canary_at(task);
}

static void check_stack(const struct task *task)
{
    exo_assert(*canary_at(task) == canary_of(task)); // else: the stack overflowed
}

// A frame as if task_entry had been stopped before its first instruction.
static struct task_frame *first_frame(struct task *task)
{
    uintptr_t top = exo_align_down((uintptr_t)task->stack + task->stack_bytes, 16);
    struct task_frame *frame = (struct task_frame *)top - 1;
    *frame = (struct task_frame){.rbx = (uintptr_t)task, .rip = (uintptr_t)task_entry};
    return frame;
}

void task_start(struct sched *s, struct task *task, const char *name, void *stack,
                size_t stack_bytes, void (*fn)(void *), void *arg,
                void (*on_exit)(struct task *, void *), void *on_exit_ctx)
{
    exo_assert(stack && stack_bytes >= TASK_STACK_MIN);
    *task = (struct task){
        .sched = s,
        .state = TASK_READY,
        .fn = fn,
        .arg = arg,
        .name = name,
        .stack = stack,
        .stack_bytes = stack_bytes,
        .on_exit = on_exit,
        .on_exit_ctx = on_exit_ctx,
    };
    *canary_at(task) = canary_of(task);
    task->sp = first_frame(task);
    s->live++;
    list_push_back(&s->ready, &task->link);
}

_Noreturn void task_main(struct task *task)
{
    task->fn(task->arg);
    task_exit(task->sched);
}

// Switches from the running task, whose new state is set, to the next ready one; to the
// loop if there is none, if it must look at the clock, or if it has a task to bury.
// Returns when the task runs again.
static void stop(struct sched *s, struct task *self)
{
    check_stack(self);
    struct list *next = NULL;
    if (s->turns != 0 && !s->dead)
        next = list_pop_front(&s->ready);
    if (!next) {
        s->current = NULL;
        s->switches++;
        task_switch(&self->sp, s->loop_sp);
        return;
    }
    s->turns--;
    struct task *task = EXO_CONTAINER(next, struct task, link);
    task->state = TASK_RUNNING;
    s->current = task;
    if (task == self) // it yielded, and nobody else is ready
        return;
    s->switches++;
    task_switch(&self->sp, task->sp);
}

void task_yield(struct sched *s)
{
    struct task *self = s->current;
    exo_assert(self);
    self->state = TASK_READY;
    list_push_back(&s->ready, &self->link);
    stop(s, self);
}

bool task_park(struct sched *s, exo_ns deadline)
{
    struct task *self = s->current;
    exo_assert(self);
    self->state = TASK_PARKED;
    self->timed_out = false;
    if (deadline != EXO_NS_NEVER)
        timers_insert(&s->sleepers, &self->timer, deadline);
    stop(s, self);
    return !self->timed_out;
}

void task_sleep_until(struct sched *s, exo_ns deadline)
{
    while (task_park(s, deadline)) {
        // Woken by somebody who did not know that it sleeps.
    }
}

void task_wake(struct task *task)
{
    if (task->state != TASK_PARKED)
        return;
    struct sched *s = task->sched;
    timers_remove(&s->sleepers, &task->timer);
    list_remove(&task->link); // from an event's waiters
    task->state = TASK_READY;
    list_push_back(&s->ready, &task->link);
}

_Noreturn void task_exit(struct sched *s)
{
    struct task *self = s->current;
    exo_assert(self && !s->dead);
    self->state = TASK_DEAD;
    s->dead = self;
    stop(s, self);
    __builtin_unreachable(); // nobody wakes the dead
}
