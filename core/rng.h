// SPDX-License-Identifier: MIT
// rng.h - unpredictable bytes: a ChaCha20 generator that forgets what it has given.
//
// "Fast key erasure" (D. J. Bernstein, 2017): each refill makes up to 256 bytes with the key,
// takes the first 32 as the next key and gives out the rest, wiping what it gives. Who
// reads the state later learns nothing about earlier bytes.
//
// A generator is as good as its seed; core/random.h makes one from the hardware. Pure.
#ifndef CORE_RNG_H
#define CORE_RNG_H

#include "hal/chacha20.h"

#include <stddef.h>

#define RNG_BLOCKS     4u
#define RNG_SEED_BYTES CHACHA20_KEY_BYTES // that a seed should be worth

struct rng { // zeroed memory is one whose seed is zero: mix before the first fill
    uint8_t key[CHACHA20_KEY_BYTES]; // for the next refill
    uint8_t blocks[RNG_BLOCKS][CHACHA20_BLOCK_BYTES];
    size_t left; // bytes at the end of `blocks` not given yet; the rest never will be
};

// Mixes entropy in, any amount of it. It can only help: each piece of a key's size is keyed with
// all that came before, so weak bytes cannot cancel good ones.
void rng_mix(struct rng *rng, const void *material, size_t len);

// Fills out[0..len).
void rng_fill(struct rng *rng, void *out, size_t len);

#endif
