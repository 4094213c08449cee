// SPDX-License-Identifier: MIT
// nic_wait.c - a NIC's interrupt wakes a task.
#include "sdk/glue/nic_wait.h"

#include "core/irq.h"
#include "sdk/glue/run.h"

// Only for who sleeps: a task that polls needs no interrupt.
static bool arm(void *ctx)
{
    struct nic_wait *wait = ctx;
    return wait->task && nic_irq_arm(wait->nic);
}

static void disarm(void *ctx, bool arrived)
{
    struct nic_wait *wait = ctx;
    nic_irq_disarm(wait->nic);
    bool interrupted = core_irq_take(wait->nic->irq);
    if (arrived || interrupted || wait->nic->broken)
        nic_wait_end(wait);
}

void nic_wait_init(struct nic_wait *wait, struct nic *nic)
{
    *wait = (struct nic_wait){.idle = {.arm = arm, .disarm = disarm, .ctx = wait}, .nic = nic};
    idle_add(&wait->idle);
}

void nic_wait_fini(struct nic_wait *wait)
{
    idle_remove(&wait->idle);
}

void nic_wait(struct nic_wait *wait, exo_ns deadline)
{
    struct sched *sched = run_sched();
    wait->task = task_self(sched);
    task_park(sched, deadline);
    wait->task = NULL;
}

void nic_wait_end(struct nic_wait *wait)
{
    if (wait->task)
        task_wake(wait->task);
}
