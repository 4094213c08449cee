// SPDX-License-Identifier: MIT
// irq.c - owners of interrupt lines, and the one place where the CPU waits.
//
// Code runs with interrupts off. The pending word therefore changes only where this
// file opens them, for one instruction or for a halt.
#include "core/irq.h"

#include "core/clock.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/cpu.h"
#include "hal/vectors.h"

_Static_assert(CORE_IRQ_COUNT == HAL_LINE_COUNT, "one bit a line, one word for all");
_Static_assert(EXO_COUNT(core_state.line_owners) == CORE_IRQ_COUNT, "one owner a line");

static uint64_t bit_of(int irq)
{
    exo_assert(irq >= 0 && irq < CORE_IRQ_COUNT);
    uint64_t bit = UINT64_C(1) << irq;
    exo_assert(core_state.lines_claimed & bit);
    return bit;
}

int core_irq_claim(const char *owner)
{
    exo_assert(owner);
    uint64_t unclaimed = ~core_state.lines_claimed;
    if (unclaimed == 0)
        return -EXO_ENOSPC;
    int irq = __builtin_ctzll(unclaimed);
    core_state.lines_claimed |= UINT64_C(1) << irq;
    core_state.line_owners[irq] = owner;
    hal_lines_pending &= ~(UINT64_C(1) << irq); // what its last owner left behind
    return irq;
}

void core_irq_release(int irq)
{
    uint64_t bit = bit_of(irq);
    core_state.lines_claimed &= ~bit;
    core_state.line_owners[irq] = NULL;
}

uint8_t core_irq_vector(int irq)
{
    bit_of(irq);
    return (uint8_t)(HAL_VECTOR_LINES + irq);
}

void core_irq_raise(int irq)
{
    hal_lines_pending |= bit_of(irq);
}

bool core_irq_take(int irq)
{
    uint64_t bit = bit_of(irq);
    if (!(hal_lines_pending & bit))
        hal_irq_window(); // what has arrived may still be waiting in the LAPIC
    bool pending = hal_lines_pending & bit;
    hal_lines_pending &= ~bit;
    return pending;
}

bool core_irq_any(void)
{
    if (!(hal_lines_pending & core_state.lines_claimed))
        hal_irq_window();
    return hal_lines_pending & core_state.lines_claimed;
}

// Between the look and the halt interrupts are off, so one that comes there is held by the
// LAPIC and ends the halt at once. Whatever else wakes the CPU (a timer armed earlier, an
// interrupt that nobody claimed) leads back to the look.
void core_irq_wait(exo_ns deadline)
{
    uint64_t deadline_tsc = UINT64_MAX;
    if (deadline != EXO_NS_NEVER && core_clock_tsc_hz()) // which starts the clock
        deadline_tsc = clock_scale_ticks(&core_state.clock, deadline);
    while (!core_irq_any() && hal_tsc() < deadline_tsc) {
        if (deadline != EXO_NS_NEVER)
            hal_lapic_arm(&core_state.lapic, deadline_tsc);
        hal_irq_halt();
    }
}
