// SPDX-License-Identifier: MIT
// irq.c - owners of interrupt lines, and the one place where a CPU waits.
//
// Code runs with interrupts off. A CPU's pending word therefore changes only where that CPU
// opens them, here, for one instruction or for a halt; nobody else's instruction touches it.
#include "core/irq.h"

#include "core/bringup.h"
#include "core/clock.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/err.h"
#include "hal/cpu.h"
#include "hal/vectors.h"

_Static_assert(CORE_IRQ_COUNT == HAL_LINE_COUNT, "one bit a line, one word for all");

static uint64_t bit_of(int irq)
{
    exo_assert(irq >= 0 && irq < CORE_IRQ_COUNT);
    return UINT64_C(1) << irq;
}

// The bit of a line that this CPU has claimed.
static uint64_t my_bit(const struct core_cpu *cpu, int irq)
{
    uint64_t bit = bit_of(irq);
    exo_assert(cpu->lines_mine & bit);
    return bit;
}

// The CPU that has claimed the line, whoever asks.
static struct core_cpu *cpu_of(int irq)
{
    bit_of(irq);
    struct core_cpu *cpu = __atomic_load_n(&core_state.lines[irq].cpu, __ATOMIC_ACQUIRE);
    exo_assert(cpu);
    return cpu;
}

// How the stub's change of the word is seen: the compiler must read it anew each time.
static uint64_t pending(const struct core_cpu *cpu)
{
    return *(const volatile uint64_t *)&cpu->lines_pending;
}

static int find_free(struct core_cpu *cpu, const char *owner)
{
    uint64_t unclaimed = ~core_state.lines_claimed;
    if (unclaimed == 0)
        return -EXO_ENOSPC;
    int irq = __builtin_ctzll(unclaimed);
    core_state.lines_claimed |= UINT64_C(1) << irq;
    core_state.lines[irq].owner = owner;
    __atomic_store_n(&core_state.lines[irq].cpu, cpu, __ATOMIC_RELEASE);
    return irq;
}

int core_irq_claim(const char *owner)
{
    exo_assert(owner);
    lapic_know();
    struct core_cpu *cpu = core_cpu_self();
    exo_lock_take(&core_state.irq_lock);
    int irq = find_free(cpu, owner);
    exo_lock_give(&core_state.irq_lock);
    if (irq < 0)
        return irq;
    uint64_t bit = UINT64_C(1) << irq;
    hal_irq_window();           // what its last owner left in the LAPIC,
    cpu->lines_pending &= ~bit; // and here
    cpu->lines_mine |= bit;
    cpu->lines_awake |= bit;
    return irq;
}

void core_irq_release(int irq)
{
    struct core_cpu *cpu = core_cpu_self();
    uint64_t bit = my_bit(cpu, irq);
    cpu->lines_mine &= ~bit;
    cpu->lines_awake &= ~bit;
    exo_lock_take(&core_state.irq_lock);
    core_state.lines_claimed &= ~bit;
    core_state.lines[irq] = (struct core_line){.owner = NULL};
    exo_lock_give(&core_state.irq_lock);
}

uint8_t core_irq_vector(int irq)
{
    cpu_of(irq);
    return (uint8_t)(HAL_VECTOR_LINES + irq);
}

uint32_t core_irq_apic_id(int irq)
{
    return cpu_of(irq)->apic_id;
}

void core_irq_raise(int irq)
{
    struct core_cpu *cpu = cpu_of(irq);
    if (cpu == core_cpu_self())
        cpu->lines_pending |= bit_of(irq);
    else
        hal_lapic_send(&core_state.lapic, cpu->apic_id, (uint32_t)(HAL_VECTOR_LINES + irq));
}

bool core_irq_take(int irq)
{
    struct core_cpu *cpu = core_cpu_self();
    uint64_t bit = my_bit(cpu, irq);
    if (!(pending(cpu) & bit))
        hal_irq_window(); // what has arrived may still be waiting in the LAPIC
    bool fired = pending(cpu) & bit;
    cpu->lines_pending &= ~bit;
    return fired;
}

void core_irq_mask(int irq)
{
    struct core_cpu *cpu = core_cpu_self();
    cpu->lines_awake &= ~my_bit(cpu, irq);
}

void core_irq_unmask(int irq)
{
    struct core_cpu *cpu = core_cpu_self();
    cpu->lines_awake |= my_bit(cpu, irq);
}

// Who has claimed no line lets no interrupt in: the LAPIC may still be as the firmware left it.
static bool any(const struct core_cpu *cpu)
{
    if (cpu->lines_mine && !(pending(cpu) & cpu->lines_awake))
        hal_irq_window();
    return pending(cpu) & cpu->lines_awake;
}

bool core_irq_any(void)
{
    return any(core_cpu_self());
}

// Between the look and the halt interrupts are off, so one that comes there is held by the
// LAPIC and ends the halt at once. Whatever else wakes the CPU (a timer armed earlier, an
// interrupt that nobody claimed, another CPU's NMI) leads back to the look.
void core_irq_wait(exo_ns deadline)
{
    lapic_know();
    const struct core_cpu *cpu = core_cpu_self();
    uint64_t deadline_tsc = UINT64_MAX;
    if (deadline != EXO_NS_NEVER && core_clock_tsc_hz()) // which starts the clock
        deadline_tsc = clock_scale_ticks(&core_state.clock, deadline);
    while (!any(cpu) && hal_tsc() < deadline_tsc) {
        if (deadline != EXO_NS_NEVER)
            hal_lapic_arm(&core_state.lapic, deadline_tsc);
        hal_irq_halt();
    }
}
