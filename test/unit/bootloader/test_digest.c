// SPDX-License-Identifier: MIT
// test_digest.c - bootloader/sha256.inc and crc32.inc against published values, and the two
// ways of SHA-256 against one another at every length.
#include "parts.h"
#include "test/support/check_main.h"

#include <stdio.h>
#include <string.h>

#define LENGTHS 300

static void check_sha256(const char *text, size_t len, const char *want)
{
    for (int fast = 0; fast < 2; fast++) {
        uint8_t digest[32];
        char hex[65];
        parts_sha256(text, len, digest, fast);
        for (int i = 0; i < 32; i++)
            snprintf(hex + 2 * i, 3, "%02x", digest[i]);
        ck_assert_str_eq(hex, want);
    }
}

// FIPS 180-4's examples (CSRC, "Examples with intermediate values").
START_TEST(sha256_of_the_published_examples)
{
    check_sha256("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_sha256("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
END_TEST

START_TEST(sha256_of_a_million_letters)
{
    static char letters[1000000];
    memset(letters, 'a', sizeof letters);
    check_sha256(letters, sizeof letters,
                 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

START_TEST(sha256_goes_both_ways_alike)
{
    uint8_t bytes[LENGTHS], plain[32], fast[32];
    uint64_t seed = 1;
    for (size_t i = 0; i < LENGTHS; i++)
        bytes[i] = (uint8_t)parts_random(&seed);
    for (size_t len = 0; len < LENGTHS; len++) {
        ck_assert_int_eq(parts_sha256(bytes, len, plain, 0), 0);
        parts_sha256(bytes, len, fast, 1);
        ck_assert_mem_eq(plain, fast, 32);
    }
}
END_TEST

START_TEST(crc32_of_the_check_string)
{
    ck_assert_uint_eq(parts_crc32("123456789", 9), 0xcbf43926);
    ck_assert_uint_eq(parts_crc32("", 0), 0);
}
END_TEST

CHECK_MAIN("bootloader.digest", sha256_of_the_published_examples, sha256_of_a_million_letters,
           sha256_goes_both_ways_alike, crc32_of_the_check_string)
