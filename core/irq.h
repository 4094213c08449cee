// SPDX-License-Identifier: MIT
// irq.h - interrupts as bits: the handler sets one and returns; work happens at our pace.
//
// An interrupt line here is a number 0 .. CORE_IRQ_COUNT-1, owned by whoever claimed
// it, and standing for one CPU vector. No C code ever runs in interrupt context.
#ifndef CORE_IRQ_H
#define CORE_IRQ_H

#include "exo/types.h"

#define CORE_IRQ_COUNT 64

// Claims a line. `owner` is a literal, for the log and for core's list of owners.
//
// Returns the line, or -EXO_ENOSPC if all are taken.
int core_irq_claim(const char *owner);

// Gives a line back; its device must have been silenced before.
void core_irq_release(int irq);

// The CPU vector behind a line: what an MSI message or a timer is programmed with.
uint8_t core_irq_vector(int irq);

// Makes the line pending, as its device would.
void core_irq_raise(int irq);

// Tests and clears the line's pending bit in one step.
bool core_irq_take(int irq);

// Is any claimed line pending? Clears nothing.
bool core_irq_any(void);

// Halts until any claimed line is pending or `deadline` has passed, whichever is
// first; returns at once if that is so already. Costs no power and no host CPU.
// A wake-up between the caller's last look and the halt is not lost.
void core_irq_wait(exo_ns deadline);

#endif
