// SPDX-License-Identifier: MIT
// acpi_fadt.c - the fields of the FADT that we use; older tables end before some of them.
#include "hal/acpi_fadt.h"

#include <string.h>

#include "hal/acpi.h"
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

// AML (ACPI 6.5 §20.2).
enum {
    ZERO_OP = 0x00,
    ONE_OP = 0x01,
    NAME_OP = 0x08,
    BYTE_PREFIX = 0x0a,
    WORD_PREFIX = 0x0b,
    DWORD_PREFIX = 0x0c,
    PACKAGE_OP = 0x12,
    ROOT_CHAR = 0x5c,
};
#define SLEEP_TYPE_MAX 7u // the field has three bits

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

// An integer of a package at `*at`, which moves behind it. False if it is no such thing.
static bool take_integer(struct cspan table, size_t *at, uint32_t *out)
{
    uint8_t op = field8(table, (*at)++);
    size_t bytes = op == BYTE_PREFIX ? 1 : op == WORD_PREFIX ? 2 : op == DWORD_PREFIX ? 4 : 0;
    if (bytes == 0 && op > ONE_OP)
        return false;
    if (*at + bytes > table.len)
        return false;
    *out = bytes ? 0 : op;
    for (size_t i = 0; i < bytes; i++)
        *out |= (uint32_t)table.ptr[*at + i] << 8 * i;
    *at += bytes;
    return true;
}

// Package (n) {SLP_TYPa, SLP_TYPb, …}: its length takes 1 … 4 bytes, the number of which is
// in the two uppermost bits of the first.
static bool parse_package(struct cspan table, size_t at, struct hal_acpi_s5 *out)
{
    if (field8(table, at) != PACKAGE_OP)
        return false;
    at += 2 + (size_t)(field8(table, at + 1) >> 6);
    uint8_t count = field8(table, at++);
    uint32_t type_a, type_b = 0;
    if (count == 0 || !take_integer(table, &at, &type_a) ||
        (count > 1 && !take_integer(table, &at, &type_b)))
        return false;
    if (type_a > SLEEP_TYPE_MAX || type_b > SLEEP_TYPE_MAX)
        return false;
    *out = (struct hal_acpi_s5){(uint8_t)type_a, (uint8_t)type_b};
    return true;
}

// Name (_S5, …), or Name (\_S5, …).
static bool is_name(struct cspan table, size_t at)
{
    uint8_t before = table.ptr[at - 1];
    return memcmp(table.ptr + at, "_S5_", 4) == 0 &&
           (before == NAME_OP || (before == ROOT_CHAR && table.ptr[at - 2] == NAME_OP));
}

bool hal_acpi_s5(struct cspan table, struct hal_acpi_s5 *out)
{
    for (size_t at = HAL_ACPI_HEADER_BYTES + 1; at + 4 <= table.len; at++) {
        if (is_name(table, at) && parse_package(table, at + 4, out))
            return true;
    }
    return false;
}
