// SPDX-License-Identifier: MIT
// clock.c - finds the counters' rates once, then reads time in three instructions.
#include "core/clock.h"

#include "core/bringup.h"
#include "core/log.h"
#include "core/pt.h"
#include "core/state.h"
#include "hal/cpu.h"
#include "hal/tsc.h"

// What to believe where nothing tells the time: everything works, at a wrong pace.
#define HZ_ASSUMED UINT64_C(1000000000)

exo_ns core_clock_now(void)
{
    if (__builtin_expect(core_state.clock.hz == 0, 0))
        return 0; // a message from before the rate is known
    return clock_scale_ns(&core_state.clock, hal_tsc());
}

uint64_t core_clock_tsc_hz(void)
{
    return core_state.clock.hz;
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

// Both counters are measured in the same millisecond.
void clock_init(void)
{
    map_lapic();
    struct hal_lapic_instant begin = hal_lapic_calibrate_begin(&core_state.lapic);
    struct hal_tsc_rate rate = hal_tsc_rate();
    uint64_t hz = rate.hz ? rate.hz : HZ_ASSUMED;
    if (!hal_lapic_calibrate_end(&core_state.lapic, &begin, hz))
        bringup_fail("the local APIC's timer stands still");

    uint64_t origin = core_state.handoff.tsc_at_entry;
    if (origin > hal_tsc())
        origin = hal_tsc(); // the loader could not tell, or the counter was set back
    core_state.clock = clock_scale_of(origin, hz);
    if (rate.hz == 0)
        core_log("core: nothing tells how fast the time stamp counter runs; 1 GHz assumed");
    core_log("core: clock at %llu kHz by %s, timer by %s", (unsigned long long)(hz / 1000),
             rate.source, core_state.lapic.has_deadline ? "deadline" : "count-down");
}
