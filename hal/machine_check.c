// SPDX-License-Identifier: MIT
// machine_check.c - reads this CPU's banks, and leaves them as they are.
#include "hal/machine_check.h"

#include "hal/cpu.h"

#define HAS_BANKS      (1u << 14) // CPUID 1, EDX: MCA
#define MSR_CAP        0x179u
#define MSR_STATUS(n)  (0x401u + 4 * (n))
#define MSR_ADDRESS(n) (0x402u + 4 * (n))
#define BANKS_MAX      32u // further ones have other numbers

#define STATUS_VALID       (UINT64_C(1) << 63)
#define STATUS_HAS_ADDRESS (UINT64_C(1) << 58)

static uint32_t bank_count(void)
{
    if (!(hal_cpuid(1, 0).edx & HAS_BANKS))
        return 0;
    uint32_t count = hal_msr_read(MSR_CAP) & 0xff;
    return count < BANKS_MAX ? count : BANKS_MAX;
}

bool hal_machine_check_find(uint32_t from, struct hal_machine_check *out)
{
    for (uint32_t bank = from, end = bank_count(); bank < end; bank++) {
        uint64_t status = hal_msr_read(MSR_STATUS(bank));
        if (!(status & STATUS_VALID))
            continue;
        uint64_t address = status & STATUS_HAS_ADDRESS ? hal_msr_read(MSR_ADDRESS(bank)) : 0;
        *out = (struct hal_machine_check){.bank = bank, .status = status, .address = address};
        return true;
    }
    return false;
}
