// SPDX-License-Identifier: MIT
// acpi_aml.c - finds a name where it is defined, and the constant behind it.
#include "hal/acpi_aml.h"

#include <string.h>

#include "hal/acpi.h"
#include "hal/aml.h"

#define SLEEP_TYPE_MAX 7u // the field has three bits

// Name (X, …), or Name (\X, …): is the X at `at` one that is defined there?
static bool is_name(struct cspan table, size_t at)
{
    uint8_t before = table.ptr[at - 1];
    return before == AML_NAME || (before == AML_ROOT && table.ptr[at - 2] == AML_NAME);
}

// Method (X) {…}, whose length stands between.
static bool is_method(struct cspan table, size_t at)
{
    for (size_t bytes = 1; bytes <= 4; bytes++) {
        const uint8_t *length = table.ptr + at - bytes;
        if (length[-1] == AML_METHOD && hal_aml_length_bytes(length[0]) == bytes)
            return true;
    }
    return false;
}

// The next X at or behind `*at`, which becomes its place. Most steps are of four bytes: what
// cannot be a name's last letter, nor one of the others, is behind no name that begins within.
// A table's header is long enough for looking back from there.
static bool find(struct cspan table, const char *name, size_t *at)
{
    while (*at + AML_SEGMENT_BYTES <= table.len) {
        const uint8_t *here = table.ptr + *at;
        char last = (char)here[3];
        if (last == name[3] && memcmp(here, name, AML_SEGMENT_BYTES) == 0)
            return true;
        *at += last == name[2] ? 1 : last == name[1] ? 2 : last == name[0] ? 3 : 4;
    }
    return false;
}

// Package (n) {SLP_TYPa, SLP_TYPb, …}
static bool parse_s5(struct cspan table, size_t at, struct hal_acpi_s5 *out)
{
    if (hal_aml_byte(table, at++) != AML_PACKAGE)
        return false;
    at += hal_aml_length_bytes(hal_aml_byte(table, at));
    uint8_t count = hal_aml_byte(table, at++);
    uint64_t type_a, type_b = 0;
    if (count == 0 || !hal_aml_integer(table, &at, &type_a) ||
        (count > 1 && !hal_aml_integer(table, &at, &type_b)))
        return false;
    if (type_a > SLEEP_TYPE_MAX || type_b > SLEEP_TYPE_MAX)
        return false;
    *out = (struct hal_acpi_s5){(uint8_t)type_a, (uint8_t)type_b};
    return true;
}

bool hal_acpi_s5(struct cspan table, struct hal_acpi_s5 *out)
{
    for (size_t at = HAL_ACPI_HEADER_BYTES + 1; find(table, "_S5_", &at); at++) {
        if (is_name(table, at) && parse_s5(table, at + AML_SEGMENT_BYTES, out))
            return true;
    }
    return false;
}

// The constant itself, or behind a method's flags its first and only statement. The length of
// a short method looks like the beginning of a name, so that methods come first.
static bool parse_constant(struct cspan table, size_t at, uint64_t *out)
{
    size_t behind = at + AML_SEGMENT_BYTES;
    if (!is_method(table, at))
        return is_name(table, at) && hal_aml_integer(table, &behind, out);
    behind += 2;
    return hal_aml_byte(table, behind - 1) == AML_RETURN && hal_aml_integer(table, &behind, out);
}

bool hal_acpi_cba(struct cspan table, uint64_t *base)
{
    for (size_t at = HAL_ACPI_HEADER_BYTES + 1; find(table, "_CBA", &at); at++) {
        if (parse_constant(table, at, base))
            return true;
    }
    return false;
}

void hal_acpi_bbn(struct cspan table, struct hal_acpi_buses *out)
{
    for (size_t at = HAL_ACPI_HEADER_BYTES + 1; find(table, "_BBN", &at); at++) {
        uint64_t bus;
        if (parse_constant(table, at, &bus) && bus <= UINT8_MAX)
            out->bits[bus / 64] |= UINT64_C(1) << bus % 64;
    }
}
