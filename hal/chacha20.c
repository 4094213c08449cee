// SPDX-License-Identifier: MIT
// chacha20.c - RFC 8439 §2.1 to §2.3. Constant time: no branch or index depends on the key.
#include "hal/chacha20.h"

#include <string.h>

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t rotl(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static void quarter_round(uint32_t s[16], unsigned a, unsigned b, unsigned c, unsigned d)
{
    s[a] += s[b];
    s[d] = rotl(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotl(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotl(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotl(s[b] ^ s[c], 7);
}

static void two_rounds(uint32_t s[16])
{
    quarter_round(s, 0, 4, 8, 12); // the columns
    quarter_round(s, 1, 5, 9, 13);
    quarter_round(s, 2, 6, 10, 14);
    quarter_round(s, 3, 7, 11, 15);
    quarter_round(s, 0, 5, 10, 15); // the diagonals
    quarter_round(s, 1, 6, 11, 12);
    quarter_round(s, 2, 7, 8, 13);
    quarter_round(s, 3, 4, 9, 14);
}

void chacha20_block(const uint8_t key[CHACHA20_KEY_BYTES], uint32_t counter,
                    const uint8_t nonce[CHACHA20_NONCE_BYTES], uint8_t out[CHACHA20_BLOCK_BYTES])
{
    // "expand 32-byte k", the key, the counter, the nonce.
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (unsigned i = 0; i < 8; i++)
        start[4 + i] = le32(key + 4 * i);
    start[12] = counter;
    for (unsigned i = 0; i < 3; i++)
        start[13 + i] = le32(nonce + 4 * i);

    uint32_t s[16];
    memcpy(s, start, sizeof s);
    for (int i = 0; i < 10; i++)
        two_rounds(s);
    for (unsigned i = 0; i < 16; i++) {
        uint32_t v = s[i] + start[i];
        for (unsigned k = 0; k < 4; k++)
            out[4 * i + k] = (uint8_t)(v >> 8 * k);
    }
}
