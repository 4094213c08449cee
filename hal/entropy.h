// SPDX-License-Identifier: MIT
// entropy.h - unpredictable bits from the CPU, and how many of them there really are.
//
// This is raw material for seeding a generator, not a generator: whoever needs random
// bytes hashes the seed with what else it has and expands it.
#ifndef HAL_ENTROPY_H
#define HAL_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

struct hal_entropy {
    uint32_t bits;      // what the bytes are worth; 0 = anybody could compute them
    const char *source; // "RDSEED", "RDRAND", "timer jitter" or "nothing": for the log
};

// Fills `len` bytes (a multiple of 8, at most HAL_ENTROPY_MAX) from the best source that works:
// RDSEED, then RDRAND, then the jitter between two timers. Jitter is worth what was observed of it,
// which is nothing on a machine that counts instructions instead of time, and 128 bits at the most.
struct hal_entropy hal_entropy(uint8_t *out, size_t len);

#define HAL_ENTROPY_MAX 256u

#endif
