// SPDX-License-Identifier: MIT
// lapic.h - the local APIC: takes interrupts in, sends them to other CPUs, and is the
// machine's alarm clock.
//
// Used through its memory registers (xAPIC), or through MSRs (x2APIC) where the firmware has
// chosen so or a CPU's identifier needs more than eight bits. All CPUs use the same way, and
// the same struct hal_lapic, for each sees its own LAPIC in the same place. The legacy PIC is
// moved out of the way and masked. The timer is one-shot: TSC-deadline mode where the CPU has
// it, else the count-down register, whose rate has to be compared with the TSC's before it is
// armed.
// (Intel SDM vol. 3, "Advanced Programmable Interrupt Controller".)
#ifndef HAL_LAPIC_H
#define HAL_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

#define HAL_LAPIC_BYTES 4096u

struct hal_lapic {
    volatile uint32_t *regs;  // mapped uncached; unused in x2APIC mode
    bool x2apic;              // by MSRs instead
    bool has_deadline;        // TSC-deadline mode
    uint32_t counts_per_tick; // timer counts a TSC tick, 24 fraction bits; count-down mode only
};

// Turns the LAPIC on, in the mode that the firmware chose, and returns the physical address
// of its registers, or 0 if this CPU has none.
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

// This CPU's identifier: the destination of what is sent to it.
uint32_t hal_lapic_id(const struct hal_lapic *lapic);

// Identifiers from here on need x2APIC mode; in eight bits this one means everybody.
#define HAL_LAPIC_WIDE_ID 255u

// Changes to x2APIC mode. False if this CPU has none. Only while no other CPU is up.
bool hal_lapic_widen(struct hal_lapic *lapic);

// Prepares the LAPIC of another CPU, which calls it, as hal_lapic_init did the first one's.
void hal_lapic_join(const struct hal_lapic *lapic);

// What hal_lapic_send sends, beside a plain vector number 16 … 255.
#define HAL_LAPIC_NMI         0x400u
#define HAL_LAPIC_INIT        0x500u
#define HAL_LAPIC_STARTUP(pa) (0x600u | (uint32_t)((pa) >> 12)) // a frame below 1 MiB

// Sends one interrupt to the CPU with that identifier. Stores before it are seen by the
// CPU that takes it.
void hal_lapic_send(const struct hal_lapic *lapic, uint32_t apic_id, uint32_t what);

#endif
