// SPDX-License-Identifier: MIT
// run.c - one scheduler for each CPU, with core's clock and an idle that halts.
#include "sdk/glue/run.h"

#include "core/clock.h"
#include "exo/assert.h"
#include "exo/err.h"
#include "sdk/glue/idle_wait.h"
#include "sdk/glue/local.h"
#include "sdk/glue/stack.h"
#include "sdk/glue/stack_guard.h"

#include <stdio.h>

static exo_ns now(void *ctx)
{
    (void)ctx;
    return core_clock_now();
}

static void idle(void *ctx, exo_ns deadline)
{
    (void)ctx;
    idle_wait(deadline);
}

static void poll(void *ctx)
{
    (void)ctx;
    idle_poll();
}

// For reports.
static const char *running(void)
{
    const struct task *task = task_self(&local_self()->sched);
    return task ? task->name : NULL;
}

void local_begin(struct local *local)
{
    sched_init(&local->sched, &(struct sched_env){.now = now, .idle = idle, .poll = poll});
    list_init(&local->sources);
    local->net_yields = 0;
    stack_guard_watch();
    core_cpu_self()->running = running;
    core_cpu_self()->app = local;
}

struct local *local_first(void)
{
    static struct local first;
    exo_assert(core_cpu_self()->index == 0); // else: start tasks there by run_cpu_start
    local_begin(&first);
    return &first;
}

static void free_task(struct task *task, void *ctx)
{
    (void)ctx;
    stack_free(task->stack, task->stack_bytes + sizeof *task);
}

// The task lies at the top of its stack's pages, where an overflow does not reach it.
int spawn_sized(const char *name, size_t stack_bytes, void (*fn)(void *), void *arg)
{
    if (stack_bytes < TASK_STACK_MIN)
        return -EXO_EINVAL;
    void *stack;
    int failed = stack_alloc(stack_bytes, &stack);
    if (failed)
        return failed;
    size_t left = stack_bytes_of(stack_bytes) - sizeof(struct task);
    struct task *task = (struct task *)((uint8_t *)stack + left);
    task_start(run_sched(), task, name, stack, left, fn, arg, free_task, NULL);
    return 0;
}

int spawn(const char *name, void (*fn)(void *), void *arg)
{
    return spawn_sized(name, SPAWN_STACK_BYTES, fn, arg);
}

int run_main(const char *name, void (*fn)(void *), void *arg)
{
    if (spawn(name, fn, arg) != 0) {
        fprintf(stderr, "%s: no memory for the first task\n", name);
        return 1;
    }
    sched_run(run_sched());
    return 0;
}

void run_sleep(exo_ns ns)
{
    exo_ns deadline;
    if (__builtin_add_overflow(core_clock_now(), ns, &deadline))
        deadline = EXO_NS_NEVER;
    task_sleep_until(run_sched(), deadline);
}
