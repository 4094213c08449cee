// SPDX-License-Identifier: MIT
// tsc.h - how fast the time stamp counter runs, if somebody knows. Measuring it is
// reference.h's business.
#ifndef HAL_TSC_H
#define HAL_TSC_H

#include <stdbool.h>
#include <stdint.h>

struct hal_tsc_rate {
    uint64_t hz;
    const char *source; // who says so, for the log
};

// Asks the CPU (CPUID leaves 15h and 16h), then the hypervisor (leaf 4000_0010h). `hz` is 0 if
// neither knows.
struct hal_tsc_rate hal_tsc_rate_told(void);

// Is a rate one that a time stamp counter may have?
bool hal_tsc_is_sane(uint64_t hz);

#endif
