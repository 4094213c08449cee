// SPDX-License-Identifier: MIT
// shootdown.c - one shoot-down at a time, by NMI, until every CPU that runs has answered.
#include "core/shootdown.h"

#include "hal/cpu.h"

// More pages than this are forgotten together with all the rest: that is sooner done.
#define PAGES_MAX 32u

static void tell(const struct core_cpu *self)
{
    for (uint32_t i = 0; i < core_state.cpu_count; i++) {
        struct core_cpu *cpu = core_state.cpus[i];
        if (cpu == self || __atomic_load_n(&cpu->state, __ATOMIC_ACQUIRE) != CORE_CPU_RUNNING)
            continue;
        // Counted first: the answer may come before the next line.
        __atomic_fetch_add(&hal_shootdown.waiting, 1, __ATOMIC_SEQ_CST);
        __atomic_fetch_or(&cpu->nmi_work, HAL_NMI_FLUSH, __ATOMIC_SEQ_CST);
        hal_lapic_send(&core_state.lapic, cpu->apic_id, HAL_LAPIC_NMI);
    }
}

// Taking the lock orders the change of the page tables before the looks at who runs. A CPU that
// is parked then, and starts afterwards, empties its TLB as it starts.
//
// The lock also makes sure of one NMI for each request: two that arrive together would be one
// to the CPU that takes them.
void shootdown_others(uint64_t va, uint64_t pages)
{
    exo_lock_take(&core_state.shootdown_lock);
    hal_shootdown.va = va;
    hal_shootdown.pages = pages <= PAGES_MAX ? pages : 0;
    tell(core_cpu_self());
    while (__atomic_load_n(&hal_shootdown.waiting, __ATOMIC_ACQUIRE) != 0)
        hal_pause();
    exo_lock_give(&core_state.shootdown_lock);
}
