// SPDX-License-Identifier: MIT
// acpi_places.h - where ACPI says that things are: the event timer, PCI's configuration space.
//
// Pure (firmware.h).
#ifndef HAL_ACPI_PLACES_H
#define HAL_ACPI_PLACES_H

#include "exo/span.h"
#include "hal/firmware.h"

// PCI configuration space seen as memory: 1 MiB a bus, 4 KiB a function.
// (PCI Firmware Specification 3.3 §4.1.2; PCIe 5.0 §7.2.2.)
struct hal_ecam {
    uint64_t base; // of bus 0, whether or not that one is in the range
    uint16_t segment;
    uint8_t first_bus;
    uint8_t last_bus;
};

// Can it be where it says? Its base is that of a megabyte, and its last bus does not wrap around.
bool hal_ecam_is_sane(const struct hal_ecam *ecam);

// The registers of the high precision event timer in a table "HPET", or 0.
// (IA-PC HPET Specification 1.0a §3.2.4.)
uint64_t hal_acpi_hpet(const struct hal_firmware *firmware, struct cspan table);

// The ranges of buses in a table "MCFG", at most `max`. Returns how many make sense; where
// two overlap it is the first that counts.
uint32_t hal_acpi_mcfg(const struct hal_firmware *firmware, struct cspan table,
                       struct hal_ecam *out, uint32_t max);

#endif
