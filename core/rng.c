// SPDX-License-Identifier: MIT
// rng.c - the generator over chacha20.c.
#include "core/rng.h"

#include "exo/bits.h"

#include <string.h>

// The key is used for these blocks only, so that counter and nonce need not be unique.
static void refill(struct rng *rng)
{
    static const uint8_t nonce[CHACHA20_NONCE_BYTES];
    uint8_t blocks[4 * CHACHA20_BLOCK_BYTES];
    for (uint32_t i = 0; i < 4; i++)
        chacha20_block(rng->key, i, nonce, blocks + i * CHACHA20_BLOCK_BYTES);
    memcpy(rng->key, blocks, sizeof rng->key);
    memcpy(rng->ready, blocks + sizeof rng->key, sizeof rng->ready);
    rng->left = sizeof rng->ready;
    explicit_bzero(blocks, sizeof blocks);
}

void rng_init(struct rng *rng, const uint8_t seed[RNG_SEED_BYTES])
{
    memcpy(rng->key, seed, sizeof rng->key);
    refill(rng);
}

void rng_mix(struct rng *rng, const uint8_t seed[RNG_SEED_BYTES])
{
    for (size_t i = 0; i < sizeof rng->key; i++)
        rng->key[i] ^= seed[i];
    refill(rng);
}

void rng_fill(struct rng *rng, void *out, size_t len)
{
    uint8_t *to = out;
    while (len != 0) {
        if (rng->left == 0)
            refill(rng);
        size_t n = EXO_MIN(len, rng->left);
        uint8_t *from = rng->ready + sizeof rng->ready - rng->left;
        memcpy(to, from, n);
        memset(from, 0, n); // given: not ours any more
        rng->left -= n;
        to += n;
        len -= n;
    }
}
