// SPDX-License-Identifier: MIT
// ioapic.c - reads and writes the I/O APIC's redirection table.
#include "hal/ioapic.h"

enum { // places in memory, as words, and numbers of registers behind the window
    SELECT = 0x00 / 4,
    WINDOW = 0x10 / 4,
    VERSION = 0x01,
    REDIRECTION = 0x10, // two registers a pin, the low one first
};

#define MASKED        0x10000u
#define ACTIVE_LOW    0x2000u
#define CPU_SHIFT     24
#define PINS_MAX      240u // of the widest that the version register can describe
#define NOTHING_THERE 0xffffffffu

static uint32_t read(volatile uint32_t *regs, uint32_t number)
{
    regs[SELECT] = number;
    return regs[WINDOW];
}

static void write(volatile uint32_t *regs, uint32_t number, uint32_t value)
{
    regs[SELECT] = number;
    regs[WINDOW] = value;
}

uint32_t hal_ioapic_pins(volatile uint32_t *regs)
{
    uint32_t version = read(regs, VERSION);
    uint32_t pins = (version >> 16 & 0xff) + 1;
    return version == 0 || version == NOTHING_THERE || pins > PINS_MAX ? 0 : pins;
}

// The destination first: the low half opens the pin.
void hal_ioapic_route(volatile uint32_t *regs, uint32_t pin, uint8_t vector, uint8_t cpu,
                      bool active_low)
{
    uint32_t polarity = active_low ? ACTIVE_LOW : 0;
    write(regs, REDIRECTION + 2 * pin + 1, (uint32_t)cpu << CPU_SHIFT);
    write(regs, REDIRECTION + 2 * pin, vector | polarity); // fixed, physical, edge
}

void hal_ioapic_mask(volatile uint32_t *regs, uint32_t pin)
{
    write(regs, REDIRECTION + 2 * pin, MASKED);
}
