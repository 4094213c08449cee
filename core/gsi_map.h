// SPDX-License-Identifier: MIT
// gsi_map.h - which pin of which I/O APIC a wire of the board is, and what it looks like.
//
// Pure: what the firmware says and how many pins there really are is handed in.
#ifndef CORE_GSI_MAP_H
#define CORE_GSI_MAP_H

#include <stdbool.h>

#include "hal/apics.h"

struct gsi_map {
    uint32_t count;
    struct gsi_ioapic {
        volatile uint32_t *regs; // handed through
        uint32_t first;          // wire at pin 0
        uint32_t pins;
    } ioapics[HAL_IOAPICS_MAX]; // no wire in two of them
};

// Adds an I/O APIC of `pins` pins (not 0) whose first wire the firmware says is `told`;
// HAL_GSI_UNTOLD is the one behind the last wire so far. False if it shares a wire with one
// that is there, or there are too many.
bool gsi_map_add(struct gsi_map *map, volatile uint32_t *regs, uint32_t told, uint32_t pins);

// The I/O APIC with that wire, or null.
const struct gsi_ioapic *gsi_map_find(const struct gsi_map *map, uint32_t gsi);

// HAL_WIRE_… of a wire: as an override says, else a rising edge.
uint32_t gsi_map_shape(const struct hal_apics *apics, uint32_t gsi);

// Is the wire a non-maskable interrupt, to be left alone?
bool gsi_map_is_nmi(const struct hal_apics *apics, uint32_t gsi);

#endif
