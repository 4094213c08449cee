// SPDX-License-Identifier: MIT
// local.h - what this SDK keeps for each CPU: its scheduler, and what may end its idleness.
//
// CPU 0 has it from the first use on; another CPU gets it from run_cpu.h, and loses it with
// its last task. One CPU never looks at another's. run.c has the functions.
#ifndef SDK_GLUE_LOCAL_H
#define SDK_GLUE_LOCAL_H

#include "core/cpu.h"
#include "exo/list.h"
#include "sched/sched.h"

struct local {
    struct sched sched;
    struct list sources; // idle_wait.c: struct idle_source
    uint64_t net_yields; // net_task.c: of all its stacks, those without work
};

// Makes it the calling CPU's, without tasks and sources.
void local_begin(struct local *local);

// CPU 0's; on any other CPU without one it is misuse (asserted).
struct local *local_first(void);

static inline struct local *local_self(void)
{
    struct local *local = core_cpu_self()->app;
    return __builtin_expect(local != NULL, 1) ? local : local_first();
}

#endif
