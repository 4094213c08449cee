// SPDX-License-Identifier: MIT
// reference.h - clocks of a known rate, and measuring a counter of unknown rate by one.
//
// Nothing is assumed about the unknown rate, and the CPU may be taken away in the middle:
// the measurement has two halves, which must agree. All waits are bounded by reads.
#ifndef HAL_REFERENCE_H
#define HAL_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

struct hal_reference {
    uint32_t (*read)(const struct hal_reference *reference); // counts up
    volatile void *regs;                                     // one of the two is where
    uint16_t port;
    uint32_t mask; // after this count comes 0
    uint64_t hz;
    const char *name; // for the log
};

// The 8254 interval timer's channel 2, which is started. Whether there is one shows only when
// it is measured by. (Intel 8254 data sheet; its gate is a bit of port 61h.)
struct hal_reference hal_pit(void);

#define HAL_HPET_BYTES 1024u

// The high precision event timer behind `regs`, which is started. False if there is none.
// (IA-PC HPET Specification 1.0a §2.3.)
bool hal_hpet(volatile void *regs, struct hal_reference *out);

// ACPI's timer of 24 or 32 bits, at a port, or at `regs` if that is not null.
// (ACPI 6.5 §4.8.3.3.)
struct hal_reference hal_pm_timer(volatile void *regs, uint16_t port, uint32_t bits);

// Measures how many times a second `counter` counts, for one millisecond or, if its halves
// disagree, two. Returns 0 if the reference stands still; `steady` becomes whether the halves
// agreed in the end.
uint64_t hal_reference_measure(const struct hal_reference *reference, uint64_t (*counter)(void),
                               bool *steady);

#endif
