// SPDX-License-Identifier: MIT
// pci.h - PCI functions: found, owned, configured. (PCI Local Bus 3.0, PCIe 5.0.)
#ifndef CORE_PCI_H
#define CORE_PCI_H

#include "exo/types.h"

struct pci_addr {
    uint8_t bus;
    uint8_t device;
    uint8_t function;
    uint16_t segment; // 0 but on very large machines
};

// One function as enumeration found it.
struct core_pci_function {
    struct pci_addr at;
    uint16_t vendor_id;
    uint16_t device_id;
    uint16_t subsystem_id;
    uint8_t class_code;
    uint8_t subclass;
};

#define CORE_PCI_BAR_MAX (UINT64_C(64) << 20)

// A memory BAR, mapped uncached.
struct core_pci_bar {
    volatile uint8_t *base; // null for a BAR that is absent or in I/O space
    uint64_t bytes;
};

// The `n`-th function of the machine, in bus order, bridges followed.
//
// Errors: -EXO_ENOENT  there are fewer.
int core_pci_function(uint32_t n, struct core_pci_function *out);

// Exclusive ownership of one function. Turns on memory decoding and bus mastering;
// release turns bus mastering and messages off, so that a forgotten device cannot write
// memory and the next owner finds no line of the last one's. Who gives a function back has
// stopped it first, in its own registers: core knows none of them, and a device in the middle
// of something may answer badly to having its messages taken away.
//
// Errors: -EXO_EBUSY   it has an owner.
//         -EXO_ENOENT  there is no such function.
int core_pci_claim(struct pci_addr at, const char *owner);
void core_pci_release(struct pci_addr at);

// Configuration space. `offset` is a multiple of the width, below 4096. It is reached through
// memory where ACPI tells of a place, else through ports: then reads beyond 256 bytes give
// all ones, and writes there do nothing.
uint8_t core_pci_read8(struct pci_addr at, uint16_t offset);
uint16_t core_pci_read16(struct pci_addr at, uint16_t offset);
uint32_t core_pci_read32(struct pci_addr at, uint16_t offset);
void core_pci_write8(struct pci_addr at, uint16_t offset, uint8_t value);
void core_pci_write16(struct pci_addr at, uint16_t offset, uint16_t value);
void core_pci_write32(struct pci_addr at, uint16_t offset, uint32_t value);

// The next capability with identifier `id` behind offset `after` (0: the first).
// Returns its offset, or 0. A list that loops ends.
uint16_t core_pci_capability(struct pci_addr at, uint8_t id, uint16_t after);

// Maps memory BAR `index` (0 … 5) of a claimed function.
//
// Errors: -EXO_EINVAL  no such memory BAR, or the firmware left it unassigned.
//         -EXO_EIO     the device gives a size or an address that cannot be.
//         -EXO_ENOTSUP larger than CORE_PCI_BAR_MAX: memory rather than registers.
//         -EXO_ENOMEM  no frame for a page table.
int core_pci_bar(struct pci_addr at, uint32_t index, struct core_pci_bar *out);

// Points MSI-X table entry `entry` of a claimed function at interrupt line `irq`,
// unmasks it and turns MSI-X on for the function.
//
// Errors: -EXO_ENOTSUP  the function has no MSI-X, or fewer entries.
//         -EXO_EIO      its table lies outside its BAR.
//         or as core_pci_bar
int core_pci_msix(struct pci_addr at, uint16_t entry, int irq);

// Points the one message of a function without MSI-X at interrupt line `irq` and turns MSI
// on for the function.
//
// Errors: -EXO_ENOTSUP  the function has no MSI, or the line is that of a CPU whose number
//                       does not fit a message (also of core_pci_msix).
int core_pci_msi(struct pci_addr at, int irq);

#endif
