// SPDX-License-Identifier: MIT
// power.c - the registers that end a machine, from the most polite to the rudest.
#include "core/power.h"

#include "core/acpi.h"
#include "core/bringup.h"
#include "core/log.h"
#include "core/pci.h"
#include "core/pt.h"
#include "core/report.h"
#include "hal/acpi_aml.h"
#include "hal/cpu.h"
#include "hal/mmio.h"
#include "hal/port.h"

// PM1 control and sleep control (ACPI 6.5 tables 4.13 and 4.20).
#define SCI_ENABLED      0x0001u // the chipset listens to us, no more to the firmware
#define SLEEP_TYPE_SHIFT 10
#define SLEEP_TYPE_MASK  0x1c00u
#define SLEEP_ENABLE     0x2000u
#define REDUCED_SHIFT    2
#define REDUCED_ENABLE   0x20u

// The chipset's own reset (Intel I/O Controller Hub 9 data sheet, §13.7.5): the kind, then go.
#define RESET_PORT 0xcf9
#define RESET_FULL 0x0e
#define RESET_KIND 0x0a

// The keyboard controller's second output pin is the CPU's reset line (IBM PC/AT).
#define KEYBOARD_PORT  0x64
#define KEYBOARD_BUSY  0x02
#define KEYBOARD_RESET 0xfe

// The chipset acts within some microseconds, the firmware's handler within some milliseconds.
// Each look at a port takes about one.
#define LOOKS_MAX (1u << 16)

// The fixed hardware, unless whoever began to look for it never came back.
static bool find_fadt(struct hal_acpi_fadt *out)
{
    for (uint32_t looks = 0; acpi_is_under_way(); looks++) {
        if (looks == LOOKS_MAX)
            return false;
        hal_pause();
    }
    return acpi_fadt(out);
}

static bool find_s5(struct hal_acpi_s5 *out)
{
    struct cspan code;
    for (uint32_t n = 0; acpi_code(n, &code); n++) {
        if (hal_acpi_s5(code, out))
            return true;
    }
    return false;
}

// Time for the hardware to do as it was told: if it does, this is the last call.
static void linger(void)
{
    for (uint32_t looks = 0; looks < LOOKS_MAX; looks++)
        hal_in8(KEYBOARD_PORT);
}

static uint16_t read16(struct hal_acpi_register reg)
{
    if (reg.space == HAL_ACPI_PORT)
        return hal_in16((uint16_t)reg.at);
    volatile void *mapped =
        reg.space == HAL_ACPI_MEMORY ? pt_map_device((struct pa){reg.at}, 2) : NULL;
    return mapped ? hal_mmio_read16(mapped) : 0;
}

static void write16(struct hal_acpi_register reg, uint16_t value)
{
    if (reg.space == HAL_ACPI_PORT)
        hal_out16((uint16_t)reg.at, value);
    volatile void *mapped =
        reg.space == HAL_ACPI_MEMORY ? pt_map_device((struct pa){reg.at}, 2) : NULL;
    if (mapped)
        hal_mmio_write16(mapped, value);
}

static void write8(struct hal_acpi_register reg, uint8_t value)
{
    volatile void *mapped;
    switch (reg.space) {
    case HAL_ACPI_PORT:
        hal_out8((uint16_t)reg.at, value);
        break;
    case HAL_ACPI_PCI:
        core_pci_write8((struct pci_addr){.device = (uint8_t)(reg.at >> 32 & 31),
                                          .function = (uint8_t)(reg.at >> 16 & 7)},
                        (uint16_t)(reg.at & 0xfff), value);
        break;
    case HAL_ACPI_MEMORY:
        mapped = pt_map_device((struct pa){reg.at}, 1);
        if (mapped)
            hal_mmio_write8(mapped, value);
        break;
    }
}

// The firmware may still be the one that the chipset listens to (ACPI 6.5 §4.8.2.5).
static void take_over(const struct hal_acpi_fadt *fadt)
{
    if (fadt->enable_port == 0 || (read16(fadt->control_a) & SCI_ENABLED))
        return;
    hal_out8(fadt->enable_port, fadt->enable_value);
    for (uint32_t looks = 0; looks < LOOKS_MAX; looks++) {
        if (read16(fadt->control_a) & SCI_ENABLED)
            return;
    }
}

static void sleep_in(struct hal_acpi_register control, uint8_t type)
{
    if (control.at == 0)
        return;
    uint16_t rest = (uint16_t)(read16(control) & ~(SLEEP_TYPE_MASK | SLEEP_ENABLE));
    write16(control, (uint16_t)(rest | type << SLEEP_TYPE_SHIFT | SLEEP_ENABLE));
}

void core_power_off(void)
{
    struct hal_acpi_fadt fadt;
    struct hal_acpi_s5 s5;
    hal_irq_off();
    if (find_fadt(&fadt) && find_s5(&s5)) {
        if (fadt.sleep.at) {
            write8(fadt.sleep, (uint8_t)(s5.type_a << REDUCED_SHIFT | REDUCED_ENABLE));
        } else if (fadt.control_a.at) {
            take_over(&fadt);
            sleep_in(fadt.control_a, s5.type_a);
            sleep_in(fadt.control_b, s5.type_b);
        }
        linger();
    }
    report_print("exocore: this machine cannot be switched off by software; halted\n");
    panic_halt();
}

static void reset_by_keyboard(void)
{
    for (uint32_t looks = 0; looks < LOOKS_MAX; looks++) {
        if (!(hal_in8(KEYBOARD_PORT) & KEYBOARD_BUSY))
            break;
    }
    hal_out8(KEYBOARD_PORT, KEYBOARD_RESET);
}

// Without an IDT an exception becomes a double fault, that a triple one, and that a reset.
void power_triple_fault(void)
{
    static const struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } nothing = {0, 0};
    __asm__ volatile("lidt %0; int3" ::"m"(nothing) : "memory");
    hal_halt_forever();
}

void core_power_reset(void)
{
    struct hal_acpi_fadt fadt;
    hal_irq_off();
    if (find_fadt(&fadt) && fadt.reset.at) {
        write8(fadt.reset, fadt.reset_value);
        linger();
    }
    hal_out8(RESET_PORT, RESET_KIND);
    hal_out8(RESET_PORT, RESET_FULL);
    linger();
    reset_by_keyboard();
    linger();
    power_triple_fault();
}
