// SPDX-License-Identifier: MIT
// tsc.h - how fast the time stamp counter runs.
#ifndef HAL_TSC_H
#define HAL_TSC_H

#include <stdint.h>

struct hal_tsc_rate {
    uint64_t hz;
    const char *source; // who said so, for the log
};

// Asks the CPU (CPUID leaves 15h and 16h), then the hypervisor (leaf 4000_0010h), and
// if neither knows measures for about 1 ms against channel 2 of the interval timer.
// The measurement assumes nothing about the rate, and being descheduled in the middle
// of it does no harm. `hz` is 0 if nobody knows and there is no interval timer.
struct hal_tsc_rate hal_tsc_rate(void);

#endif
