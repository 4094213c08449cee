// SPDX-License-Identifier: MIT
// acpi.h - ACPI's tables: from the root pointer to any table by its signature.
//
//     RSDP ──► XSDT or RSDT ──► APIC, FACP, HPET, MCFG, …      FACP ──► DSDT
//
// Pure (firmware.h). (ACPI 6.5 §5.2.)
#ifndef HAL_ACPI_H
#define HAL_ACPI_H

#include "exo/span.h"
#include "hal/firmware.h"

#define HAL_ACPI_HEADER_BYTES 36u // of every table but the root pointer

// The list of all tables.
struct hal_acpi_root {
    struct cspan list;    // the whole XSDT or RSDT, header included
    uint32_t entry_bytes; // 8 in an XSDT, 4 in an RSDT
};

// Looks for the root pointer where a BIOS leaves it (hal_firmware_search; ACPI 6.5 §5.2.5.1 has
// two of the three places). Returns its address or 0.
uint64_t hal_acpi_search(const struct hal_firmware *firmware);

// Reads the root pointer at `rsdp` and the list that it points to, the XSDT where there is
// a sound one. False if neither list is.
bool hal_acpi_root(const struct hal_firmware *firmware, uint64_t rsdp, struct hal_acpi_root *out);

// The `n`-th table (from 0) of that signature. False if there are fewer sound ones.
bool hal_acpi_find(const struct hal_firmware *firmware, const struct hal_acpi_root *root,
                   const char *signature, uint32_t n, struct cspan *out);

// The table at `pa`, whole, if it has that signature, a length that can be, and a checksum
// that is right.
bool hal_acpi_table(const struct hal_firmware *firmware, uint64_t pa, const char *signature,
                    struct cspan *out);

#endif
