// SPDX-License-Identifier: MIT
// cpu_stacks.h - the stacks of a CPU that starts, each with an unmapped page below it.
//
//     │ guard │ stack │ guard │ fault │ guard │ double │ guard │ NMI │ guard │ machine check │
//
// They lie at the very end of what core leaves to owners. Core's own business.
#ifndef CORE_CPU_STACKS_H
#define CORE_CPU_STACKS_H

#include <stdint.h>

#include "hal/desc.h"

struct cpu_stacks {
    uint64_t top;                     // where code's own stack begins
    uint64_t fault[HAL_FAULT_STACKS]; // the same of those for hal_desc_join
};

// Maps the stacks of a CPU, in a slot 0 … HAL_CPUS_MAX - 1 that nobody has.
//
// Errors: -EXO_ENOMEM  no frames.   -EXO_EEXIST  an owner has mapped something there.
int cpu_stacks_map(uint32_t slot, struct cpu_stacks *out);
// Makes faults in their guard pages explain themselves. Once, before the first.
void cpu_stacks_explain(void);

#endif
