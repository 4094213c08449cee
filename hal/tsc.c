// SPDX-License-Identifier: MIT
// tsc.c - finds the time stamp counter's frequency (SDM vol. 3, "Time-Stamp Counter").
#include "hal/tsc.h"

#include "hal/cpu.h"
#include "hal/port.h"

// The 8254 interval timer. Channel 2's gate and output are bits of port 61h, so it
// can be used without an interrupt.
#define PIT_HZ        UINT64_C(1193182)
#define PIT_CHANNEL2  0x42
#define PIT_COMMAND   0x43
#define PIT_LATCH2    0x80 // freeze channel 2's count for reading
#define PIT_MODE0_CH2 0xb0 // channel 2, low byte then high byte, count down once
#define GATE_PORT     0x61
#define GATE_ON       0x01
#define GATE_SPEAKER  0x02
#define GATE_OUTPUT   0x20 // the count has passed zero

#define HALF_TICKS   596u       // one of two measurements: half a millisecond
#define READS        6u         // an end of a measurement is the tightest of this many reads
#define SPINS_MAX    (1u << 18) // a counter that stands still is not there
#define ATTEMPTS_MAX 8
#define AGREE_SHIFT  6 // the two halves may differ by 1/64: a tick is 1/596

#define SANE_HZ_MIN UINT64_C(10000000)
#define SANE_HZ_MAX UINT64_C(100000000000)

// One instant on both clocks.
struct instant {
    uint64_t tsc;
    uint64_t width; // TSC ticks that the read took: the instant lies somewhere within
    uint32_t count; // counts down
};

bool hal_tsc_is_sane(uint64_t hz)
{
    return hz >= SANE_HZ_MIN && hz <= SANE_HZ_MAX;
}

// SDM vol. 2, CPUID: TSC = crystal * EBX / EAX; leaf 16h has the base frequency in MHz
// for CPUs that do not tell their crystal.
static uint64_t hz_of_cpu(void)
{
    struct hal_cpuid ratio = hal_cpuid_if_any(0x15, 0);
    if (ratio.eax == 0 || ratio.ebx == 0)
        return 0;
    if (ratio.ecx != 0)
        return (uint64_t)ratio.ecx * ratio.ebx / ratio.eax;
    return (uint64_t)(hal_cpuid_if_any(0x16, 0).eax & 0xffff) * 1000000;
}

static uint64_t hz_of_hypervisor(void)
{
    bool virtualized = hal_cpuid(1, 0).ecx >> 31;
    if (!virtualized)
        return 0;
    return (uint64_t)hal_cpuid_if_any(0x40000010, 0).eax * 1000;
}

static uint32_t pit_count(void)
{
    hal_out8(PIT_COMMAND, PIT_LATCH2);
    uint32_t low = hal_in8(PIT_CHANNEL2);
    return low | (uint32_t)hal_in8(PIT_CHANNEL2) << 8;
}

static void pit_start(void)
{
    uint8_t gate = (uint8_t)(hal_in8(GATE_PORT) & ~(GATE_SPEAKER | GATE_ON));
    hal_out8(GATE_PORT, gate);
    hal_out8(PIT_COMMAND, PIT_MODE0_CH2);
    hal_out8(PIT_CHANNEL2, 0xff);
    hal_out8(PIT_CHANNEL2, 0xff);
    hal_out8(GATE_PORT, gate | GATE_ON);
}

// Of several reads the quickest is the one in which nothing came between the counters.
static struct instant now_on_both(void)
{
    struct instant best = {.width = UINT64_MAX};
    for (uint32_t i = 0; i < READS; i++) {
        uint64_t before = hal_tsc();
        uint32_t count = pit_count();
        uint64_t width = hal_tsc() - before;
        if (width < best.width)
            best = (struct instant){.tsc = before + width / 2, .width = width, .count = count};
    }
    return best;
}

// Waits until the count is `ticks` below that of `since`. False if it never gets there.
static bool wait_ticks(const struct instant *since, uint32_t ticks)
{
    for (uint32_t spins = 0; spins < SPINS_MAX; spins++) {
        if ((uint16_t)(since->count - pit_count()) >= ticks)
            return true;
    }
    return false;
}

static uint64_t hz_between(const struct instant *a, const struct instant *b)
{
    uint64_t ticks = (uint16_t)(a->count - b->count);
    return ticks == 0 ? 0 : (b->tsc - a->tsc) * PIT_HZ / ticks;
}

static bool agree(uint64_t a, uint64_t b)
{
    uint64_t difference = a > b ? a - b : b - a;
    return difference <= (a >> AGREE_SHIFT);
}

// Two measurements back to back. They must agree, and the counter must not have passed
// zero, as it does when the host takes the CPU away for 55 ms. `hz` is left at 0 if there
// is no counter.
static bool measure(uint64_t *hz)
{
    *hz = 0;
    pit_start();
    struct instant a = now_on_both();
    if (!wait_ticks(&a, HALF_TICKS))
        return false;
    struct instant b = now_on_both();
    if (!wait_ticks(&b, HALF_TICKS))
        return false;
    struct instant c = now_on_both();

    *hz = hz_between(&a, &c);
    bool wrapped = hal_in8(GATE_PORT) & GATE_OUTPUT;
    return !wrapped && hal_tsc_is_sane(*hz) && agree(hz_between(&a, &b), hz_between(&b, &c));
}

struct hal_tsc_rate hal_tsc_rate_told(void)
{
    uint64_t hz = hz_of_cpu();
    if (hal_tsc_is_sane(hz))
        return (struct hal_tsc_rate){hz, "CPUID"};
    hz = hz_of_hypervisor();
    if (hal_tsc_is_sane(hz))
        return (struct hal_tsc_rate){hz, "the hypervisor"};
    return (struct hal_tsc_rate){0, "nobody"};
}

struct hal_tsc_rate hal_tsc_rate_measured(void)
{
    uint64_t hz = 0;
    for (uint32_t attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        if (measure(&hz))
            return (struct hal_tsc_rate){hz, "the interval timer"};
        if (hz == 0)
            break;
    }
    if (hal_tsc_is_sane(hz)) // the halves never agreed, but there is a counter: the best there is
        return (struct hal_tsc_rate){hz, "the interval timer, unsteadily"};
    return (struct hal_tsc_rate){0, "nobody"};
}
