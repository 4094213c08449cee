// SPDX-License-Identifier: MIT
// idle_wait.h - what a CPU does when none of its tasks can run: it halts.
//
// While there is work, devices are polled and their interrupts are off. Before a halt
// each source turns its interrupt on and looks once more, so that nothing which arrives
// in between is slept through. Sources belong to the CPU that added them.
#ifndef SDK_GLUE_IDLE_WAIT_H
#define SDK_GLUE_IDLE_WAIT_H

#include "exo/list.h"
#include "exo/types.h"

// One device that may end a halt.
struct idle_source {
    struct list link; // in the CPU's list
    // Turns the interrupt on. Returns true if something has arrived: do not halt.
    bool (*arm)(void *ctx);
    // Turns it off again after the halt, and wakes whoever has work now.
    // `arrived` is what arm returned; false too if another source prevented the halt.
    void (*disarm)(void *ctx, bool arrived);
    void *ctx;
};

// Lends `source` until it is removed.
void idle_add(struct idle_source *source);
void idle_remove(struct idle_source *source);

// Looks whether a source has something, without waiting: for times when nobody is idle.
void idle_poll(void);

// Halts until a source has something, another interrupt line fires, or `deadline`.
void idle_wait(exo_ns deadline);

#endif
