// SPDX-License-Identifier: MIT
// gsi.c - finds the I/O APIC behind a wire, and remembers which wires are owned.
#include "core/gsi.h"

#include "core/acpi.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/pt.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/err.h"
#include "hal/ioapic.h"

static void add(const struct hal_ioapic_place *place)
{
    volatile uint32_t *regs = pt_map_device((struct pa){place->pa}, HAL_IOAPIC_BYTES);
    uint32_t pins = regs ? hal_ioapic_pins(regs) : 0;
    if (pins == 0)
        core_log("core: no I/O APIC answers at %#llx", (unsigned long long)place->pa);
    else if (!gsi_map_add(&core_state.gsis, regs, place->gsi_base, pins))
        core_log("core: the I/O APIC at %#llx has wires of another one",
                 (unsigned long long)place->pa);
}

static const struct gsi_ioapic *find(const struct hal_apics *apics, uint32_t gsi)
{
    if (once_begin(&core_state.gsis_known)) {
        for (uint32_t i = 0; i < apics->ioapic_count; i++)
            add(&apics->ioapics[i]);
        once_end(&core_state.gsis_known);
    }
    return gsi < CORE_GSI_MAX ? gsi_map_find(&core_state.gsis, gsi) : NULL;
}

static bool is_claimed(uint32_t gsi)
{
    return core_state.gsis_claimed[gsi / 64] >> gsi % 64 & 1;
}

static void flip(uint32_t gsi)
{
    core_state.gsis_claimed[gsi / 64] ^= UINT64_C(1) << gsi % 64;
}

static int claim(const struct hal_apics *apics, struct hal_wire wire, int irq)
{
    uint32_t gsi = wire.gsi;
    uint8_t vector = core_irq_vector(irq);
    uint32_t cpu = core_irq_apic_id(irq);
    const struct gsi_ioapic *ioapic = find(apics, gsi);
    if (!ioapic || gsi_map_is_nmi(apics, gsi))
        return -EXO_ENODEV;
    if (cpu >= HAL_LAPIC_WIDE_ID) // a pin's destination has eight bits, and all ones is everybody
        return -EXO_ENOTSUP;

    exo_lock_take(&core_state.gsi_lock);
    bool is_free = !is_claimed(gsi);
    if (is_free) {
        flip(gsi);
        hal_ioapic_route(ioapic->regs, gsi - ioapic->first, vector, (uint8_t)cpu,
                         wire.shape & HAL_WIRE_ACTIVE_LOW);
    }
    exo_lock_give(&core_state.gsi_lock);
    if (!is_free)
        return -EXO_EBUSY;
    if (wire.shape & HAL_WIRE_LEVEL)
        core_irq_raise(irq);
    return 0;
}

int core_gsi_claim(uint32_t gsi, int irq)
{
    const struct hal_apics *apics = acpi_apics();
    return claim(apics, (struct hal_wire){gsi, gsi_map_shape(apics, gsi)}, irq);
}

int core_gsi_claim_wire(struct hal_wire wire, int irq)
{
    return claim(acpi_apics(), wire, irq);
}

void core_gsi_release(uint32_t gsi)
{
    const struct gsi_ioapic *ioapic = find(acpi_apics(), gsi);
    exo_assert(ioapic);
    exo_lock_take(&core_state.gsi_lock);
    exo_assert(is_claimed(gsi));
    hal_ioapic_mask(ioapic->regs, gsi - ioapic->first);
    flip(gsi);
    exo_lock_give(&core_state.gsi_lock);
}

uint32_t core_gsi_of_isa(uint32_t isa_irq)
{
    exo_assert(isa_irq < HAL_ISA_IRQS);
    return acpi_apics()->isa[isa_irq].gsi;
}
