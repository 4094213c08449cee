// SPDX-License-Identifier: MIT
// fake_machine.h - a machine for sdk/glue on the host: frames from malloc, a clock that is
// a number and jumps over idle times, and two NICs with a cable between them.
#ifndef TEST_UNIT_SDK_FAKE_MACHINE_H
#define TEST_UNIT_SDK_FAKE_MACHINE_H

#include "exo/types.h"

struct fake_machine {
    exo_ns now;
    uint32_t frames_out;  // claimed now
    uint32_t frames_left; // claims of more fail
    uint32_t stacks_out;
    uint32_t nics_open;
    uint32_t halts;
    uint32_t looks;      // at the clock since it last moved
    exo_ns stuck_until;  // no NIC takes a frame before
    uint32_t lose_every; // the cable drops each n-th frame; 0: none
    uint32_t carried;    // frames so far
};

extern struct fake_machine machine;

// A machine with memory for everything, at time 0.
void fake_machine_init(void);

#endif
