// SPDX-License-Identifier: MIT
// gsi.h - interrupt wires of the board, for devices that cannot send messages.
//
// A global system interrupt (ACPI 6.5 §5.2.13) is a pin of an I/O APIC: 0 … 23 of the one at
// FEC00000h, 24 and more of the one at FEC10000h, which QEMU's microvm may have.
#ifndef CORE_GSI_H
#define CORE_GSI_H

#include <stdint.h>

// Lets each rising edge of the wire raise interrupt line `irq` (core/irq.h).
//
// Owner:  gives the wire to the caller.
// Errors: -EXO_ENODEV  no I/O APIC has such a pin.   -EXO_EBUSY  it has an owner.
int core_gsi_claim(uint32_t gsi, int irq);

// Shuts the wire off and gives it back.
void core_gsi_release(uint32_t gsi);

#endif
