// SPDX-License-Identifier: MIT
// mp_table.h - Intel's MultiProcessor table: what there was before ACPI, and what a small
// firmware without ACPI still builds.
//
// Pure (firmware.h). (Intel MultiProcessor Specification 1.4, §4.)
#ifndef HAL_MP_TABLE_H
#define HAL_MP_TABLE_H

#include "hal/apics.h"
#include "hal/firmware.h"

// Looks for the floating pointer where a BIOS leaves it (hal_firmware_search). Returns its
// address or 0.
uint64_t hal_mp_search(const struct hal_firmware *firmware);

// Reads the table behind it. I/O APICs have no wire numbers here: the first begins at 0, the
// others follow (HAL_GSI_UNTOLD). False if there is no sound table, or no CPU in it.
bool hal_mp_table(const struct hal_firmware *firmware, uint64_t pointer, struct hal_apics *out);

#endif
