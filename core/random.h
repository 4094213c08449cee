// SPDX-License-Identifier: MIT
// random.h - the machine's one source of unpredictable bytes: every consumer draws from here.
//
//     RDSEED, RDRAND or timer jitter (hal/entropy.h) ──┐
//     core_random_add: a device, an earlier boot ──────┴► ChaCha20 (core/rng.h) ─► core_random
//
// The first call seeds the generator; whoever needs no chance pays nothing. Each mebibyte given
// brings a new seed, so that who once saw the state does not know it for ever. The log speaks of
// a seed that is worth less than the generator's key, 256 bits. A machine without any entropy is
// not refused, but it is told: core_random_bits is 0, and the log says that its numbers can be
// predicted.
#ifndef CORE_RANDOM_H
#define CORE_RANDOM_H

#include "exo/types.h"

// Fills out[0..len), on any CPU.
void core_random(void *out, size_t len);

// What the seed is worth, in bits; 0 = predictable.
uint32_t core_random_bits(void);

// Mixes bytes of the caller's in, which it believes to be worth so many bits. Bytes that an
// attacker knows, or chose, do no harm. `source` is for the log.
void core_random_add(const char *source, const void *bytes, size_t len, uint32_t bits);

#endif
