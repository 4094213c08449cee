// SPDX-License-Identifier: MIT
// rng.c - the generator over chacha20.c.
#include "core/rng.h"

#include "exo/bits.h"

#include <string.h>

// The key is used for these blocks only, so that counter and nonce need not be unique. It is
// replaced after the last of them.
static void refill(struct rng *rng)
{
    static const uint8_t nonce[CHACHA20_NONCE_BYTES];
    uint8_t *block = rng->blocks;
    for (uint32_t i = 0; i < RNG_BLOCKS; i++, block += CHACHA20_BLOCK_BYTES)
        chacha20_block(rng->key, i, nonce, block);
    memcpy(rng->key, rng->blocks, sizeof rng->key);
    memset(rng->blocks, 0, sizeof rng->key);
    rng->left = sizeof rng->blocks - sizeof rng->key;
}

void rng_mix(struct rng *rng, const void *material, size_t len)
{
    const uint8_t *bytes = material;
    for (size_t i = 0; i < len; i++) {
        rng->key[i % sizeof rng->key] ^= bytes[i];
        if ((i + 1) % sizeof rng->key == 0 || i + 1 == len)
            refill(rng);
    }
}

void rng_fill(struct rng *rng, void *out, size_t len)
{
    uint8_t *to = out;
    while (len != 0) {
        if (rng->left == 0)
            refill(rng);
        size_t n = EXO_MIN(len, rng->left);
        uint8_t *from = rng->blocks + sizeof rng->blocks - rng->left;
        memcpy(to, from, n);
        memset(from, 0, n); // given: not ours any more
        rng->left -= n;
        to += n;
        len -= n;
    }
}
