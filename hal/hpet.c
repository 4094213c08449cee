// SPDX-License-Identifier: MIT
// hpet.c - the high precision event timer's counter; its comparators stay as they are.
#include "hal/mmio.h"
#include "hal/reference.h"

enum { // offsets of registers
    CAPABILITIES = 0x00,
    PERIOD = 0x04, // the upper half of the former: femtoseconds a count
    CONFIGURATION = 0x10,
    COUNTER = 0xf0,
};

#define REVISION_MASK 0xffu // never 0
#define ENABLE        0x1u
#define PERIOD_MAX_FS 100000000u // 100 ns
#define FS_A_SECOND   UINT64_C(1000000000000000)

// The lower half suffices: at the highest rate that there is it goes round in four seconds.
static uint32_t read(const struct hal_reference *reference)
{
    return hal_mmio_read32((volatile uint8_t *)reference->regs + COUNTER);
}

bool hal_hpet(volatile void *regs, struct hal_reference *out)
{
    volatile uint8_t *at = regs;
    uint32_t period_fs = hal_mmio_read32(at + PERIOD);
    uint32_t revision = hal_mmio_read32(at + CAPABILITIES) & REVISION_MASK;
    if (revision == 0 || period_fs == 0 || period_fs > PERIOD_MAX_FS)
        return false;
    uint32_t configuration = hal_mmio_read32(at + CONFIGURATION);
    if (!(configuration & ENABLE))
        hal_mmio_write32(at + CONFIGURATION, configuration | ENABLE);
    *out = (struct hal_reference){.read = read,
                                  .regs = regs,
                                  .mask = UINT32_MAX,
                                  .hz = FS_A_SECOND / period_fs,
                                  .name = "the HPET"};
    return true;
}
