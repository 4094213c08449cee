// SPDX-License-Identifier: MIT
// checksum.c - the loop under the Internet checksum.
//
// One's complement addition does not care how wide its words are as long as the carry
// comes back in at the bottom, so eight bytes are added at a time (RFC 1071 §2 (C)).
// Two sums run side by side: each is a chain of add and add-with-carry, and a CPU can
// walk two chains at once.
#include "netstack/base/checksum.h"

static inline uint64_t load64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint64_t add_carry(uint64_t sum, uint64_t word)
{
    sum += word;
    return sum + (sum < word);
}

// The last zero to seven bytes, as words of four, two and one byte. Each starts at an
// even place, so it may be added where it stands; a lone byte is the first of its word.
static inline uint64_t sum_tail(const uint8_t *at, size_t len)
{
    uint64_t sum = 0;
    if (len & 4) {
        uint32_t word;
        memcpy(&word, at, sizeof word);
        sum += word;
        at += 4;
    }
    if (len & 2) {
        uint16_t word;
        memcpy(&word, at, sizeof word);
        sum += word;
        at += 2;
    }
    if (len & 1) {
        const uint8_t pair[2] = {*at, 0};
        uint16_t word;
        memcpy(&word, pair, sizeof word);
        sum += word;
    }
    return sum;
}

void checksum_add(struct checksum *c, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    const bool odd = len & 1;
    uint64_t even_sum = 0;
    uint64_t other_sum = 0;
    for (; len >= 32; at += 32, len -= 32) {
        even_sum = add_carry(even_sum, load64(at));
        other_sum = add_carry(other_sum, load64(at + 8));
        even_sum = add_carry(even_sum, load64(at + 16));
        other_sum = add_carry(other_sum, load64(at + 24));
    }
    for (; len >= 8; at += 8, len -= 8)
        even_sum = add_carry(even_sum, load64(at));
    other_sum = add_carry(other_sum, sum_tail(at, len));

    const uint64_t sum = add_carry(even_sum, other_sum);
    uint16_t piece = checksum_fold((struct checksum){.sum = sum});
    // After an odd number of bytes each byte of this piece stands in the other half of
    // its 16-bit word; swapping the sum is the same as swapping every word under it.
    if (c->odd)
        piece = __builtin_bswap16(piece);
    c->sum += piece;
    c->odd ^= odd;
}
