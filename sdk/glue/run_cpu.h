// SPDX-License-Identifier: MIT
// run_cpu.h - tasks on another CPU, under a scheduler of its own.
//
//     struct run_cpu worker;
//     if (run_cpu_start(&worker, "worker", work, &job) >= 0) …   // work() is a task over there
//     int failed = run_cpu_join(&worker);
//
// What such a task spawns stays on its CPU; run_sched, spawn, sleeping, waiting and mailboxes
// work there as on CPU 0. Tasks of different CPUs share memory, and no event: an event, a
// socket, a stack belongs to the CPU that made it. They talk by messages (mailbox.h).
#ifndef SDK_GLUE_RUN_CPU_H
#define SDK_GLUE_RUN_CPU_H

#include "sdk/glue/idle_wait.h"
#include "sdk/glue/run.h"

// A scheduler on another CPU; the starter's storage, lent until run_cpu_join.
struct run_cpu {
    int cpu;
    const char *name;
    void (*fn)(void *);
    void *arg;
    int result;              // of spawning the first task
    uint32_t ended;          // set by that CPU, last but for the interrupt
    int irq;                 // that wakes whoever joins; -1 if nobody does yet
    struct event joined;     // signalled on the joiner's CPU
    struct idle_source idle; // of the joiner's CPU
};

// Claims a CPU and starts fn(arg) there as its first task. `name` is a literal.
//
// Returns the CPU's number. Errors: -EXO_ENOSPC  there is none to be had.
int run_cpu_start(struct run_cpu *run, const char *name, void (*fn)(void *), void *arg);

// Stops the calling task until no task is left there, and gives the CPU back. Returns 0, or
// why the first task could not be started (as spawn).
int run_cpu_join(struct run_cpu *run);

#endif
