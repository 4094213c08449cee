// SPDX-License-Identifier: MIT
// pvclock.c - switches KVM's clock on, reads its factor, and switches it off again.
#include "hal/pvclock.h"

#include <stdbool.h>

#include "hal/cpu.h"

#define FEATURES_LEAF   0x40000001u
#define CLOCKSOURCE2    (1u << 3)
#define MSR_SYSTEM_TIME 0x4b564d01u
#define SYSTEM_TIME_ON  UINT64_C(1)
#define READS_MAX       1000 // the hypervisor writes the page once for each time it runs us

_Static_assert(sizeof(struct hal_pvclock_page) == 32, "struct pvclock_vcpu_time_info");

static bool is_offered(void)
{
    bool virtualized = hal_cpuid(1, 0).ecx >> 31;
    if (!virtualized)
        return false;
    struct hal_cpuid name = hal_cpuid(0x40000000, 0);
    bool is_kvm = name.ebx == 0x4b4d564b && name.ecx == 0x564b4d56 && name.edx == 0x4d;
    return is_kvm && (hal_cpuid(FEATURES_LEAF, 0).eax & CLOCKSOURCE2);
}

static uint64_t hz_of(uint32_t mul, int8_t shift)
{
    if (mul == 0 || shift < -31 || shift > 31)
        return 0;
    uint64_t hz = (UINT64_C(1000000000) << 32) / mul;
    return shift < 0 ? hz << -shift : hz >> shift;
}

uint64_t hal_pvclock_hz(volatile struct hal_pvclock_page *page, uint64_t page_pa)
{
    if (!is_offered())
        return 0;
    hal_msr_write(MSR_SYSTEM_TIME, page_pa | SYSTEM_TIME_ON);
    uint64_t hz = 0;
    for (int reads = 0; hz == 0 && reads < READS_MAX; reads++) {
        uint32_t version = page->version;
        uint32_t mul = page->tsc_to_system_mul;
        int8_t shift = page->tsc_shift;
        if (version != 0 && version % 2 == 0 && version == page->version)
            hz = hz_of(mul, shift);
    }
    hal_msr_write(MSR_SYSTEM_TIME, 0);
    return hz;
}
