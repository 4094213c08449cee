// SPDX-License-Identifier: MIT
// ioapic.h - the I/O APIC: wires of the board turned into interrupt messages.
//
// Used for devices without MSI. Two 32-bit registers: one selects, the other is the window.
// (Intel 82093AA data sheet, §3.)
#ifndef HAL_IOAPIC_H
#define HAL_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

#define HAL_IOAPIC_BYTES 32u

// Pins that the I/O APIC behind `regs` has; 0 if there is none.
uint32_t hal_ioapic_pins(volatile uint32_t *regs);

// Sends `vector` to the CPU with LAPIC identifier `cpu` at each edge at which the pin becomes
// active: the rising one, or, where it is active low, the falling one.
void hal_ioapic_route(volatile uint32_t *regs, uint32_t pin, uint8_t vector, uint8_t cpu,
                      bool active_low);

// Shuts the pin.
void hal_ioapic_mask(volatile uint32_t *regs, uint32_t pin);

#endif
