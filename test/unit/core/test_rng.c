// SPDX-License-Identifier: MIT
#include "core/rng.h"
#include "exo/bits.h"
#include "test/support/check_main.h"

#include <string.h>

// RFC 8439 §2.3.2.
START_TEST(chacha20_gives_the_rfc_block)
{
    static const uint8_t nonce[12] = {0, 0, 0, 9, 0, 0, 0, 0x4a};
    static const uint8_t expected[64] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
        0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
        0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
        0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
        0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
    uint8_t key[32], out[64];
    for (uint8_t i = 0; i < 32; i++)
        key[i] = i;
    chacha20_block(key, 1, nonce, out);
    ck_assert_mem_eq(out, expected, sizeof out);
}
END_TEST

// RFC 8439 appendix A.1, test vector 1: everything zero.
START_TEST(chacha20_gives_the_rfc_block_of_zeros)
{
    static const uint8_t zero[32];
    static const uint8_t expected[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                         0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
    uint8_t out[64];
    chacha20_block(zero, 0, zero, out);
    ck_assert_mem_eq(out, expected, sizeof expected);
}
END_TEST

static void seeded(struct rng *rng, const uint8_t seed[RNG_SEED_BYTES])
{
    *rng = (struct rng){.left = 0};
    rng_mix(rng, seed, RNG_SEED_BYTES);
}

// Asking in pieces or at once gives the same bytes: nothing is skipped or repeated.
START_TEST(pieces_and_wholes_are_the_same_stream)
{
    static const uint8_t seed[RNG_SEED_BYTES] = {1, 2, 3};
    static const size_t pieces[] = {1, 31, 224, 0, 7, 500, 237};
    struct rng a, b;
    uint8_t whole[1000], parts[1000];
    seeded(&a, seed);
    seeded(&b, seed);
    rng_fill(&a, whole, sizeof whole);
    size_t at = 0;
    for (size_t i = 0; i < EXO_COUNT(pieces); i++) {
        rng_fill(&b, parts + at, pieces[i]);
        at += pieces[i];
    }
    ck_assert_uint_eq(at, sizeof parts);
    ck_assert_mem_eq(whole, parts, sizeof whole);
}
END_TEST

START_TEST(what_was_given_is_no_longer_in_the_state)
{
    static const uint8_t seed[RNG_SEED_BYTES] = {9};
    struct rng rng;
    uint8_t out[300];
    seeded(&rng, seed);
    rng_fill(&rng, out, sizeof out);
    const uint8_t *state = (const uint8_t *)&rng;
    for (size_t i = 0; i + 8 <= sizeof rng; i++)
        for (size_t k = 0; k + 8 <= sizeof out; k++)
            ck_assert(memcmp(state + i, out + k, 8) != 0);
}
END_TEST

START_TEST(mixing_changes_the_stream_and_keeps_the_old_secret)
{
    static const uint8_t seed[RNG_SEED_BYTES] = {5}, other[RNG_SEED_BYTES] = {6};
    static const uint8_t more[RNG_SEED_BYTES] = {7};
    struct rng plain, mixed, stranger;
    uint8_t a[32], b[32], c[32];
    seeded(&plain, seed);
    seeded(&mixed, seed);
    seeded(&stranger, other);
    rng_mix(&mixed, more, sizeof more);
    rng_mix(&stranger, more, sizeof more);
    rng_fill(&plain, a, sizeof a);
    rng_fill(&mixed, b, sizeof b);
    rng_fill(&stranger, c, sizeof c);
    ck_assert_mem_ne(a, b, sizeof a);
    ck_assert_mem_ne(b, c, sizeof b);
}
END_TEST

// Each piece of a key's size is mixed with the key that the one before made: the same piece twice
// is not nothing, and order matters.
START_TEST(pieces_of_a_seed_do_not_cancel)
{
    static const uint8_t seed[RNG_SEED_BYTES] = {5};
    static const uint8_t twice[2 * RNG_SEED_BYTES + 1] = {[0] = 7, [RNG_SEED_BYTES] = 7};
    struct rng plain, mixed, shorter;
    uint8_t a[32], b[32], c[32];
    seeded(&plain, seed);
    seeded(&mixed, seed);
    seeded(&shorter, seed);
    rng_mix(&mixed, twice, sizeof twice);
    rng_mix(&shorter, twice, sizeof twice - 1);
    rng_fill(&plain, a, sizeof a);
    rng_fill(&mixed, b, sizeof b);
    rng_fill(&shorter, c, sizeof c);
    ck_assert_mem_ne(a, b, sizeof a);
    ck_assert_mem_ne(a, c, sizeof a);
    ck_assert_mem_ne(b, c, sizeof b);
}
END_TEST

CHECK_MAIN("core.rng", chacha20_gives_the_rfc_block, chacha20_gives_the_rfc_block_of_zeros,
           pieces_and_wholes_are_the_same_stream, what_was_given_is_no_longer_in_the_state,
           mixing_changes_the_stream_and_keeps_the_old_secret, pieces_of_a_seed_do_not_cancel)
