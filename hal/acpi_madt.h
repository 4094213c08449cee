// SPDX-License-Identifier: MIT
// acpi_madt.h - ACPI's list of CPUs and interrupt controllers, table "APIC".
//
// Pure (firmware.h). (ACPI 6.5 §5.2.12.)
#ifndef HAL_ACPI_MADT_H
#define HAL_ACPI_MADT_H

#include "exo/span.h"
#include "hal/apics.h"
#include "hal/firmware.h"

// Reads a table that hal_acpi_find gave. Entries that make no sense are passed over; one
// whose length cannot be ends the list. False if no CPU is left.
bool hal_acpi_madt(const struct hal_firmware *firmware, struct cspan table, struct hal_apics *out);

#endif
