// SPDX-License-Identifier: MIT
// endian.h - numbers as they stand on a wire or on a disk: byte structs, alignment 1.
//
// A wire field is one of these, so it cannot be mixed up with a number, needs no
// packing, and compiles to one load and a bswap.
#ifndef EXO_ENDIAN_H
#define EXO_ENDIAN_H

#include <stdint.h>

struct be16 {
    uint8_t b[2];
};

struct be32 {
    uint8_t b[4];
};

static inline uint16_t be16_get(struct be16 x)
{
    return (uint16_t)(x.b[0] << 8 | x.b[1]);
}

static inline uint32_t be32_get(struct be32 x)
{
    return (uint32_t)x.b[0] << 24 | (uint32_t)x.b[1] << 16 | (uint32_t)x.b[2] << 8 | x.b[3];
}

static inline struct be16 be16_of(uint16_t v)
{
    return (struct be16){{(uint8_t)(v >> 8), (uint8_t)v}};
}

static inline struct be32 be32_of(uint32_t v)
{
    return (struct be32){{(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}};
}

#endif
