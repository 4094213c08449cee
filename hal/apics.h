// SPDX-License-Identifier: MIT
// apics.h - the CPUs and interrupt controllers of a board, as its firmware describes them.
//
// ACPI's MADT (acpi_madt.h) or Intel's MP table (mp_table.h) fills one of these.
#ifndef HAL_APICS_H
#define HAL_APICS_H

#include <stdint.h>

#define HAL_CPUS_MAX    256
#define HAL_IOAPICS_MAX 16
#define HAL_ISA_IRQS    16
#define HAL_NMIS_MAX    8

#define HAL_LAPIC_PA UINT64_C(0xfee00000) // unless the firmware says otherwise

// An I/O APIC whose place among the wires is not told: it follows the one before it.
#define HAL_GSI_UNTOLD UINT32_MAX

// What an interrupt wire looks like. The default, 0, is that of ISA: a rising edge.
enum {
    HAL_WIRE_ACTIVE_LOW = 1,
    HAL_WIRE_LEVEL = 2,
};

struct hal_wire {
    uint32_t gsi;   // global system interrupt (ACPI 6.5 §5.2.13)
    uint32_t shape; // HAL_WIRE_…
};

struct hal_apics {
    uint64_t lapic_pa;              // of each CPU's own local APIC
    uint32_t cpu_count;             // CPUs that may run, the one that booted among them
    uint32_t cpu_ids[HAL_CPUS_MAX]; // their local APICs' identifiers, each once
    uint32_t ioapic_count;
    struct hal_ioapic_place {
        uint64_t pa;
        uint32_t gsi_base; // the wire at its pin 0, or HAL_GSI_UNTOLD
        uint8_t id;
    } ioapics[HAL_IOAPICS_MAX];
    struct hal_wire isa[HAL_ISA_IRQS]; // the wire of each of the sixteen ISA interrupts
    uint32_t nmi_count;
    struct hal_wire nmis[HAL_NMIS_MAX]; // wires that are non-maskable interrupts: nobody's
    uint32_t dropped;                   // of all of these, what there was no room for
};

// No CPU, no I/O APIC; ISA's interrupts on the wires of the same numbers.
void hal_apics_init(struct hal_apics *apics);

// Each adds one. One that is there already is passed over, one too many is counted.
void hal_apics_add_cpu(struct hal_apics *apics, uint32_t id);
void hal_apics_add_ioapic(struct hal_apics *apics, struct hal_ioapic_place ioapic);
void hal_apics_add_nmi(struct hal_apics *apics, struct hal_wire wire);

#endif
