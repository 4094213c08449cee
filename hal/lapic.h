// SPDX-License-Identifier: MIT
// lapic.h - the local APIC: takes interrupts in, and is the machine's alarm clock.
//
// Used through its memory registers (xAPIC). The legacy PIC is moved out of the way
// and masked. The timer is one-shot: TSC-deadline mode where the CPU has it, else the
// count-down register, whose rate is measured against the TSC.
// (Intel SDM vol. 3, "Advanced Programmable Interrupt Controller".)
#ifndef HAL_LAPIC_H
#define HAL_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

#define HAL_LAPIC_BYTES 4096u

struct hal_lapic {
    volatile uint32_t *regs;  // mapped uncached
    bool has_deadline;        // TSC-deadline mode
    uint32_t counts_per_tick; // timer counts a TSC tick, 24 fraction bits; count-down mode only
};

// Turns the LAPIC on, in xAPIC mode whatever the firmware chose, and returns the physical
// address of its registers, or 0 if this CPU has none.
uint64_t hal_lapic_enable(void);

// Takes the mapped registers, masks everything, silences the PIC, prepares the timer.
void hal_lapic_init(struct hal_lapic *lapic, volatile uint32_t *regs);

// Measures the count-down timer's rate between the two calls, so that something else can be
// waited for meanwhile; the second makes sure of an eighth of a millisecond. Nothing to do
// in deadline mode. False if the timer does not count.
struct hal_lapic_instant {
    uint64_t tsc;
    uint32_t count; // counts down
};
struct hal_lapic_instant hal_lapic_calibrate_begin(const struct hal_lapic *lapic);
bool hal_lapic_calibrate_end(struct hal_lapic *lapic, const struct hal_lapic_instant *begin,
                             uint64_t tsc_hz);

// Makes the timer interrupt when the TSC has reached `tsc`, or somewhat earlier if that
// is further away than it can count.
void hal_lapic_arm(const struct hal_lapic *lapic, uint64_t tsc);

// This CPU's identifier: the destination of an MSI message.
uint8_t hal_lapic_id(const struct hal_lapic *lapic);

#endif
