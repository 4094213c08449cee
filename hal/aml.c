// SPDX-License-Identifier: MIT
// aml.c - what is written out in machine code: numbers, names, and how long things are.
#include "hal/aml.h"

#include <string.h>

bool hal_aml_integer(struct cspan code, size_t *at, uint64_t *out)
{
    uint8_t op = hal_aml_byte(code, (*at)++);
    size_t bytes = op == AML_BYTE    ? 1
                   : op == AML_WORD  ? 2
                   : op == AML_DWORD ? 4
                   : op == AML_QWORD ? 8
                                     : 0;
    if ((bytes == 0 && op > AML_ONE) || *at + bytes > code.len)
        return false;
    *out = bytes ? 0 : op;
    for (size_t i = 0; i < bytes; i++)
        *out |= (uint64_t)code.ptr[*at + i] << 8 * i;
    *at += bytes;
    return true;
}

// `len` bytes; a sum that wraps around is found out by what it is subtracted from.
static bool take(struct cspan code, size_t *at, size_t len, struct cspan *out)
{
    if (*at > code.len || len > code.len - *at)
        return false;
    *out = (struct cspan){code.ptr + *at, len};
    *at += len;
    return true;
}

// The length counts itself. Of one byte it has six bits; of more, the first has four of them.
bool hal_aml_package(struct cspan code, size_t *at, struct cspan *inside)
{
    uint8_t first = hal_aml_byte(code, *at);
    size_t own = hal_aml_length_bytes(first);
    size_t length = own == 1 ? first & 0x3f : first & 0x0f;
    for (size_t i = 1; i < own; i++)
        length |= (size_t)hal_aml_byte(code, *at + i) << (8 * i - 4);
    *at += own;
    return length >= own && take(code, at, length - own, inside);
}

bool hal_aml_name(struct cspan code, size_t *at, struct cspan *out)
{
    size_t first = *at;
    while (hal_aml_byte(code, *at) == AML_ROOT || hal_aml_byte(code, *at) == AML_PARENT)
        ++*at;
    uint8_t lead = hal_aml_byte(code, *at);
    size_t bytes = lead == AML_NULL_NAME    ? 1
                   : lead == AML_DUAL_NAME  ? 1 + 2 * AML_SEGMENT_BYTES
                   : lead == AML_MULTI_NAME ? 2 + hal_aml_byte(code, *at + 1) * AML_SEGMENT_BYTES
                                            : AML_SEGMENT_BYTES;
    bytes += *at - first;
    *at = first;
    return take(code, at, bytes, out);
}

bool hal_aml_object(struct cspan code, size_t *at, struct cspan *out)
{
    size_t first = *at;
    struct cspan inside;
    const uint8_t *end;
    uint64_t number;
    switch (hal_aml_byte(code, *at)) {
    case AML_STRING:
        end = memchr(code.ptr + first, '\0', code.len - first);
        *at = end ? (size_t)(end - code.ptr) + 1 : code.len + 1;
        break;
    case AML_BUFFER:
    case AML_PACKAGE:
    case AML_VAR_PACKAGE:
        ++*at;
        if (!hal_aml_package(code, at, &inside))
            return false;
        break;
    case AML_ONES:
        ++*at;
        break;
    default:
        if (!hal_aml_integer(code, at, &number))
            return false;
    }
    size_t bytes = *at - first;
    *at = first;
    return take(code, at, bytes, out);
}

bool hal_aml_block(struct cspan code, size_t *at)
{
    struct cspan inside;
    uint8_t op = hal_aml_byte(code, (*at)++);
    if (op == AML_EXTENDED) {
        op = hal_aml_byte(code, (*at)++);
        return op >= AML_FIELD && op <= AML_BANK_FIELD && hal_aml_package(code, at, &inside);
    }
    bool has_length = op == AML_SCOPE || op == AML_METHOD || (op >= AML_IF && op <= AML_WHILE);
    return has_length && hal_aml_package(code, at, &inside);
}
