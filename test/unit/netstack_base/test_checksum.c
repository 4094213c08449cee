// SPDX-License-Identifier: MIT
// test_checksum.c - the fast checksum against one that is obviously right.
#include "netstack/base/checksum.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

// RFC 1071 §1, word by word, in network byte order.
static uint16_t naive(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

START_TEST(checksum_of_rfc_1071_example)
{
    // §3: the sum of these is ddf2, the checksum its complement.
    static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    ck_assert_uint_eq(be16_get(checksum_of(bytes, sizeof bytes)), (uint16_t)~0xddf2);
}
END_TEST

START_TEST(checksum_equals_naive_at_every_alignment_and_length)
{
    struct fixture_rng rng = {1};
    uint8_t bytes[8 + 200];
    fixture_random(&rng, bytes, sizeof bytes);
    for (size_t start = 0; start < 8; start++)
        for (size_t len = 0; len <= 200; len++) {
            uint8_t *exact = fixture_exact(bytes + start, len);
            ck_assert_uint_eq(be16_get(checksum_of(exact, len)), naive(exact, len));
            ck_assert_uint_eq(be16_get(checksum_of(bytes + start, len)), naive(exact, len));
            free(exact);
        }
}
END_TEST

START_TEST(checksum_carries_through_all_ones)
{
    uint8_t bytes[2048];
    memset(bytes, 0xff, sizeof bytes);
    for (size_t len = 0; len <= sizeof bytes; len += 7)
        ck_assert_uint_eq(be16_get(checksum_of(bytes, len)), naive(bytes, len));
}
END_TEST

START_TEST(checksum_of_pieces_is_the_checksum_of_the_whole)
{
    struct fixture_rng rng = {2};
    uint8_t bytes[300];
    fixture_random(&rng, bytes, sizeof bytes);
    for (int round = 0; round < 2000; round++) {
        struct checksum sum = {0};
        size_t at = 0;
        while (at < sizeof bytes) {
            size_t n = fixture_draw(&rng) % 41; // odd pieces and empty ones, too
            n = n < sizeof bytes - at ? n : sizeof bytes - at;
            checksum_add(&sum, bytes + at, n);
            at += n;
        }
        ck_assert_uint_eq(be16_get(checksum_finish(sum)), naive(bytes, sizeof bytes));
    }
}
END_TEST

START_TEST(checksum_pseudo_header_is_its_twelve_bytes)
{
    static const uint8_t pseudo[12] = {10, 0, 2, 15, 192, 168, 255, 1, 0, 6, 0xfe, 0xdc};
    const struct checksum sum =
        checksum_pseudo_ip4(ip4_of(10, 0, 2, 15), ip4_of(192, 168, 255, 1), 6, 0xfedc);
    ck_assert_uint_eq(be16_get(checksum_finish(sum)), naive(pseudo, sizeof pseudo));
}
END_TEST

START_TEST(checksum_notices_every_single_bit)
{
    struct fixture_rng rng = {3};
    uint8_t bytes[40];
    fixture_random(&rng, bytes, sizeof bytes);
    memset(bytes + 10, 0, 2);
    const struct be16 field = checksum_of(bytes, sizeof bytes);
    memcpy(bytes + 10, &field, sizeof field);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        struct checksum good = {0};
        struct checksum bad = {0};
        checksum_add(&good, bytes, sizeof bytes);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        checksum_add(&bad, bytes, sizeof bytes);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert(checksum_is_valid(good));
        ck_assert(!checksum_is_valid(bad));
    }
}
END_TEST

START_TEST(checksum_update_equals_a_new_sum)
{
    struct fixture_rng rng = {4};
    uint8_t bytes[20];
    for (int round = 0; round < 5000; round++) {
        fixture_random(&rng, bytes, sizeof bytes);
        const struct be16 before = checksum_of(bytes, sizeof bytes);
        struct be16 from;
        struct be16 to;
        memcpy(&from, bytes + 4, sizeof from);
        fixture_random(&rng, &to, sizeof to);
        memcpy(bytes + 4, &to, sizeof to);
        ck_assert_uint_eq(be16_get(checksum_update(before, from, to)),
                          be16_get(checksum_of(bytes, sizeof bytes)));
    }
    // RFC 1624 §4: where the equation of RFC 1141 gives ffff.
    ck_assert_uint_eq(be16_get(checksum_update(be16_of(0xdd2f), be16_of(0x5555), be16_of(0x3285))),
                      0x0000);
}
END_TEST

CHECK_MAIN("netstack.checksum", checksum_of_rfc_1071_example,
           checksum_equals_naive_at_every_alignment_and_length, checksum_carries_through_all_ones,
           checksum_of_pieces_is_the_checksum_of_the_whole,
           checksum_pseudo_header_is_its_twelve_bytes, checksum_notices_every_single_bit,
           checksum_update_equals_a_new_sum)
