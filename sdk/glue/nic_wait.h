// SPDX-License-Identifier: MIT
// nic_wait.h - lets the task that drives a NIC sleep until there is something in it.
//
//     struct nic_wait wait;
//     nic_wait_init(&wait, nic);
//     while (!nic->broken) {
//         if (serve(nic))
//             task_yield(run_sched());       // poll while there is work, and let others run
//         else
//             nic_wait(&wait, EXO_NS_NEVER); // then sleep; with all others asleep, so does the CPU
//     }
#ifndef SDK_GLUE_NIC_WAIT_H
#define SDK_GLUE_NIC_WAIT_H

#include "dev/nic.h"
#include "sched/sched.h"
#include "sdk/glue/idle_wait.h"

struct nic_wait {
    struct idle_source idle;
    struct nic *nic;
    struct task *task; // that waits, or null
};

// Lends `wait`, and the NIC to it, until nic_wait_fini.
void nic_wait_init(struct nic_wait *wait, struct nic *nic);
void nic_wait_fini(struct nic_wait *wait);

// Stops the calling task until the NIC has something, nic_wait_end is called, or `deadline`.
// May return early: poll, and wait again.
void nic_wait(struct nic_wait *wait, exo_ns deadline);

// Ends the wait of whoever waits.
void nic_wait_end(struct nic_wait *wait);

#endif
