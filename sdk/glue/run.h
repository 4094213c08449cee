// SPDX-License-Identifier: MIT
// run.h - the CPU's own scheduler, and the loop that main hands the machine to.
//
//     int main(void)
//     {
//         return run_main("app", app, NULL);   // app() is a task: it may block and spawn
//     }
//
// Exit status and output. A task may call exit(status) at any time; the machine ends.
#ifndef SDK_GLUE_RUN_H
#define SDK_GLUE_RUN_H

#include "sched/event.h"
#include "sched/sched.h"
#include "sdk/glue/local.h"

// The stack of a task that does not ask for another size: enough for printf and for
// every call of this SDK, with about 12 KiB left for the app.
#define SPAWN_STACK_BYTES 16384u

// The scheduler that spawn, sock and net_task use: that of the CPU that calls. Another CPU
// gets one by run_cpu.h.
static inline struct sched *run_sched(void)
{
    return &local_self()->sched;
}

// Starts a task. Its stack has a guard page (sdk/glue/stack.h), is rounded up to whole
// pages, holds the struct task too, and is freed when the task ends. `name` is a literal.
//
// Errors: -EXO_ENOMEM  no frames; -EXO_ENOSPC  too many stacks; -EXO_EINVAL  below
//         TASK_STACK_MIN, or beyond all bounds.
int spawn(const char *name, void (*fn)(void *), void *arg);
int spawn_sized(const char *name, size_t stack_bytes, void (*fn)(void *), void *arg);

// Spawns the first task and runs until no task is left. Returns 0, or 1 after a line on
// the console if there was no memory for it: main's result.
int run_main(const char *name, void (*fn)(void *), void *arg);

// Stops the running task for `ns` nanoseconds.
void run_sleep(exo_ns ns);

#endif
