// SPDX-License-Identifier: MIT
// stack_guard.h - a fault beside a task's stack says whose it is.
//
// For tasks that lie at the top of their stack's pages, as spawn (sdk/glue/run.h) puts them.
#ifndef SDK_GLUE_STACK_GUARD_H
#define SDK_GLUE_STACK_GUARD_H

// Registers the stacks' region with core (core/guard.h), once, whoever calls how often. Where
// core's table is full a line says so, and such a fault is reported without a name.
void stack_guard_watch(void);

#endif
