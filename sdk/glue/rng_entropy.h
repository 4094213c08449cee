// SPDX-License-Identifier: MIT
// rng_entropy.h - the process's random generator, seeded from the hardware.
//
// The first use seeds it and says in the log from what. A machine without any source of
// entropy is not refused, but it is told: entropy_bits() is 0 and the log says that
// whoever knows the machine can predict its random numbers.
#ifndef SDK_GLUE_RNG_ENTROPY_H
#define SDK_GLUE_RNG_ENTROPY_H

#include "sdk/glue/rng.h"

#include <stdint.h>

struct rng *entropy_rng(void);

// What the seed is worth, in bits; 0 = predictable.
uint32_t entropy_bits(void);

// Fills out[0..len); the shape of net_env.random. `ctx` is not used.
void entropy_fill(void *ctx, void *out, size_t len);

#endif
