// SPDX-License-Identifier: MIT
// clock.c - finds the counters' rates when somebody first asks for time, then reads it in
// three instructions.
#include "core/clock.h"

#include "core/bringup.h"
#include "core/log.h"
#include "core/pt.h"
#include "core/state.h"
#include "hal/cpu.h"
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

// The count that begins here is as a rule long enough when somebody asks for time, so that
// nobody waits for it.
void clock_init(void)
{
    map_lapic();
    core_state.lapic_begin = hal_lapic_count(&core_state.lapic);
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
    if (counts_hz == 0 || counts_hz > UINT32_MAX ||
        !count_to((uint32_t)(counts_hz / MEASURED_FRACTION), &end))
        return (struct hal_tsc_rate){0, "nobody"};
    uint64_t counts = core_state.lapic_begin.count - end.count;
    clock_wide ticks = end.tsc - core_state.lapic_begin.tsc;
    return (struct hal_tsc_rate){(uint64_t)(ticks * counts_hz / counts), "the local APIC"};
}

// From what costs nothing to what costs a millisecond.
static struct hal_tsc_rate find_rate(void)
{
    struct hal_tsc_rate rate = hal_tsc_rate_told();
    if (!hal_tsc_is_sane(rate.hz))
        rate = rate_by_pvclock();
    if (!hal_tsc_is_sane(rate.hz))
        rate = rate_by_lapic();
    if (!hal_tsc_is_sane(rate.hz))
        rate = hal_tsc_rate_measured();
    return rate;
}

// The timer has counted since the boot; if that is not long yet, a little longer.
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
    struct hal_tsc_rate rate = find_rate();
    uint64_t hz = rate.hz ? rate.hz : HZ_ASSUMED;
    ready_timer(hz);

    uint64_t origin = core_state.handoff.tsc_at_entry;
    if (origin > hal_tsc())
        origin = hal_tsc(); // the loader could not tell, or the counter was set back
    core_state.clock = clock_scale_of(origin, hz);
    if (rate.hz == 0)
        core_log("core: nothing tells how fast the time stamp counter runs; 1 GHz assumed");
    core_log("core: clock at %llu kHz by %s, timer by %s", (unsigned long long)(hz / 1000),
             rate.source, core_state.lapic.has_deadline ? "deadline" : "count-down");
}
