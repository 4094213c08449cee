// SPDX-License-Identifier: MIT
// lapic.h - the local APIC: takes interrupts in, and is the machine's alarm clock.
//
// Used through its memory registers (xAPIC). The legacy PIC is moved out of the way
// and masked. The timer is one-shot: TSC-deadline mode where the CPU has it, else the
// count-down register, whose rate has to be compared with the TSC's before it is armed.
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

// One instant on two clocks: the time stamp counter and the timer's count, the tightest of
// a few reads.
struct hal_lapic_instant {
    uint64_t tsc;
    uint32_t count; // counts down
};

// Starts the count from its top, without an interrupt, so that its rate can be compared with
// the TSC's later. It counts for 2^32 of its periods, 4 s on a virtual machine.
struct hal_lapic_instant hal_lapic_count(const struct hal_lapic *lapic);

// Waits until the count is at least `counts` below that of `begin`, or has ended, which is
// the case when *end has a count of 0. False if the timer stands still.
bool hal_lapic_count_to(const struct hal_lapic *lapic, const struct hal_lapic_instant *begin,
                        uint32_t counts, struct hal_lapic_instant *end);

// Sets the timer's rate from what passed between two instants, and makes it ready for
// hal_lapic_arm.
void hal_lapic_set_rate(struct hal_lapic *lapic, const struct hal_lapic_instant *begin,
                        const struct hal_lapic_instant *end);

// The timer's counts a second if the hypervisor is one that tells or that is known for it
// (QEMU's emulation and KVM count nanoseconds); else 0.
uint64_t hal_lapic_told_hz(void);

// Makes the timer interrupt when the TSC has reached `tsc`, or somewhat earlier if that
// is further away than it can count.
void hal_lapic_arm(const struct hal_lapic *lapic, uint64_t tsc);

// This CPU's identifier: the destination of an MSI message.
uint8_t hal_lapic_id(const struct hal_lapic *lapic);

#endif
