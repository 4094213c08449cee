// SPDX-License-Identifier: MIT
// clock.h - the monotonic clock: one read of the time stamp counter and a multiply.
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include "exo/types.h"

// Nanoseconds since core started. Never goes back.
exo_ns core_clock_now(void);

// Ticks of the time stamp counter a second, as measured at boot.
uint64_t core_clock_tsc_hz(void);

#endif
