// SPDX-License-Identifier: MIT
// local.c - one in the image, the others on their stacks.
#include "sdk/glue/local.h"

#include "exo/assert.h"

void local_init(struct local *local)
{
    *local = (struct local){.has_sched = false};
    list_init(&local->sources);
}

struct local *local_first(void)
{
    static struct local first;
    exo_assert(core_cpu_self()->index == 0); // else: start tasks there by run_cpu_start
    local_init(&first);
    core_cpu_self()->app = &first;
    return &first;
}
