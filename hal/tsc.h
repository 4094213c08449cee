// SPDX-License-Identifier: MIT
// tsc.h - how fast the time stamp counter runs.
#ifndef HAL_TSC_H
#define HAL_TSC_H

#include <stdbool.h>
#include <stdint.h>

struct hal_tsc_rate {
    uint64_t hz;
    const char *source; // who said so, for the log
};

// Asks the CPU (CPUID leaves 15h and 16h), then the hypervisor (leaf 4000_0010h). `hz` is 0 if
// neither knows.
struct hal_tsc_rate hal_tsc_rate_told(void);

// Measures for about 1 ms against channel 2 of the interval timer. The measurement assumes
// nothing about the rate, and being descheduled in the middle of it does no harm. `hz` is 0
// if there is no interval timer.
struct hal_tsc_rate hal_tsc_rate_measured(void);

// Is a rate one that a time stamp counter may have?
bool hal_tsc_is_sane(uint64_t hz);

#endif
