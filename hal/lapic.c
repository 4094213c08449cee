// SPDX-License-Identifier: MIT
// lapic.c - programs the local APIC and its timer, and puts the old PIC to sleep.
#include "hal/lapic.h"

#include "exo/bits.h"
#include "hal/barrier.h"
#include "hal/cpu.h"
#include "hal/port.h"
#include "hal/vectors.h"

#include <stddef.h>

enum { // register numbers: byte offset / 4
    ID = 0x20 / 4,
    TASK_PRIORITY = 0x80 / 4,
    END_OF_INTERRUPT = 0xb0 / 4,
    SPURIOUS = 0xf0 / 4,
    COMMAND = 0x300 / 4, // the interrupt command register
    COMMAND_HIGH = 0x310 / 4,
    LVT_TIMER = 0x320 / 4,
    LVT_LINT0 = 0x350 / 4,
    LVT_LINT1 = 0x360 / 4,
    LVT_ERROR = 0x370 / 4,
    INITIAL_COUNT = 0x380 / 4,
    CURRENT_COUNT = 0x390 / 4,
    DIVIDE = 0x3e0 / 4,
};

#define SOFTWARE_ENABLE 0x100u
#define LVT_MASKED      0x10000u
#define LVT_NMI         0x400u
#define TIMER_DEADLINE  0x40000u
#define COMMAND_SENDING 0x1000u // delivery status
#define COMMAND_ASSERT  0x4000u // a level that nobody but INIT cares for
#define DIVIDE_BY_1     0xbu

#define BASE_ENABLE  (UINT64_C(1) << 11)
#define BASE_X2APIC  (UINT64_C(1) << 10)
#define BASE_ADDRESS UINT64_C(0x000ffffffffff000)

#define X2APIC_MSR(reg) (0x800u + (reg) / 4) // a register has 16 bytes there, an MSR here

#define RATE_SHIFT 24 // fraction bits of counts_per_tick

#define STILL_READS_MAX 100000u // a count that does not move for so long never will
#define SENDING_READS   100000u // nor does what has not left by then

#define PIC1 0x20
#define PIC2 0xa0

// Even a masked PIC raises spurious interrupts, on vectors that belong to exceptions
// unless it is moved (8259A data sheet: ICW1 … ICW4, then the mask).
static void silence_pic(void)
{
    hal_out8(PIC1, 0x11);
    hal_out8(PIC2, 0x11);
    hal_out8(PIC1 + 1, HAL_VECTOR_PIC);
    hal_out8(PIC2 + 1, HAL_VECTOR_PIC + 8);
    hal_out8(PIC1 + 1, 4);
    hal_out8(PIC2 + 1, 2);
    hal_out8(PIC1 + 1, 1);
    hal_out8(PIC2 + 1, 1);
    hal_out8(PIC1 + 1, 0xff);
    hal_out8(PIC2 + 1, 0xff);
}

// Few machines are in x2APIC mode: those of more CPUs than a byte counts.
static inline bool is_wide(const struct hal_lapic *lapic)
{
    return __builtin_expect(lapic->x2apic, 0);
}

static inline uint32_t read(const struct hal_lapic *lapic, uint32_t reg)
{
    return is_wide(lapic) ? (uint32_t)hal_msr_read(X2APIC_MSR(reg)) : lapic->regs[reg];
}

static inline void write(const struct hal_lapic *lapic, uint32_t reg, uint32_t value)
{
    if (is_wide(lapic))
        hal_msr_write(X2APIC_MSR(reg), value);
    else
        lapic->regs[reg] = value;
}

uint64_t hal_lapic_enable(void)
{
    bool present = hal_cpuid(1, 0).edx >> 9 & 1;
    if (!present)
        return 0;

    uint64_t base = hal_msr_read(HAL_MSR_APIC_BASE);
    hal_msr_write(HAL_MSR_APIC_BASE, base | BASE_ENABLE);
    return base & BASE_ADDRESS;
}

static void prepare(const struct hal_lapic *lapic, uint32_t lint1)
{
    const struct setting {
        uint32_t reg, value;
    } settings[] = {
        {SPURIOUS, SOFTWARE_ENABLE | HAL_VECTOR_SPURIOUS},
        {TASK_PRIORITY, 0},
        {LVT_LINT0, LVT_MASKED}, // the PIC's way in
        {LVT_LINT1, lint1},
        {LVT_ERROR, LVT_MASKED},
        {DIVIDE, DIVIDE_BY_1},
        {INITIAL_COUNT, 0},
        {LVT_TIMER, HAL_VECTOR_TIMER | (lapic->has_deadline ? TIMER_DEADLINE : 0)},
    };
    for (const struct setting *s = settings; s < settings + EXO_COUNT(settings); s++)
        write(lapic, s->reg, s->value);
    hal_barrier_full(); // SDM: between this write and the first one of the deadline MSR
}

void hal_lapic_init(struct hal_lapic *lapic, volatile uint32_t *regs)
{
    *lapic = (struct hal_lapic){
        .regs = regs,
        .x2apic = hal_msr_read(HAL_MSR_APIC_BASE) & BASE_X2APIC,
        .has_deadline = hal_cpuid(1, 0).ecx >> 24 & 1,
    };
    hal_lapic_eoi = lapic->x2apic ? NULL : &regs[END_OF_INTERRUPT];
    silence_pic();
    prepare(lapic, LVT_NMI);
}

bool hal_lapic_widen(struct hal_lapic *lapic)
{
    bool can = hal_cpuid(1, 0).ecx >> 21 & 1;
    if (!can || lapic->x2apic)
        return can;
    hal_msr_write(HAL_MSR_APIC_BASE, hal_msr_read(HAL_MSR_APIC_BASE) | BASE_ENABLE | BASE_X2APIC);
    lapic->x2apic = true;
    hal_lapic_eoi = NULL;
    return true;
}

// The first CPU's way, whatever the firmware left here. An NMI of the board is one CPU's
// matter, and that is the first.
void hal_lapic_join(const struct hal_lapic *lapic)
{
    uint64_t base = hal_msr_read(HAL_MSR_APIC_BASE);
    if (!lapic->x2apic && (base & BASE_X2APIC)) { // the only way back leads through "off"
        base &= ~(BASE_X2APIC | BASE_ENABLE);
        hal_msr_write(HAL_MSR_APIC_BASE, base);
    }
    hal_msr_write(HAL_MSR_APIC_BASE, base | BASE_ENABLE);
    if (lapic->x2apic)
        hal_msr_write(HAL_MSR_APIC_BASE, base | BASE_ENABLE | BASE_X2APIC);
    prepare(lapic, LVT_MASKED);
}

// In xAPIC mode the register holds one command: the one before has to have left. The write is
// uncached, so the CPU makes stores before it seen before, and only the compiler must be told;
// the MSR needs a fence for that (SDM vol. 3, "MSR Access in x2APIC Mode").
void hal_lapic_send(const struct hal_lapic *lapic, uint32_t apic_id, uint32_t what)
{
    uint32_t command = what | COMMAND_ASSERT;
    if (lapic->x2apic) {
        hal_barrier_full();
        __asm__ volatile("lfence" ::: "memory");
        hal_msr_write(X2APIC_MSR(COMMAND), (uint64_t)apic_id << 32 | command);
        return;
    }
    for (uint32_t i = 0; i < SENDING_READS && (lapic->regs[COMMAND] & COMMAND_SENDING); i++)
        hal_pause();
    hal_barrier_write();
    lapic->regs[COMMAND_HIGH] = apic_id << 24;
    lapic->regs[COMMAND] = command;
}

static struct hal_lapic_instant now_on_both(const struct hal_lapic *lapic)
{
    struct hal_lapic_instant best = {0, 0};
    uint64_t tightest = UINT64_MAX;
    for (int i = 0; i < 6; i++) {
        uint64_t before = hal_tsc();
        uint32_t count = read(lapic, CURRENT_COUNT);
        uint64_t width = hal_tsc() - before;
        if (width < tightest) {
            tightest = width;
            best = (struct hal_lapic_instant){before + width / 2, count};
        }
    }
    return best;
}

struct hal_lapic_instant hal_lapic_count(const struct hal_lapic *lapic)
{
    write(lapic, LVT_TIMER, LVT_MASKED); // count-down mode, whatever comes later
    write(lapic, INITIAL_COUNT, UINT32_MAX);
    return now_on_both(lapic);
}

bool hal_lapic_count_to(const struct hal_lapic *lapic, const struct hal_lapic_instant *begin,
                        uint32_t counts, struct hal_lapic_instant *end)
{
    *end = now_on_both(lapic);
    for (uint32_t still = 0; still < STILL_READS_MAX;) {
        if (end->count == 0 || begin->count - end->count >= counts)
            return true;
        uint32_t before = end->count;
        *end = now_on_both(lapic);
        still = end->count == before ? still + 1 : 0;
    }
    return false;
}

void hal_lapic_set_rate(struct hal_lapic *lapic, const struct hal_lapic_instant *begin,
                        const struct hal_lapic_instant *end)
{
    write(lapic, INITIAL_COUNT, 0);
    write(lapic, LVT_TIMER, HAL_VECTOR_TIMER | (lapic->has_deadline ? TIMER_DEADLINE : 0));
    hal_barrier_full(); // SDM: between this write and the first one of the deadline MSR

    // Rounded up: late by a count is better than waking twice.
    uint64_t counts = begin->count - end->count;
    uint64_t ticks = end->tsc - begin->tsc;
    uint64_t rate = ticks ? ((counts << RATE_SHIFT) + ticks - 1) / ticks : 0;
    lapic->counts_per_tick = (uint32_t)EXO_MIN(rate, (uint64_t)UINT32_MAX);
}

uint64_t hal_lapic_told_hz(void)
{
    bool virtualized = hal_cpuid(1, 0).ecx >> 31;
    if (!virtualized)
        return 0;
    struct hal_cpuid leaf = hal_cpuid_if_any(0x40000010, 0); // VMware's convention
    if (leaf.ebx != 0)
        return (uint64_t)leaf.ebx * 1000;
    leaf = hal_cpuid(0x40000000, 0);
    bool is_tcg = (leaf.ebx == 0x54474354) & (leaf.ecx == 0x43544743) & (leaf.edx == 0x47435447);
    bool is_kvm = (leaf.ebx == 0x4b4d564b) & (leaf.ecx == 0x564b4d56) & (leaf.edx == 0x4d);
    return is_tcg | is_kvm ? 1000000000 : 0; // "TCGTCGTCGTCG", "KVMKVMKVM"
}

void hal_lapic_arm(const struct hal_lapic *lapic, uint64_t tsc)
{
    if (lapic->has_deadline) {
        hal_msr_write(HAL_MSR_TSC_DEADLINE, tsc ? tsc : 1); // 0 would disarm it
        return;
    }
    uint64_t now = hal_tsc();
    uint64_t ticks = EXO_MIN(tsc > now ? tsc - now : 0, (uint64_t)UINT32_MAX);
    uint64_t counts = (ticks * lapic->counts_per_tick >> RATE_SHIFT) + 1; // 0 would disarm it
    write(lapic, INITIAL_COUNT, (uint32_t)EXO_MIN(counts, (uint64_t)UINT32_MAX));
}

uint32_t hal_lapic_id(const struct hal_lapic *lapic)
{
    uint32_t id = read(lapic, ID);
    return lapic->x2apic ? id : id >> 24;
}
