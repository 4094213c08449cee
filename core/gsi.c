// SPDX-License-Identifier: MIT
// gsi.c - finds the I/O APIC behind a wire, and remembers which wires are owned.
#include "core/gsi.h"

#include "core/irq.h"
#include "core/pt.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/ioapic.h"

#define GSI_MAX 64u // one bit a wire

static const struct pa places[] = {{0xfec00000}, {0xfec10000}};

struct pin {
    volatile uint32_t *regs;
    uint32_t number;
};

// The later I/O APIC is looked for only if the earlier has too few pins: nothing is read
// where perhaps nothing is.
static bool find(uint32_t gsi, struct pin *out)
{
    for (size_t i = 0; i < EXO_COUNT(places); i++) {
        volatile uint32_t *regs = pt_map_device(places[i], HAL_IOAPIC_BYTES);
        uint32_t pins = regs ? hal_ioapic_pins(regs) : 0;
        if (gsi < pins) {
            *out = (struct pin){.regs = regs, .number = gsi};
            return true;
        }
        if (pins == 0)
            return false;
        gsi -= pins;
    }
    return false;
}

int core_gsi_claim(uint32_t gsi, int irq)
{
    uint8_t vector = core_irq_vector(irq);
    struct pin pin;
    if (gsi >= GSI_MAX || !find(gsi, &pin))
        return -EXO_ENODEV;
    if (core_state.gsis_claimed >> gsi & 1)
        return -EXO_EBUSY;
    core_state.gsis_claimed |= UINT64_C(1) << gsi;
    hal_ioapic_route(pin.regs, pin.number, vector, (uint8_t)core_irq_apic_id(irq));
    return 0;
}

void core_gsi_release(uint32_t gsi)
{
    struct pin pin;
    exo_assert(gsi < GSI_MAX && (core_state.gsis_claimed >> gsi & 1) && find(gsi, &pin));
    hal_ioapic_mask(pin.regs, pin.number);
    core_state.gsis_claimed &= ~(UINT64_C(1) << gsi);
}
