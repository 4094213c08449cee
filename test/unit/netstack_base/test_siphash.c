// SPDX-License-Identifier: MIT
// test_siphash.c - SipHash-2-4 against its authors' vectors.
#include "exo/bits.h"
#include "netstack/base/siphash.h"
#include "test/support/check_main.h"

START_TEST(siphash_matches_the_reference_vectors)
{
    // Appendix A of the paper has the one of length 15; the reference implementation's
    // table has all 64 of this key (00 01 … 0f) and message (00 01 …). These are its ends.
    static const struct {
        size_t len;
        uint64_t hash;
    } vectors[] = {
        {0, 0x726fdb47dd0e0e31},  {1, 0x74f839c593dc67fd}, {2, 0x0d6c8009d9a94f5a},
        {7, 0xab0200f58b01d137},  {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5},
        {63, 0x958a324ceb064572},
    };
    const struct siphash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    uint8_t message[64];
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)i;
    for (size_t i = 0; i < EXO_COUNT(vectors); i++)
        ck_assert_uint_eq(siphash(&key, message, vectors[i].len), vectors[i].hash);
}
END_TEST

CHECK_MAIN("netstack.siphash", siphash_matches_the_reference_vectors)
