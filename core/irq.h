// SPDX-License-Identifier: MIT
// irq.h - interrupts as bits: the handler sets one and returns; work happens at our pace.
//
// An interrupt line here is a number 0 .. CORE_IRQ_COUNT-1, standing for one CPU vector, and
// owned by whoever claimed it, on the CPU that claimed it: its interrupts are to be sent
// there, and only there can it be taken, masked and waited for. core_irq_raise alone is for
// everybody: it is how one CPU wakes another. No C code ever runs in interrupt context.
#ifndef CORE_IRQ_H
#define CORE_IRQ_H

#include "exo/types.h"

#define CORE_IRQ_COUNT 64 // in the machine

// Claims a line for the CPU that calls. `owner` is a literal, for the log and for core's
// list of owners.
//
// Returns the line, or -EXO_ENOSPC if all are taken.
int core_irq_claim(const char *owner);

// Gives a line back; its device must have been silenced before.
void core_irq_release(int irq);

// The CPU vector behind a line: what an MSI message or a timer is programmed with.
uint8_t core_irq_vector(int irq);

// The local APIC of the CPU that claimed the line: where that message is to be sent.
uint32_t core_irq_apic_id(int irq);

// Makes the line pending, as its device would, from any CPU. What the caller has written
// before is seen by whoever takes the line.
void core_irq_raise(int irq);

// Tests and clears the line's pending bit in one step: what arrived before is acknowledged,
// what arrives afterwards sets it again.
bool core_irq_take(int irq);

// A masked line ends no wait. What fires meanwhile stays pending, for core_irq_take or for
// the wait after core_irq_unmask. The device is not told: one that fires all the time has to
// be silenced itself. Lines are unmasked when they are claimed.
void core_irq_mask(int irq);
void core_irq_unmask(int irq);

// Is any line of this CPU pending and not masked? Clears nothing.
bool core_irq_any(void);

// Halts this CPU until one of its lines is pending and not masked, or `deadline` has passed,
// whichever is first; returns at once if that is so already. Costs no power and no host CPU.
// A wake-up between the caller's last look and the halt is not lost.
void core_irq_wait(exo_ns deadline);

#endif
