// SPDX-License-Identifier: MIT
// pci_walk.h - finding functions and capabilities, whatever the configuration space says.
//
// Pure: configuration space is a function handed in. Every loop here ends for every
// answer that it could give.
#ifndef CORE_PCI_WALK_H
#define CORE_PCI_WALK_H

#include "core/pci.h"

// Reads the aligned 32 bits at `offset` of a function; all ones where there is none.
typedef uint32_t pci_read(void *ctx, struct pci_addr at, uint16_t offset);

struct pci_space {
    pci_read *read;
    void *ctx;
};

enum { // configuration registers (PCI Local Bus 3.0 §6.1, PCI-to-PCI Bridge 1.2 §3.2)
    PCI_VENDOR = 0x00,
    PCI_COMMAND = 0x04, // status in its upper half
    PCI_CLASS = 0x08,
    PCI_HEADER = 0x0c,
    PCI_BAR0 = 0x10,
    PCI_BUS_NUMBERS = 0x18, // of a bridge: primary, secondary, subordinate
    PCI_SUBSYSTEM = 0x2c,
    PCI_CAPABILITIES = 0x34,
};

// Buses that belong together. The first is on the CPU's side, and those that are named; all
// others are behind bridges.
struct pci_range {
    uint16_t segment;
    uint8_t first_bus;
    uint8_t last_bus;
    uint64_t roots[4]; // bit n: bus n has a host bridge of its own
};

// Finds all functions of a range, in bus order, and fills `out` with the first `max` of them.
// Returns how many there are.
uint32_t pci_walk(const struct pci_space *space, struct pci_range range,
                  struct core_pci_function *out, uint32_t max);

// As core_pci_capability.
uint16_t pci_find_capability(const struct pci_space *space, struct pci_addr at, uint8_t id,
                             uint16_t after);

// The header's layout: 0 a device, 1 a bridge.
uint8_t pci_header_type(const struct pci_space *space, struct pci_addr at);

#endif
