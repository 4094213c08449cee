// SPDX-License-Identifier: MIT
// mmio.h - device registers that no bus announces: named by physical address, and owned.
//
// On microvm-like machines the command line says where such devices are. (A PCI function's
// registers are BARs: core/pci.h.)
#ifndef CORE_MMIO_H
#define CORE_MMIO_H

#include "exo/types.h"

#define CORE_MMIO_MAX 32 // windows that can be owned at one time

// Claims the registers in [at, at + bytes) and maps them uncached; `regs` becomes the first.
//
// Owner:  gives the window to the caller.
// Errors: -EXO_EINVAL  it is empty, beyond what can be mapped, or over usable memory.
//         -EXO_EBUSY   part of it has an owner.
//         -EXO_ENOSPC  CORE_MMIO_MAX windows are owned.
int core_mmio_claim(struct pa at, uint64_t bytes, const char *owner, volatile uint8_t **regs);

// Gives the window that begins at `at` back.
void core_mmio_release(struct pa at);

// Reads one register of 32 bits, whoever owns it, for recognising a device. Only where a read
// changes nothing.
//
// Errors: -EXO_EINVAL  not aligned, or as for core_mmio_claim.
int core_mmio_peek32(struct pa at, uint32_t *out);

#endif
