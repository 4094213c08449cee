// SPDX-License-Identifier: MIT
// gsi.h - interrupt wires of the board, for devices that cannot send messages.
//
// A global system interrupt (ACPI 6.5 §5.2.13) is a pin of one of the I/O APICs, which ACPI
// or the MP table lists. ISA's sixteen interrupts are wires too, most of them of the same
// number.
//
// All wires are taken at the edge at which they become active, those too that then stay so
// until their device has been answered ("level-triggered"): handlers only set a bit, so
// nothing could silence the wire. That asks two things of an owner: answer the device
// *before* you look for its work, and share the wire with nobody.
#ifndef CORE_GSI_H
#define CORE_GSI_H

#include <stdint.h>

#include "hal/apics.h"

#define CORE_GSI_MAX 256 // wires that can be owned have lower numbers

// Lets each edge of the wire raise interrupt line `irq` (core/irq.h). The line of a
// level-triggered wire is pending at once, for the wire may be active already.
//
// Owner:  gives the wire to the caller.
// Errors: -EXO_ENODEV   no I/O APIC has such a pin, or it is a non-maskable interrupt.
//         -EXO_EBUSY    it has an owner.
//         -EXO_ENOTSUP  the number of the line's CPU is too large for an I/O APIC.
int core_gsi_claim(uint32_t gsi, int irq);

// The same for a wire whose owner was told what it looks like, as ACPI tells of a device's:
// that counts, and not what the board says of the wire.
int core_gsi_claim_wire(struct hal_wire wire, int irq);

// Shuts the wire off and gives it back.
void core_gsi_release(uint32_t gsi);

// The wire of ISA's interrupt 0 … 15.
uint32_t core_gsi_of_isa(uint32_t isa_irq);

#endif
