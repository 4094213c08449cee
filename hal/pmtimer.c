// SPDX-License-Identifier: MIT
// pmtimer.c - the timer that every chipset with ACPI has.
#include "hal/mmio.h"
#include "hal/port.h"
#include "hal/reference.h"

#define PM_TIMER_HZ UINT64_C(3579545)

static uint32_t read(const struct hal_reference *reference)
{
    uint32_t count = reference->regs ? hal_mmio_read32(reference->regs) : hal_in32(reference->port);
    return count & reference->mask;
}

struct hal_reference hal_pm_timer(volatile void *regs, uint16_t port, uint32_t bits)
{
    return (struct hal_reference){.read = read,
                                  .regs = regs,
                                  .port = port,
                                  .mask = bits == 32 ? UINT32_MAX : 0xffffff,
                                  .hz = PM_TIMER_HZ,
                                  .name = "the ACPI timer"};
}
