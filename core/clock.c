// SPDX-License-Identifier: MIT
// clock.c - finds the counters' rates when somebody first asks for time, then reads it in
// three instructions.
#include "core/clock.h"

#include "core/acpi.h"
#include "core/bringup.h"
#include "core/log.h"
#include "core/pt.h"
#include "core/state.h"
#include "exo/bits.h"
#include "hal/acpi_places.h"
#include "hal/cpu.h"
#include "hal/reference.h"
#include "hal/tsc.h"

// What to believe where nothing tells the time: everything works, at a wrong pace.
#define HZ_ASSUMED UINT64_C(1000000000)

// The timer's rate is measured for at least 1/2048 s, where it has to be: good to about one
// part in a thousand.
#define MEASURED_FRACTION 2048

static void start(void);

exo_ns core_clock_now(void)
{
    if (__builtin_expect(core_state.clock.hz == 0, 0))
        start();
    return clock_scale_ns(&core_state.clock, hal_tsc());
}

uint64_t core_clock_tsc_hz(void)
{
    if (core_state.clock.hz == 0)
        start();
    return core_state.clock.hz;
}

const char *core_clock_source(void)
{
    core_clock_tsc_hz();
    return core_state.clock_source;
}

bool clock_is_running(void)
{
    return core_state.clock.hz != 0;
}

static void map_lapic(void)
{
    struct pa regs_pa = {hal_lapic_enable()};
    if (regs_pa.v == 0)
        bringup_fail("this CPU has no local APIC");
    volatile void *regs = pt_map_device(regs_pa, HAL_LAPIC_BYTES);
    if (!regs)
        bringup_fail("the local APIC at %#llx cannot be mapped", (unsigned long long)regs_pa.v);
    hal_lapic_init(&core_state.lapic, regs);
}

// The count that begins here is as a rule long enough when somebody who has interrupts asks for
// time. Who asks for time first waits for it: a part in MEASURED_FRACTION of a second.
void lapic_know(void)
{
    if (core_state.lapic.regs)
        return;
    map_lapic();
    core_state.lapic_begin = hal_lapic_count(&core_state.lapic);
    core_state.boot_cpu.apic_id = hal_lapic_id(&core_state.lapic);
}

// Lets the LAPIC's timer count on to at least `counts`. A count that has ended begins anew.
static bool count_to(uint32_t counts, struct hal_lapic_instant *end)
{
    struct hal_lapic_instant *begin = &core_state.lapic_begin;
    if (!hal_lapic_count_to(&core_state.lapic, begin, counts, end))
        return false;
    if (end->count != 0)
        return true;
    *begin = hal_lapic_count(&core_state.lapic);
    return hal_lapic_count_to(&core_state.lapic, begin, counts, end) && end->count != 0;
}

static struct hal_tsc_rate rate_by_pvclock(void)
{
    uint64_t page_pa =
        (uint64_t)&core_state.pvclock - core_state.handoff.kernel_va + core_state.handoff.kernel_pa;
    return (struct hal_tsc_rate){hal_pvclock_hz(&core_state.pvclock, page_pa), "KVM's clock"};
}

// Where the hypervisor's LAPIC is known to count at a fixed rate, it is a clock.
static struct hal_tsc_rate rate_by_lapic(void)
{
    uint64_t counts_hz = hal_lapic_told_hz();
    struct hal_lapic_instant end;
    if (counts_hz < MEASURED_FRACTION || counts_hz > UINT32_MAX ||
        !count_to((uint32_t)(counts_hz / MEASURED_FRACTION), &end))
        return (struct hal_tsc_rate){0, "nobody"};
    uint64_t counts = core_state.lapic_begin.count - end.count;
    clock_wide ticks = end.tsc - core_state.lapic_begin.tsc;
    return (struct hal_tsc_rate){(uint64_t)(ticks * counts_hz / counts), "the local APIC"};
}

static bool find_hpet(struct hal_reference *out)
{
    struct cspan table;
    if (core_acpi_find("HPET", 0, &table) < 0)
        return false;
    uint64_t pa = hal_acpi_hpet(&acpi_firmware, table);
    volatile void *regs = pa ? pt_map_device((struct pa){pa}, HAL_HPET_BYTES) : NULL;
    return regs && hal_hpet(regs, out);
}

static bool find_pm_timer(struct hal_reference *out)
{
    struct hal_acpi_fadt fadt;
    volatile void *regs = NULL;
    if (!acpi_fadt(&fadt) || fadt.pm_timer.at == 0 || fadt.pm_timer.space == HAL_ACPI_PCI)
        return false;
    if (fadt.pm_timer.space == HAL_ACPI_MEMORY &&
        !(regs = pt_map_device((struct pa){fadt.pm_timer.at}, sizeof(uint32_t))))
        return false;
    *out = hal_pm_timer(regs, (uint16_t)fadt.pm_timer.at, fadt.pm_timer_bits);
    return true;
}

static bool find_pit(struct hal_reference *out)
{
    *out = hal_pit();
    return true;
}

// By the first of the board's clocks that runs: the finer ones first.
static struct hal_tsc_rate rate_by_reference(void)
{
    static bool (*const finders[])(struct hal_reference *) = {find_hpet, find_pm_timer, find_pit};
    for (size_t i = 0; i < EXO_COUNT(finders); i++) {
        struct hal_reference reference;
        bool steady;
        uint64_t hz =
            finders[i](&reference) ? hal_reference_measure(&reference, hal_tsc, &steady) : 0;
        if (!hal_tsc_is_sane(hz))
            continue;
        if (!steady)
            core_log("core: the clock's rate is a guess: something disturbed each measurement");
        return (struct hal_tsc_rate){hz, reference.name};
    }
    return (struct hal_tsc_rate){0, "nobody"};
}

// From what costs nothing to what costs a millisecond or two.
static struct hal_tsc_rate find_rate(void)
{
    struct hal_tsc_rate rate = hal_tsc_rate_told();
    if (!hal_tsc_is_sane(rate.hz))
        rate = rate_by_pvclock();
    if (!hal_tsc_is_sane(rate.hz))
        rate = rate_by_lapic();
    if (!hal_tsc_is_sane(rate.hz))
        rate = rate_by_reference();
    return rate;
}

// The timer has counted since lapic_know; if that is not long yet, a little longer.
static void ready_timer(uint64_t hz)
{
    struct hal_lapic_instant end;
    do {
        if (!count_to(1, &end))
            bringup_fail("the local APIC's timer stands still");
    } while (end.tsc - core_state.lapic_begin.tsc < hz / MEASURED_FRACTION);
    hal_lapic_set_rate(&core_state.lapic, &core_state.lapic_begin, &end);
}

static void start(void)
{
    lapic_know();
    struct hal_tsc_rate rate = find_rate();
    uint64_t hz = rate.hz ? rate.hz : HZ_ASSUMED;
    ready_timer(hz);

    uint64_t origin = core_state.handoff.tsc_at_entry;
    if (origin > hal_tsc())
        origin = hal_tsc(); // the loader could not tell, or the counter was set back
    core_state.clock_source = rate.source;
    core_state.clock = clock_scale_of(origin, hz);
    if (rate.hz == 0)
        core_log("core: nothing tells how fast the time stamp counter runs; 1 GHz assumed");
}
