// SPDX-License-Identifier: MIT
// rng_entropy.c - seeds the process's generator once, and says from what.
#include "sdk/glue/rng_entropy.h"

#include "core/clock.h"
#include "core/log.h"
#include "hal/entropy.h"

#include <stdbool.h>
#include <string.h>

static struct {
    struct rng rng;
    uint32_t bits;
    bool ready;
} process;

// Absorbs any amount of raw material: each mix is keyed with all that came before, so
// weak bytes cannot cancel good ones.
static void absorb(struct rng *rng, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += RNG_SEED_BYTES) {
        uint8_t seed[RNG_SEED_BYTES] = {0};
        memcpy(seed, bytes + at, len - at < sizeof seed ? len - at : sizeof seed);
        rng_mix(rng, seed);
    }
}

static void seed(void)
{
    static const uint8_t zero[RNG_SEED_BYTES];
    uint8_t raw[HAL_ENTROPY_MAX];
    struct hal_entropy got = hal_entropy(raw, sizeof raw);
    exo_ns now = core_clock_now(); // worth nothing by itself, and harmless
    rng_init(&process.rng, zero);
    absorb(&process.rng, (const uint8_t *)&now, sizeof now);
    absorb(&process.rng, raw, sizeof raw);
    explicit_bzero(raw, sizeof raw);
    process.bits = got.bits;
    process.ready = true;
    if (got.bits != 0)
        core_log("random: seeded with %u bits from %s", (unsigned)got.bits, got.source);
    else
        core_log("random: NO ENTROPY: this machine's random numbers are predictable");
}

struct rng *entropy_rng(void)
{
    if (!process.ready)
        seed();
    return &process.rng;
}

uint32_t entropy_bits(void)
{
    entropy_rng();
    return process.bits;
}

void entropy_fill(void *ctx, void *out, size_t len)
{
    (void)ctx;
    rng_fill(entropy_rng(), out, len);
}
