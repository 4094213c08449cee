// SPDX-License-Identifier: MIT
// rng.h - unpredictable bytes: a ChaCha20 generator that forgets what it has given.
//
// "Fast key erasure" (D. J. Bernstein, 2017): each refill makes 256 bytes with the key,
// takes the first 32 as the next key and gives out the rest, wiping what it gives. Who
// reads the state later learns nothing about earlier bytes.
//
// A generator is as good as its seed; core/random.h makes one from the hardware. Pure.
#ifndef CORE_RNG_H
#define CORE_RNG_H

#include "hal/chacha20.h"

#include <stddef.h>

#define RNG_SEED_BYTES CHACHA20_KEY_BYTES

struct rng {
    uint8_t key[CHACHA20_KEY_BYTES]; // for the next refill
    uint8_t ready[4 * CHACHA20_BLOCK_BYTES - CHACHA20_KEY_BYTES];
    size_t left; // bytes at the end of `ready` not given yet
};

void rng_init(struct rng *rng, const uint8_t seed[RNG_SEED_BYTES]);

// Mixes more entropy in. It can only help: whatever the seed is, the old key stays in.
void rng_mix(struct rng *rng, const uint8_t seed[RNG_SEED_BYTES]);

// Fills out[0..len).
void rng_fill(struct rng *rng, void *out, size_t len);

#endif
