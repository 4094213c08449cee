// SPDX-License-Identifier: MIT
// chacha20.c - RFC 8439 §2.1 to §2.3. Constant time: no branch or index depends on the key.
#include "hal/chacha20.h"

#include <string.h>

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

// The four columns, `turn` 0, or the four diagonals, 1: row r is taken r * turn further right.
static void quarter_rounds(uint32_t s[16], unsigned turn)
{
    for (unsigned i = 0; i < 4; i++)
        quarter_round(s, i, 4 + (i + turn) % 4, 8 + (i + 2 * turn) % 4, 12 + (i + 3 * turn) % 4);
}

void chacha20_block(const uint8_t key[CHACHA20_KEY_BYTES], uint32_t counter,
                    const uint8_t nonce[CHACHA20_NONCE_BYTES], uint8_t out[CHACHA20_BLOCK_BYTES])
{
    // "expand 32-byte k", the key, the counter, the nonce.
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(start + 4, key, CHACHA20_KEY_BYTES); // little-endian, as the RFC has it
    start[12] = counter;
    memcpy(start + 13, nonce, CHACHA20_NONCE_BYTES);

    uint32_t s[16];
    memcpy(s, start, sizeof s);
    for (unsigned i = 0; i < 20; i++)
        quarter_rounds(s, i % 2);
    for (unsigned i = 0; i < 16; i++)
        s[i] += start[i];
    memcpy(out, s, sizeof s);
}
