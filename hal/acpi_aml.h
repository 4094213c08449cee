// SPDX-License-Identifier: MIT
// acpi_aml.h - constants out of ACPI's machine code, which is searched and not run.
//
// What a DSDT or SSDT computes, or reads from a device, stays unknown. Pure.
// (ACPI 6.5 §20.)
#ifndef HAL_ACPI_AML_H
#define HAL_ACPI_AML_H

#include <stdbool.h>

#include "exo/span.h"

// One bit for each PCI bus of a segment.
struct hal_acpi_buses {
    uint64_t bits[4];
};

// What the chipset is to be told to switch off: SLP_TYP for the two PM1 control registers.
struct hal_acpi_s5 {
    uint8_t type_a;
    uint8_t type_b;
};

// The package \_S5. (ACPI 6.5 §7.4.2.)
bool hal_acpi_s5(struct cspan table, struct hal_acpi_s5 *out);

// The first host bridge's configuration space in memory, _CBA: where a table "MCFG" is
// missing because the bridge can be plugged. (PCI Firmware Specification 3.3 §4.1.3.)
bool hal_acpi_cba(struct cspan table, uint64_t *base);

// Adds the first bus of each host bridge, _BBN. (ACPI 6.5 §6.5.5.)
void hal_acpi_bbn(struct cspan table, struct hal_acpi_buses *out);

#endif
