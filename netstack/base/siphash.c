// SPDX-License-Identifier: MIT
// siphash.c - SipHash-2-4.
#include "netstack/base/siphash.h"

#include <string.h>

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static inline void take_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

// Words are little-endian by definition, which is also what x86 loads.
static inline uint64_t load_le(const uint8_t *at, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)at[i] << (8 * i);
    return word;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    const uint64_t last = (uint64_t)len << 56; // the length closes the message
    uint64_t v[4] = {
        key->k[0] ^ 0x736f6d6570736575, // "somepseudorandomlygeneratedbytes"
        key->k[1] ^ 0x646f72616e646f6d,
        key->k[0] ^ 0x6c7967656e657261,
        key->k[1] ^ 0x7465646279746573,
    };
    for (; len >= 8; at += 8, len -= 8)
        take_word(v, load_le(at, 8));
    take_word(v, last | load_le(at, len));
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
