// SPDX-License-Identifier: MIT
// clock.h - the monotonic clock: one read of the time stamp counter and a multiply.
//
// The counter runs from power-on; how fast, is found out by the first call here, and by
// nobody who needs no time. Where neither the CPU nor the hypervisor tells, that is measured
// for half a millisecond at least, of which the time since somebody first claimed an interrupt
// line has passed already.
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include "exo/types.h"

// Nanoseconds since the loader's first instruction. Never goes back.
exo_ns core_clock_now(void);

// Ticks of the time stamp counter a second.
uint64_t core_clock_tsc_hz(void);

// Who told how fast it runs: "the HPET", "KVM's clock", …, "nobody".
const char *core_clock_source(void);

#endif
