// SPDX-License-Identifier: MIT
// task.c - one task's life: started, stopped and switched, woken, ended.
#include "exo/assert.h"
#include "exo/bits.h"
#include "sched/ready.h"
#include "sched/sched.h"
#include "sched/task_switch.h"

// Below the lowest byte that the task may use. The address is mixed in so that a copied
// stack does not carry a valid one.
#define CANARY UINT64_C(0x6b636174735f6f78)

static uint64_t canary_of(const uint64_t *at)
{
    return CANARY ^ (uintptr_t)at;
}

static inline void check_stack(const struct task *task)
{
    exo_assert(*task->canary == canary_of(task->canary)); // else: the stack overflowed
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
        .canary = (uint64_t *)exo_align_up((uintptr_t)stack, sizeof(uint64_t)),
        .on_exit = on_exit,
        .on_exit_ctx = on_exit_ctx,
    };
    *task->canary = canary_of(task->canary);
    list_init(&task->link);
    task->sp = first_frame(task);
    s->live++;
    ready_push(s, task);
}

_Noreturn void task_main(struct task *task)
{
    task->fn(task->arg);
    task_exit(task->sched);
}

static void switch_to(struct sched *s, struct task *self, struct task *next)
{
    next->state = TASK_RUNNING;
    s->current = next;
    s->switches++;
    task_switch(&self->sp, next->sp);
}

static void switch_to_loop(struct sched *s, struct task *self)
{
    s->current = NULL;
    s->switches++;
    task_switch(&self->sp, s->loop_sp);
}

// Switches from the running task, whose new state is set, to the next ready one; to the loop
// if there is none, or if it must look at the clock. Returns when the task runs again.
static void stop(struct sched *s, struct task *self)
{
    check_stack(self);
    struct task *next = s->turns != 0 ? ready_pop(s) : NULL;
    if (!next) {
        switch_to_loop(s, self);
        return;
    }
    s->turns--;
    switch_to(s, self, next);
}

// What tasks do most: no more steps than it needs. Behind somebody, so neither end of the queue
// has to be asked whether it is there.
void task_yield(struct sched *s)
{
    struct task *self = s->current;
    exo_assert(self);
    check_stack(self);
    struct task *next = s->ready_first;
    if (__builtin_expect(s->turns == 0, 0)) {
        self->state = TASK_READY;
        ready_push(s, self);
        switch_to_loop(s, self);
        return;
    }
    s->turns--;
    if (!next) // nobody else is ready
        return;
    self->state = TASK_READY;
    self->next = NULL;
    s->ready_last->next = self;
    s->ready_last = self;
    s->ready_first = next->next;
    switch_to(s, self, next);
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
    ready_push(s, task);
}

_Noreturn void task_exit(struct sched *s)
{
    struct task *self = s->current;
    exo_assert(self && !s->dead);
    self->state = TASK_DEAD;
    s->dead = self;
    check_stack(self);
    switch_to_loop(s, self); // which buries it
    __builtin_unreachable(); // nobody wakes the dead
}
