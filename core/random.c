// SPDX-License-Identifier: MIT
// random.c - seeds the machine's generator, and shares it among CPUs.
#include "core/random.h"

#include <string.h>

#include "core/log.h"
#include "core/state.h"
#include "exo/bits.h"
#include "hal/cpu.h"
#include "hal/entropy.h"

#define RESEED_BYTES (UINT64_C(1) << 20)
#define PIECE_BYTES  256u // of a long request, under the lock at a time

static struct hal_entropy absorb_hardware(struct rng *rng, size_t bytes)
{
    uint8_t raw[HAL_ENTROPY_MAX];
    struct hal_entropy got = hal_entropy(raw, bytes);
    rng_mix(rng, raw, bytes);
    explicit_bzero(raw, bytes);
    return got;
}

// The first time, all that the hardware gives in one go. The counter is worth nothing by
// itself, and harmless; so is the loader's chance, but where a UEFI firmware has a generator
// and the CPU none, it is the best there is.
static struct hal_entropy seed(struct core_random *random)
{
    uint64_t chance[] = {hal_tsc(), core_state.handoff.seed};
    rng_mix(&random->rng, chance, sizeof(chance));
    struct hal_entropy got = absorb_hardware(&random->rng, HAL_ENTROPY_MAX);
    random->bits = got.bits;
    random->is_seeded = true;
    return got;
}

static void say_if_weak(const struct hal_entropy *got)
{
    if (got->bits == 0)
        core_log("random: NO ENTROPY: this machine's random numbers are predictable");
    else if (got->bits < 8 * RNG_SEED_BYTES)
        core_log("random: seeded with %u bits from %s", (unsigned)got->bits, got->source);
}

// Takes the lock of a generator that is seeded. Who seeds it says so without the lock, which is
// not to be held while the console is written to.
static struct core_random *take(void)
{
    struct core_random *random = &core_state.random;
    exo_lock_take(&random->lock);
    if (!random->is_seeded) {
        struct hal_entropy got = seed(random);
        exo_lock_give(&random->lock);
        say_if_weak(&got);
        exo_lock_take(&random->lock);
    }
    return random;
}

static void give(struct core_random *random)
{
    exo_lock_give(&random->lock);
}

static void fill_piece(uint8_t *out, size_t len)
{
    struct core_random *random = take();
    if (random->given >= RESEED_BYTES) {
        absorb_hardware(&random->rng, RNG_SEED_BYTES);
        random->given = 0;
    }
    rng_fill(&random->rng, out, len);
    random->given += len;
    give(random);
}

void core_random(void *out, size_t len)
{
    for (size_t at = 0; at < len; at += PIECE_BYTES)
        fill_piece((uint8_t *)out + at, EXO_MIN(len - at, PIECE_BYTES));
}

uint32_t core_random_bits(void)
{
    struct core_random *random = take();
    uint32_t bits = random->bits;
    give(random);
    return bits;
}

void core_random_add(const char *source, const void *bytes, size_t len, uint32_t bits)
{
    struct core_random *random = take();
    rng_mix(&random->rng, bytes, len);
    if (__builtin_add_overflow(random->bits, bits, &random->bits))
        random->bits = UINT32_MAX;
    give(random);
    core_log("random: %u bits more from %s", (unsigned)bits, source);
}
