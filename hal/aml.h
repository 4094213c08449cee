// SPDX-License-Identifier: MIT
// aml.h - the words of ACPI's machine code, for those who read it: acpi_aml.c, acpi_device.c.
//
// Pure. (ACPI 6.5 §20.2.)
#ifndef HAL_AML_H
#define HAL_AML_H

#include <stdbool.h>

#include "exo/span.h"

enum { // opcodes
    AML_ZERO = 0x00,
    AML_ONE = 0x01,
    AML_NAME = 0x08,
    AML_BYTE = 0x0a,
    AML_WORD = 0x0b,
    AML_DWORD = 0x0c,
    AML_STRING = 0x0d,
    AML_QWORD = 0x0e,
    AML_SCOPE = 0x10,
    AML_BUFFER = 0x11,
    AML_PACKAGE = 0x12,
    AML_VAR_PACKAGE = 0x13,
    AML_METHOD = 0x14,
    AML_EXTENDED = 0x5b, // the next byte says what
    AML_IF = 0xa0,
    AML_ELSE = 0xa1,
    AML_WHILE = 0xa2,
    AML_RETURN = 0xa4,
    AML_ONES = 0xff,
};

enum { // behind AML_EXTENDED
    AML_FIELD = 0x81,
    AML_DEVICE = 0x82,
    AML_BANK_FIELD = 0x87, // all in between begin with their length, too
};

enum { // in front of a name, and between its segments
    AML_NULL_NAME = 0x00,
    AML_DUAL_NAME = 0x2e,
    AML_MULTI_NAME = 0x2f,
    AML_ROOT = 0x5c,
    AML_PARENT = 0x5e,
};

#define AML_SEGMENT_BYTES 4u // of a name

// The byte at `at`; 0 behind the end.
static inline uint8_t hal_aml_byte(struct cspan code, size_t at)
{
    return at < code.len ? code.ptr[at] : 0;
}

// Lengths take 1 … 4 bytes, the number of which is in the two uppermost bits of the first.
static inline size_t hal_aml_length_bytes(uint8_t first)
{
    return 1 + (size_t)(first >> 6);
}

// What follows reads what stands at `*at` and moves it behind. False, and `*at` is anywhere, if it
// is no such thing or not all there.

// A constant, as it is written.
bool hal_aml_integer(struct cspan code, size_t *at, uint64_t *out);

// A length, and `inside` what it spans.
bool hal_aml_package(struct cspan code, size_t *at, struct cspan *inside);

// A name, with all its segments and what stands in front of them.
bool hal_aml_name(struct cspan code, size_t *at, struct cspan *out);

// A number, string, buffer or package that is written out, its opcode included.
bool hal_aml_object(struct cspan code, size_t *at, struct cspan *out);

// Anything that has a length behind its opcode: a scope, a device, a method, …
bool hal_aml_block(struct cspan code, size_t *at);

#endif
