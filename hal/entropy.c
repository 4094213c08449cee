// SPDX-License-Identifier: MIT
// entropy.c - RDSEED, RDRAND, or the jitter of port reads against the time stamp counter.
#include "hal/entropy.h"

#include <stdbool.h>
#include <string.h>

#include "exo/assert.h"
#include "exo/bits.h"
#include "hal/cpu.h"
#include "hal/port.h"

// Intel, "Digital Random Number Generator Software Implementation Guide", §5.2.1 and
// §5.3.1.1: RDRAND fails ten times in a row only if it is broken; RDSEED may run dry.
#define RDRAND_TRIES 10
#define RDSEED_TRIES 200

#define PIT_CHANNEL2 0x42 // any slow device register would do

// Readings folded into one byte: until enough of them surprised, or it is no use.
#define JITTER_SURPRISES 16u
#define JITTER_READINGS  64u
#define JITTER_BITS_MAX  128u

typedef bool word_source(uint64_t *out);

static bool rdrand(uint64_t *out)
{
    for (int i = 0; i < RDRAND_TRIES; i++) {
        bool ok;
        __asm__ volatile("rdrand %0" : "=r"(*out), "=@ccc"(ok));
        if (ok)
            return true;
    }
    return false;
}

static bool rdseed(uint64_t *out)
{
    for (int i = 0; i < RDSEED_TRIES; i++) {
        bool ok;
        __asm__ volatile("rdseed %0" : "=r"(*out), "=@ccc"(ok));
        if (ok)
            return true;
        hal_pause();
    }
    return false;
}

// A generator that says the same thing twice is broken: some CPUs answer all ones after
// they have slept.
static bool fill_words(word_source *source, uint8_t *out, size_t len)
{
    uint64_t last = 0, word;
    if (!source(&last))
        return false;
    for (size_t at = 0; at < len; at += sizeof(word)) {
        if (!source(&word) || word == last)
            return false;
        last = word;
        memcpy(out + at, &word, sizeof(word));
    }
    return true;
}

static uint64_t magnitude(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

// What remains surprising about a reading once a constant, a steady drift and a steady
// change of drift have been taken out.
struct jitter {
    uint64_t tsc, delta, delta2;
};

static uint64_t surprise(struct jitter *jitter, uint64_t tsc)
{
    uint64_t delta = tsc - jitter->tsc;
    uint64_t delta2 = magnitude(delta, jitter->delta);
    uint64_t delta3 = magnitude(delta2, jitter->delta2);
    *jitter = (struct jitter){tsc, delta, delta2};
    uint64_t least = EXO_MIN(delta, delta2);
    return EXO_MIN(least, delta3);
}

// MurmurHash3's finalizer: every bit of the pool depends on every reading.
static uint64_t stir(uint64_t pool, uint64_t reading)
{
    pool ^= reading;
    pool = (pool ^ pool >> 33) * UINT64_C(0xff51afd7ed558ccd);
    pool = (pool ^ pool >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return pool ^ pool >> 33;
}

// Folds readings into `pool` and returns how many of them surprised.
static uint32_t gather(struct jitter *jitter, uint64_t *pool)
{
    uint32_t surprises = 0;
    for (uint32_t i = 0; i < JITTER_READINGS && surprises < JITTER_SURPRISES; i++) {
        uint8_t slow = hal_in8(PIT_CHANNEL2);
        uint64_t tsc = hal_tsc();
        surprises += surprise(jitter, tsc) > 1;
        *pool = stir(*pool, tsc << 8 | slow);
    }
    return surprises;
}

// A reading that surprised is counted as half a bit, whatever its size, and all of them as no
// more than a key's half: who has a better source is to ask it.
static uint32_t fill_jitter(uint8_t *out, size_t len)
{
    struct jitter jitter = {0, 0, 0};
    uint64_t pool = 0;
    for (int i = 0; i < 4; i++) { // the first differences are against nothing
        hal_in8(PIT_CHANNEL2);
        surprise(&jitter, hal_tsc());
    }
    uint32_t surprises = 0;
    for (size_t at = 0; at < len; at++) {
        surprises += gather(&jitter, &pool);
        out[at] = (uint8_t)pool;
    }
    return EXO_MIN(surprises / 2, JITTER_BITS_MAX);
}

struct hal_entropy hal_entropy(uint8_t *out, size_t len)
{
    exo_assert(len > 0 && len <= HAL_ENTROPY_MAX && len % sizeof(uint64_t) == 0);
    bool has_rdseed = hal_cpuid_if_any(7, 0).ebx >> 18 & 1;
    if (has_rdseed && fill_words(rdseed, out, len))
        return (struct hal_entropy){(uint32_t)len * 8, "RDSEED"};
    bool has_rdrand = hal_cpuid(1, 0).ecx >> 30 & 1;
    if (has_rdrand && fill_words(rdrand, out, len))
        return (struct hal_entropy){(uint32_t)len * 8, "RDRAND"};

    uint32_t bits = fill_jitter(out, len);
    return (struct hal_entropy){bits, bits ? "timer jitter" : "nothing"};
}
