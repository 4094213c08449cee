// SPDX-License-Identifier: MIT
// task_switch.h - from one stack to another; sched's own, nobody else includes it.
#ifndef SCHED_TASK_SWITCH_H
#define SCHED_TASK_SWITCH_H

#include <stdint.h>

// What lies at a stopped task's stack pointer, lowest address first: the registers that
// a called function must preserve (System V ABI, AMD64 supplement §3.2.1).
struct task_frame {
    uint64_t r15;
    uint64_t r14;
    uint64_t r13;
    uint64_t r12;
    uint64_t rbx;
    uint64_t rbp;
    uint64_t rip;
};

// Saves a struct task_frame on the running stack, stores its address in `*save_sp` and
// goes on with the one at `load_sp`. Returns when somebody switches back.
void task_switch(void **save_sp, void *load_sp);

// Where a new task's frame returns to: calls task_main(rbx). Not callable from C.
void task_entry(void);

// The first C function on a task's stack; called by task_entry.
struct task;
_Noreturn void task_main(struct task *task);

#endif
