// SPDX-License-Identifier: MIT
// bench_irq.c - from an interrupt to the code that waits for it.
#include "bench/metal/bench_irq.h"

#include "core/cpu.h"
#include "core/irq.h"
#include "core/state.h"
#include "exo/assert.h"

#define TIMES 256u

static int line;

void bench_irq_open(void)
{
    line = core_irq_claim("bench");
    exo_assert(line >= 0);
}

void bench_irq_close(void)
{
    core_irq_release(line);
}

// As a device's message would, through the local APIC and the IDT; the sending is in it, four
// or five instructions.
void bench_irq_wait(void)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        hal_lapic_send(&core_state.lapic, core_irq_apic_id(line), core_irq_vector(line));
        core_irq_wait(EXO_NS_NEVER);
        exo_assert(core_irq_take(line));
    }
}
