// SPDX-License-Identifier: MIT
// acpi_device.h - devices that ACPI's machine code describes in so many words: registers in
// memory and a wire.
//
//     Device (VR00) {                          in the DSDT or an SSDT, at any depth
//         Name (_HID, "LNRO0005")              what it is
//         Name (_CRS, ResourceTemplate () {    what it has: the first of each counts
//             Memory32Fixed (ReadWrite, 0xFEB00000, 0x200)
//             Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive) {24}
//         })
//     }
//
// Nothing is run: what a method returns stays unknown, and what stands behind a statement that
// is neither a name nor a block is not read. Pure. (ACPI 6.5 §6.1.5, §6.2.2, §6.4.)
#ifndef HAL_ACPI_DEVICE_H
#define HAL_ACPI_DEVICE_H

#include <stdbool.h>

#include "exo/span.h"
#include "hal/apics.h"

struct hal_acpi_device {
    uint64_t at; // its registers
    uint64_t bytes;
    struct hal_wire wire;
};

// The `*nth`-th device (from 0) of a table with that hardware identifier, both of those, and no
// word (_STA) that it is absent. False if there are fewer; then `*nth` is less by their number.
bool hal_acpi_device(struct cspan table, const char *hid, uint32_t *nth,
                     struct hal_acpi_device *out);

#endif
