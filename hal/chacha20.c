// SPDX-License-Identifier: MIT
// chacha20.c - RFC 8439 §2.1 to §2.3. Constant time: no branch or index depends on the key.
#include "hal/chacha20.h"

#include <string.h>

static uint32_t rotl(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static void quarter_round(uint32_t s[16], const uint8_t words[4])
{
    unsigned a = words[0], b = words[1], c = words[2], d = words[3];
    s[a] += s[b];
    s[d] = rotl(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotl(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotl(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotl(s[b] ^ s[c], 7);
}

// The four columns, then the four diagonals.
static const uint8_t quarters[8][4] = {
    {0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14}, {3, 7, 11, 15},
    {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13},  {3, 4, 9, 14},
};

__attribute__((noinline)) // into a loop over blocks: its prologue would be most of it
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
    for (unsigned i = 0; i < 80; i++)
        quarter_round(s, quarters[i % 8]);
    for (unsigned i = 0; i < 16; i++)
        s[i] += start[i];
    memcpy(out, s, sizeof s);
}
