// SPDX-License-Identifier: MIT
// span.h - bytes with their length, so that neither travels without the other.
#ifndef EXO_SPAN_H
#define EXO_SPAN_H

#include <stddef.h>
#include <stdint.h>

struct span { // writable bytes
    uint8_t *ptr;
    size_t len;
};

struct cspan { // bytes to read
    const uint8_t *ptr;
    size_t len;
};

#endif
