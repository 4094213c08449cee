// SPDX-License-Identifier: MIT
// tsc.c - who tells the time stamp counter's frequency (SDM vol. 3, "Time-Stamp Counter").
#include "hal/tsc.h"

#include "hal/cpu.h"

#define SANE_HZ_MIN UINT64_C(10000000)
#define SANE_HZ_MAX UINT64_C(100000000000)

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
