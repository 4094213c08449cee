// SPDX-License-Identifier: MIT
// sched.h - cooperative tasks on one CPU core: they run until they yield, sleep or wait.
//
// All state is in one struct sched; a process may hold any number. Time and idleness
// come in through struct sched_env. Memory for tasks and stacks is the caller's.
//
//                     task_yield, task_wake, deadline
//                  ┌──────────────────────────────────────┐
//     task_start ► READY ──► RUNNING ──► PARKED (task_park, task_sleep_until, event_wait)
//                               └──────► DEAD   (task_exit, or the function returned)
//
// A task that stops switches straight to the next one that is ready. The loop, on the
// stack of whoever called sched_run, runs between them: to look at the clock (at least
// every SCHED_TURNS switches), to bury the dead, and to idle.
//
// A task's stack is never smaller than TASK_STACK_MIN; its lowest word is a canary,
// checked whenever the task stops running. The floating point control words (MXCSR,
// x87) belong to the machine, not to a task: nothing here changes them, and a task that
// does must put them back before it stops.
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "exo/list.h"
#include "exo/types.h"
#include "sched/timer.h"

#define TASK_STACK_MIN 1024u

// How many switches may pass before the loop looks at the clock, and at devices, again.
#define SCHED_TURNS 64u

struct sched;
struct task;

struct sched_env {
    exo_ns (*now)(void *ctx);
    // Called when no task can run: returns once something may have changed (an
    // interrupt, a packet) or `deadline` is reached. It may wake tasks.
    void (*idle)(void *ctx, exo_ns deadline);
    // Called every SCHED_TURNS switches while tasks keep the CPU busy, when idle is not:
    // the place to see whether a device has something, and to wake tasks. May be null.
    void (*poll)(void *ctx);
    void *ctx;
};

enum task_state { TASK_READY, TASK_RUNNING, TASK_PARKED, TASK_DEAD };

struct task {
    void *sp;           // saved stack pointer while not running
    struct task *next;  // in the ready queue
    struct list link;   // among an event's waiters, or alone
    struct timer timer; // among the sleepers while it waits for a deadline
    struct sched *sched;
    enum task_state state;
    bool timed_out; // why the last park ended
    void (*fn)(void *arg);
    void *arg;
    const char *name; // a literal, for panics and statistics
    void *stack;
    size_t stack_bytes;
    uint64_t *canary;                              // the stack's lowest word
    void (*on_exit)(struct task *task, void *ctx); // see task_start
    void *on_exit_ctx;
};

struct sched {
    struct sched_env env;
    struct task *current;     // null while the loop itself runs
    void *loop_sp;            // the stack of sched_run's caller, while a task runs
    struct task *ready_first; // in the order they became ready
    struct task *ready_last;  // if there is a first
    struct timers sleepers;   // parked tasks that have a deadline
    struct task *dead;        // has ended, not yet buried by the loop
    bool running;             // inside sched_run
    uint32_t turns;           // switches left until the loop must look around
    uint32_t live;            // tasks started and not dead
    uint64_t switches;        // switches so far, those to the loop included
};

void sched_init(struct sched *s, const struct sched_env *env);

// Runs tasks until none is left. Calls env->idle when all of them are parked.
void sched_run(struct sched *s);

// The task that is running, or null.
static inline struct task *task_self(const struct sched *s)
{
    return s->current;
}

// Would another task run if this one stopped?
static inline bool sched_has_ready(const struct sched *s)
{
    return s->ready_first != NULL;
}

// Starts a task: it is ready, behind those that are. `task` and `stack` are lent until
// it is dead. When `fn` returns, `on_exit` (may be null) is called on the loop's stack:
// the place to free both.
void task_start(struct sched *s, struct task *task, const char *name, void *stack,
                size_t stack_bytes, void (*fn)(void *), void *arg,
                void (*on_exit)(struct task *, void *), void *on_exit_ctx);

// Lets every other ready task run once.
void task_yield(struct sched *s);

// Stops until `deadline`, whoever wakes it meanwhile.
void task_sleep_until(struct sched *s, exo_ns deadline);

// Stops until task_wake or `deadline`. Returns false if it was the deadline.
bool task_park(struct sched *s, exo_ns deadline);

// Makes a parked task ready; does nothing to one that is not parked.
void task_wake(struct task *task);

// Ends the running task as if its function had returned.
_Noreturn void task_exit(struct sched *s);

#endif
