// SPDX-License-Identifier: MIT
// apics.c - lists that neither overflow nor name anything twice.
#include "hal/apics.h"

void hal_apics_init(struct hal_apics *apics)
{
    *apics = (struct hal_apics){.lapic_pa = HAL_LAPIC_PA};
    for (uint32_t irq = 0; irq < HAL_ISA_IRQS; irq++)
        apics->isa[irq].gsi = irq;
}

void hal_apics_add_cpu(struct hal_apics *apics, uint32_t id)
{
    for (uint32_t i = 0; i < apics->cpu_count; i++) {
        if (apics->cpu_ids[i] == id)
            return;
    }
    if (apics->cpu_count < HAL_CPUS_MAX)
        apics->cpu_ids[apics->cpu_count++] = id;
    else
        apics->dropped++;
}

void hal_apics_add_ioapic(struct hal_apics *apics, struct hal_ioapic_place ioapic)
{
    for (uint32_t i = 0; i < apics->ioapic_count; i++) {
        if (apics->ioapics[i].pa == ioapic.pa)
            return;
    }
    if (apics->ioapic_count < HAL_IOAPICS_MAX)
        apics->ioapics[apics->ioapic_count++] = ioapic;
    else
        apics->dropped++;
}

void hal_apics_add_nmi(struct hal_apics *apics, struct hal_wire wire)
{
    if (apics->nmi_count < HAL_NMIS_MAX)
        apics->nmis[apics->nmi_count++] = wire;
    else
        apics->dropped++;
}
