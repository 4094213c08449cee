// SPDX-License-Identifier: MIT
// smp.c - wakes the other CPUs one after the other, and hands them out.
#include "core/smp.h"

#include <string.h>

#include "core/acpi.h"
#include "core/clock.h"
#include "core/cpu_stacks.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/err.h"
#include "hal/ap_start.h"
#include "hal/cpu.h"

#define LOW_END  UINT64_C(0xa0000) // a start-up interrupt reaches no further; then comes the VGA
#define LOW_STEP UINT64_C(4096)

// A CPU that has not come when these have passed is sent a second start-up interrupt, and is
// given up. It takes microseconds; a virtual one waits for its host.
#define FIRST_PATIENCE EXO_US(200)
#define LAST_PATIENCE  EXO_S(1)

#define STOP_SECONDS 1u

// --- on the CPU that has come up ----------------------------------------------------

// What it remembers of the page tables is from before its last function, or from none. What the
// function has left in the block is gone with it, and is not to be asked by a report.
static void work(struct core_cpu *self)
{
    hal_cr3_write(hal_cr3_read());
    self->entry(self->arg);
    self->running = NULL;
    self->app = NULL;
    self->entry = NULL;
    exo_assert(self->lines_mine == 0); // a CPU that parks takes no interrupts
    __atomic_fetch_sub(&core_state.cpus_running, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&self->state, CORE_CPU_PARKED, __ATOMIC_RELEASE);
}

// A call that comes between the look and the halt ends the halt (core/irq.c). Who has come may
// be an earlier one, late, and is to be sent interrupts under its own identifier.
static void live(void *block)
{
    struct core_cpu *self = block;
    hal_desc_join(&self->desc, self->stacks.fault);
    hal_lapic_join(&core_state.lapic);
    self->apic_id = hal_lapic_id(&core_state.lapic);
    self->tsc_at_start = hal_tsc();
    __atomic_store_n(&self->state, CORE_CPU_PARKED, __ATOMIC_RELEASE);
    for (;;) {
        while (__atomic_load_n(&self->state, __ATOMIC_ACQUIRE) != CORE_CPU_RUNNING)
            hal_irq_halt();
        work(self);
    }
}

// --- bringing it up -------------------------------------------------------------------

static void wait(exo_ns ns)
{
    exo_ns end = core_clock_now() + ns;
    while (core_clock_now() < end)
        hal_pause();
}

static bool has_come(const struct core_cpu *cpu, exo_ns patience)
{
    exo_ns end = core_clock_now() + patience;
    while (__atomic_load_n(&cpu->state, __ATOMIC_ACQUIRE) == CORE_CPU_STARTING) {
        if (core_clock_now() >= end)
            return false;
        hal_pause();
    }
    return true;
}

// The SDM's 10 ms between INIT and the start-up interrupt are for CPUs of the 1990s and
// Intel's NetBurst (family 15); all others are ready at once (docs/decisions/starting-cpus.md).
static exo_ns init_wait(void)
{
    struct hal_cpuid id = hal_cpuid(0, 0), model = hal_cpuid(1, 0);
    bool is_intel = id.ebx == 0x756e6547;                       // "Genu…ineIntel"
    bool is_amd = id.ebx == 0x68747541 || id.ebx == 0x6f677948; // "Auth…", "Hygo…"
    bool virtualized = model.ecx >> 31;
    uint32_t family = (model.eax >> 8 & 15) + (model.eax >> 20 & 255);
    return virtualized || is_amd || (is_intel && family != 15) ? 0 : EXO_MS(10);
}

// The second start-up interrupt is for the CPU that missed the first; one that runs ignores it.
static bool call(const struct core_cpu *cpu, uint64_t road_pa)
{
    const struct hal_lapic *lapic = &core_state.lapic;
    hal_lapic_send(lapic, cpu->apic_id, HAL_LAPIC_INIT);
    wait(init_wait());
    hal_lapic_send(lapic, cpu->apic_id, HAL_LAPIC_STARTUP(road_pa));
    if (has_come(cpu, FIRST_PATIENCE))
        return true;
    hal_lapic_send(lapic, cpu->apic_id, HAL_LAPIC_STARTUP(road_pa));
    return has_come(cpu, LAST_PATIENCE);
}

// Whoever takes the ticket comes in, and nobody after that.
static bool bring_up(struct core_cpu *cpu, struct hal_ap_facts *facts, uint64_t road_pa)
{
    facts->gs_base = (uint64_t)cpu;
    facts->stack = cpu->stacks.top;
    facts->main = live;
    __atomic_store_n(&facts->ticket, 1, __ATOMIC_RELEASE);

    uint64_t before = hal_tsc();
    bool up = call(cpu, road_pa);
    if (!up && __atomic_exchange_n(&facts->ticket, 0, __ATOMIC_SEQ_CST) == 0)
        up = has_come(cpu, LAST_PATIENCE); // it is on its way
    if (up && (cpu->tsc_at_start < before || cpu->tsc_at_start > hal_tsc()))
        core_log("core: CPU %u counts time from another zero; its clock is off by %lld ticks",
                 (unsigned)cpu->index, (long long)(cpu->tsc_at_start - before));
    return up;
}

static struct core_cpu *make(uint32_t index, uint32_t slot, uint32_t apic_id)
{
    struct pa frame;
    if (core_frame_claim(NULL, 1, 1, &frame) < 0)
        return NULL;
    struct core_cpu *cpu = memset(core_phys(frame), 0, CORE_FRAME_BYTES);
    cpu->self = cpu;
    cpu->index = index;
    cpu->apic_id = apic_id;
    if (cpu_stacks_map(slot, &cpu->stacks) == 0)
        return cpu;
    core_frame_release(NULL, frame, 1);
    return NULL;
}

// A CPU that was called and has not come keeps its memory and its road: it may come yet, and
// must find the end of the road there.
static bool add(uint32_t slot, uint32_t apic_id, struct hal_ap_facts *facts, uint64_t road_pa)
{
    uint32_t index = core_state.cpu_count;
    struct core_cpu *cpu = make(index, slot, apic_id);
    if (!cpu) {
        core_log("core: no memory for the CPU with local APIC %u: left out", (unsigned)apic_id);
        return true;
    }
    core_state.cpus[index] = cpu;
    if (!bring_up(cpu, facts, road_pa)) {
        core_log("core: the CPU with local APIC %u does not come up: left out", (unsigned)apic_id);
        return false;
    }
    core_state.cpu_count++;
    return true;
}

// All CPUs use one mode, and those that are up already would not hear of another.
static void choose_mode(const struct hal_apics *apics)
{
    bool needs_wide = false;
    for (uint32_t i = 0; i < apics->cpu_count; i++)
        needs_wide |= apics->cpu_ids[i] >= HAL_LAPIC_WIDE_ID;
    if (needs_wide)
        hal_lapic_widen(&core_state.lapic);
}

static bool is_reachable(uint32_t apic_id)
{
    if (core_state.lapic.x2apic || apic_id < HAL_LAPIC_WIDE_ID)
        return true;
    core_log("core: local APIC %u needs x2APIC mode, which is not there: left out",
             (unsigned)apic_id);
    return false;
}

static bool claim_road(struct pa *out)
{
    for (uint64_t at = LOW_STEP; at + HAL_AP_FRAMES * LOW_STEP <= LOW_END; at += LOW_STEP) {
        *out = (struct pa){at};
        if (core_frame_claim_at(NULL, *out, HAL_AP_FRAMES) == 0)
            return true;
    }
    return false;
}

static void start_others(const struct hal_apics *apics)
{
    struct pa road;
    if (!claim_road(&road)) {
        core_log("core: no memory below 640 KiB to start CPUs in: only one runs");
        return;
    }
    core_clock_tsc_hz(); // the first CPU's timer finds the clock's rate, or none does
    cpu_stacks_explain();
    choose_mode(apics);
    struct hal_ap_facts *facts = hal_ap_prepare(core_phys(road), road.v, core_state.pml4);
    bool road_is_free = true;
    // A list without this CPU may be full of others: one more than there are numbers.
    for (uint32_t i = 0; i < apics->cpu_count && core_state.cpu_count < HAL_CPUS_MAX; i++) {
        uint32_t id = apics->cpu_ids[i];
        if (id != core_state.boot_cpu.apic_id && is_reachable(id))
            road_is_free &= add(i, id, facts, road.v);
    }
    if (road_is_free)
        core_frame_release(NULL, road, HAL_AP_FRAMES);
    core_log("core: %u of %u CPUs are up", (unsigned)core_state.cpu_count,
             (unsigned)apics->cpu_count);
}

// The first to ask is CPU 0, for no other runs: nobody asks meanwhile.
static void know(void)
{
    if (core_state.cpu_count != 0)
        return;
    const struct hal_apics *apics = acpi_apics();
    core_state.boot_cpu.state = CORE_CPU_RUNNING;
    core_state.boot_cpu.owner = "the machine";
    core_state.cpus[0] = &core_state.boot_cpu;
    core_state.cpu_count = 1;
    if (apics->cpu_count > 1)
        start_others(apics);
}

// --- handing it out -------------------------------------------------------------------

uint32_t core_cpu_count(void)
{
    know();
    return core_state.cpu_count;
}

static int claim(const char *owner)
{
    for (uint32_t i = 1; i < core_state.cpu_count; i++) {
        struct core_cpu *cpu = core_state.cpus[i];
        if (!cpu->owner) {
            cpu->owner = owner;
            return (int)i;
        }
    }
    return -EXO_ENOSPC;
}

int core_cpu_claim(const char *owner)
{
    exo_assert(owner);
    know();
    exo_lock_take(&core_state.cpu_lock);
    int cpu = claim(owner);
    exo_lock_give(&core_state.cpu_lock);
    return cpu;
}

// A CPU other than the first, that somebody has claimed.
static struct core_cpu *claimed(int index)
{
    exo_assert(index > 0 && (uint32_t)index < core_state.cpu_count);
    struct core_cpu *cpu = core_state.cpus[index];
    exo_assert(cpu->owner);
    return cpu;
}

bool core_cpu_is_parked(int index)
{
    return __atomic_load_n(&claimed(index)->state, __ATOMIC_ACQUIRE) == CORE_CPU_PARKED;
}

// Counted before it runs: a shoot-down must not pass over one that does.
void core_cpu_start(int index, void (*entry)(void *), void *arg)
{
    exo_assert(entry && core_cpu_is_parked(index));
    struct core_cpu *cpu = core_state.cpus[index];
    cpu->entry = entry;
    cpu->arg = arg;
    __atomic_fetch_add(&core_state.cpus_running, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&cpu->state, CORE_CPU_RUNNING, __ATOMIC_SEQ_CST);
    hal_lapic_send(&core_state.lapic, cpu->apic_id, HAL_VECTOR_TIMER);
}

void core_cpu_release(int index)
{
    exo_assert(core_cpu_is_parked(index));
    exo_lock_take(&core_state.cpu_lock);
    core_state.cpus[index]->owner = NULL;
    exo_lock_give(&core_state.cpu_lock);
}

// --- the end ---------------------------------------------------------------------------

static bool must_stop(const struct core_cpu *cpu)
{
    return cpu != core_cpu_self() &&
           !__atomic_load_n((const volatile uint32_t *)&cpu->stopped.done, __ATOMIC_ACQUIRE);
}

static uint32_t still_running(void)
{
    uint32_t running = 0;
    for (uint32_t i = 0; i < core_state.cpu_count; i++)
        running += must_stop(core_state.cpus[i]);
    return running;
}

uint32_t core_cpu_stop_others(void)
{
    struct core_cpu *self = core_cpu_self(), *first = NULL;
    if (!__atomic_compare_exchange_n(&core_state.stopper, &first, self, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST) &&
        first != self)
        hal_halt_forever(); // until the first one's NMI
    for (uint32_t i = 0; i < core_state.cpu_count; i++) {
        struct core_cpu *cpu = core_state.cpus[i];
        if (!must_stop(cpu))
            continue;
        __atomic_fetch_or(&cpu->nmi_work, HAL_NMI_STOP, __ATOMIC_SEQ_CST);
        hal_lapic_send(&core_state.lapic, cpu->apic_id, HAL_LAPIC_NMI);
    }
    uint64_t end = hal_tsc() + core_state.clock.hz * STOP_SECONDS; // it runs if there are others
    while (still_running() != 0 && hal_tsc() < end)
        hal_pause();
    core_state.cpus_running = 0; // no shoot-down waits for those that stand still
    return still_running();
}
