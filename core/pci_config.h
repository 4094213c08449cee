// SPDX-License-Identifier: MIT
// pci_config.h - the ways into PCI configuration space, below pci.h. Core's own business.
//
// By memory where ACPI's table MCFG says so and is right (PCIe 5.0 §7.2.2), which reaches
// 4096 bytes of a function and every segment; else by ports (PCI Local Bus 3.0 §3.2.2.3.2),
// which reach 256 bytes in segment 0. A board with neither may say where the memory is in
// its host bridge's _CBA.
#ifndef CORE_PCI_CONFIG_H
#define CORE_PCI_CONFIG_H

#include "core/pci_walk.h"

#define PCI_PORTS_REACH 256u // bytes of a function

// Bits of PCI_COMMAND (PCI Local Bus 3.0 §6.2.2).
#define PCI_COMMAND_MEMORY     0x0002u
#define PCI_COMMAND_BUS_MASTER 0x0004u
#define PCI_COMMAND_NO_INTX    0x0400u

// Configuration space for pci_walk.h's functions.
extern const struct pci_space pci_config;

// The `n`-th range of buses to walk: all of segment 0, then those of other segments. False
// if there are fewer.
bool pci_config_range(uint32_t n, struct pci_range *out);

// pci.c: whether somebody owns a function; sets and clears bits of its command register.
bool pci_is_claimed(struct pci_addr at);
void pci_set_command(struct pci_addr at, uint16_t set, uint16_t clear);

// pci_message.c: turns a function's messages off, so that it has its wire again.
void pci_messages_off(struct pci_addr at);

#endif
