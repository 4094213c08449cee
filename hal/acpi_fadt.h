// SPDX-License-Identifier: MIT
// acpi_fadt.h - ACPI's fixed hardware: the timer, the ways to switch off and to reset.
//
// Pure (firmware.h). (ACPI 6.5 §5.2.9, §4.8.)
#ifndef HAL_ACPI_FADT_H
#define HAL_ACPI_FADT_H

#include "exo/span.h"
#include "hal/firmware.h"

// A register that a table points to ("generic address structure", ACPI 6.5 §5.2.3.2).
struct hal_acpi_register {
    enum hal_acpi_space {
        HAL_ACPI_MEMORY = 0,
        HAL_ACPI_PORT = 1,
        HAL_ACPI_PCI = 2, // of bus 0: device << 32, function << 16, offset
    } space;
    uint64_t at; // 0 where there is no such register
};

struct hal_acpi_fadt {
    uint64_t dsdt;                      // physical address of the table of machine code
    struct hal_acpi_register pm_timer;  // counts up at 3.579545 MHz
    uint32_t pm_timer_bits;             // 24 or 32
    struct hal_acpi_register control_a; // PM1 control; the second is there if the first is
    struct hal_acpi_register control_b;
    struct hal_acpi_register sleep; // instead of them, where the hardware is reduced
    struct hal_acpi_register reset;
    uint8_t reset_value;
    uint8_t enable_value; // what makes the firmware hand control over, through
    uint16_t enable_port; // this port; 0 if it has nothing to hand over
};

// Reads a table "FACP". Registers that cannot be are not there.
void hal_acpi_fadt(const struct hal_firmware *firmware, struct cspan table,
                   struct hal_acpi_fadt *out);

#endif
