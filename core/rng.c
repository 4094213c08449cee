// SPDX-License-Identifier: MIT
// rng.c - the generator over chacha20.c.
#include "core/rng.h"

#include "exo/bits.h"

#include <string.h>

// Makes the last `count` blocks anew. The key is used for these only, so that counter and nonce
// need not be unique, and is replaced after the last of them.
__attribute__((noinline)) static void refill(struct rng *rng, uint32_t count)
{
    static const uint8_t nonce[CHACHA20_NONCE_BYTES];
    uint8_t *first = rng->blocks[RNG_BLOCKS - count];
    for (uint32_t i = RNG_BLOCKS - count; i < RNG_BLOCKS; i++)
        chacha20_block(rng->key, i, nonce, rng->blocks[i]);
    memcpy(rng->key, first, sizeof rng->key);
    memset(first, 0, sizeof rng->key);
    rng->left = count * CHACHA20_BLOCK_BYTES - sizeof rng->key;
}

void rng_mix(struct rng *rng, const void *material, size_t len)
{
    const uint8_t *bytes = material;
    for (size_t i = 0; i < len; i++) {
        rng->key[i % sizeof rng->key] ^= bytes[i];
        if ((i + 1) % sizeof rng->key == 0 || i + 1 == len)
            refill(rng, 1);
    }
}

void rng_fill(struct rng *rng, void *out, size_t len)
{
    uint8_t *to = out;
    while (len != 0) {
        if (rng->left == 0)
            refill(rng, RNG_BLOCKS);
        size_t n = EXO_MIN(len, rng->left);
        uint8_t *from = (uint8_t *)rng->blocks + sizeof rng->blocks - rng->left;
        memcpy(to, from, n);
        memset(from, 0, n); // given: not ours any more
        rng->left -= n;
        to += n;
        len -= n;
    }
}
