// SPDX-License-Identifier: MIT
// acpi_fadt.c - the fields of the FADT that we use; older tables end before some of them.
#include "hal/acpi_fadt.h"

#include "hal/le.h"

enum { // offsets in the table
    DSDT = 40,
    SMI_COMMAND = 48,
    ACPI_ENABLE = 52,
    CONTROL_A = 64,
    CONTROL_B = 68,
    PM_TIMER = 76,
    FLAGS = 112,
    RESET = 116,
    RESET_VALUE = 128,
    X_DSDT = 140,
    X_CONTROL_A = 172,
    X_CONTROL_B = 184,
    X_PM_TIMER = 208,
    SLEEP_CONTROL = 244,
};

#define FLAG_TIMER_32BIT (1u << 8)
#define FLAG_RESET       (1u << 10)
#define FLAG_REDUCED     (1u << 20) // none of the fixed hardware is there

#define PORT_MAX UINT64_C(0xffff)

static uint8_t field8(struct cspan table, size_t at)
{
    return at + 1 <= table.len ? table.ptr[at] : 0;
}

static uint32_t field32(struct cspan table, size_t at)
{
    return at + 4 <= table.len ? hal_le32(table.ptr + at) : 0;
}

static uint64_t field64(struct cspan table, size_t at)
{
    return at + 8 <= table.len ? hal_le64(table.ptr + at) : 0;
}

static struct hal_acpi_register checked(const struct hal_firmware *firmware, uint8_t space,
                                        uint64_t at, size_t field)
{
    struct hal_acpi_register none = {HAL_ACPI_MEMORY, 0};
    if (at == 0)
        return none;
    if (space > HAL_ACPI_PCI || (space == HAL_ACPI_PORT && at > PORT_MAX)) {
        firmware->lie(firmware->ctx, "a register of the FADT cannot be", field);
        return none;
    }
    return (struct hal_acpi_register){(enum hal_acpi_space)space, at};
}

// A generic address; its width and offset in bits are those of the register that it is for.
static struct hal_acpi_register generic(const struct hal_firmware *firmware, struct cspan table,
                                        size_t at)
{
    return checked(firmware, field8(table, at), field64(table, at + 4), at);
}

// The extended field wins where it says anything.
static struct hal_acpi_register port(const struct hal_firmware *firmware, struct cspan table,
                                     size_t extended, size_t at)
{
    struct hal_acpi_register reg = generic(firmware, table, extended);
    return reg.at ? reg : checked(firmware, HAL_ACPI_PORT, field32(table, at), at);
}

void hal_acpi_fadt(const struct hal_firmware *firmware, struct cspan table,
                   struct hal_acpi_fadt *out)
{
    uint32_t flags = field32(table, FLAGS);
    *out = (struct hal_acpi_fadt){.dsdt = field64(table, X_DSDT)};
    if (out->dsdt == 0)
        out->dsdt = field32(table, DSDT);
    if (flags & FLAG_RESET) {
        out->reset = generic(firmware, table, RESET);
        out->reset_value = field8(table, RESET_VALUE);
    }
    if (flags & FLAG_REDUCED) {
        out->sleep = generic(firmware, table, SLEEP_CONTROL);
        return;
    }
    out->pm_timer = port(firmware, table, X_PM_TIMER, PM_TIMER);
    out->pm_timer_bits = flags & FLAG_TIMER_32BIT ? 32 : 24;
    out->control_a = port(firmware, table, X_CONTROL_A, CONTROL_A);
    out->control_b = port(firmware, table, X_CONTROL_B, CONTROL_B);
    out->enable_value = field8(table, ACPI_ENABLE);
    if (out->enable_value != 0 && field32(table, SMI_COMMAND) <= PORT_MAX)
        out->enable_port = (uint16_t)field32(table, SMI_COMMAND);
}
