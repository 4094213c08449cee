// SPDX-License-Identifier: MIT
// acpi_aml.c - finds a name where it is defined, and the constant behind it.
#include "hal/acpi_aml.h"

#include <string.h>

#include "hal/acpi.h"

enum { // ACPI 6.5 §20.2
    ZERO_OP = 0x00,
    ONE_OP = 0x01,
    NAME_OP = 0x08,
    BYTE_PREFIX = 0x0a,
    WORD_PREFIX = 0x0b,
    DWORD_PREFIX = 0x0c,
    QWORD_PREFIX = 0x0e,
    PACKAGE_OP = 0x12,
    METHOD_OP = 0x14,
    ROOT_CHAR = 0x5c,
    RETURN_OP = 0xa4,
};

#define NAME_BYTES     4u
#define SLEEP_TYPE_MAX 7u // the field has three bits

static uint8_t byte_at(struct cspan table, size_t at)
{
    return at < table.len ? table.ptr[at] : 0;
}

// Lengths take 1 … 4 bytes, the number of which is in the two uppermost bits of the first.
static size_t length_bytes(uint8_t first)
{
    return 1 + (size_t)(first >> 6);
}

// A constant at `*at`, which moves behind it. False if it is no such thing.
static bool take_integer(struct cspan table, size_t *at, uint64_t *out)
{
    uint8_t op = byte_at(table, (*at)++);
    size_t bytes = op == BYTE_PREFIX    ? 1
                   : op == WORD_PREFIX  ? 2
                   : op == DWORD_PREFIX ? 4
                   : op == QWORD_PREFIX ? 8
                                        : 0;
    if ((bytes == 0 && op > ONE_OP) || *at + bytes > table.len)
        return false;
    *out = bytes ? 0 : op;
    for (size_t i = 0; i < bytes; i++)
        *out |= (uint64_t)table.ptr[*at + i] << 8 * i;
    *at += bytes;
    return true;
}

// Name (X, …), or Name (\X, …): is the X at `at` one that is defined there?
static bool is_name(struct cspan table, size_t at)
{
    uint8_t before = table.ptr[at - 1];
    return before == NAME_OP || (before == ROOT_CHAR && table.ptr[at - 2] == NAME_OP);
}

// Method (X) {…}, whose length stands between.
static bool is_method(struct cspan table, size_t at)
{
    for (size_t bytes = 1; bytes <= 4; bytes++) {
        const uint8_t *length = table.ptr + at - bytes;
        if (length[-1] == METHOD_OP && length_bytes(length[0]) == bytes)
            return true;
    }
    return false;
}

// The next X at or behind `*at`, which becomes its place. Most steps are of four bytes: what
// cannot be a name's last letter, nor one of the others, is behind no name that begins within.
// A table's header is long enough for looking back from there.
static bool find(struct cspan table, const char *name, size_t *at)
{
    while (*at + NAME_BYTES <= table.len) {
        const uint8_t *here = table.ptr + *at;
        char last = (char)here[3];
        if (last == name[3] && memcmp(here, name, NAME_BYTES) == 0)
            return true;
        *at += last == name[2] ? 1 : last == name[1] ? 2 : last == name[0] ? 3 : 4;
    }
    return false;
}

// Package (n) {SLP_TYPa, SLP_TYPb, …}
static bool parse_s5(struct cspan table, size_t at, struct hal_acpi_s5 *out)
{
    if (byte_at(table, at++) != PACKAGE_OP)
        return false;
    at += length_bytes(byte_at(table, at));
    uint8_t count = byte_at(table, at++);
    uint64_t type_a, type_b = 0;
    if (count == 0 || !take_integer(table, &at, &type_a) ||
        (count > 1 && !take_integer(table, &at, &type_b)))
        return false;
    if (type_a > SLEEP_TYPE_MAX || type_b > SLEEP_TYPE_MAX)
        return false;
    *out = (struct hal_acpi_s5){(uint8_t)type_a, (uint8_t)type_b};
    return true;
}

bool hal_acpi_s5(struct cspan table, struct hal_acpi_s5 *out)
{
    for (size_t at = HAL_ACPI_HEADER_BYTES + 1; find(table, "_S5_", &at); at++) {
        if (is_name(table, at) && parse_s5(table, at + NAME_BYTES, out))
            return true;
    }
    return false;
}

// The constant itself, or behind a method's flags its first and only statement. The length of
// a short method looks like the beginning of a name, so that methods come first.
static bool parse_constant(struct cspan table, size_t at, uint64_t *out)
{
    size_t behind = at + NAME_BYTES;
    if (!is_method(table, at))
        return is_name(table, at) && take_integer(table, &behind, out);
    behind += 2;
    return byte_at(table, behind - 1) == RETURN_OP && take_integer(table, &behind, out);
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
