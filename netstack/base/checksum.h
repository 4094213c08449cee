// SPDX-License-Identifier: MIT
// checksum.h - the Internet checksum, as a running sum over any number of pieces.
//
//     struct checksum sum = checksum_pseudo_ip4(src, dst, proto, len);
//     checksum_add(&sum, header, header_len);
//     checksum_add(&sum, payload, payload_len);
//     raw->checksum = checksum_finish(sum);
//
// Pieces may have any length and any alignment: an odd piece shifts those after it.
// The sum is kept in the machine's own byte order, which the one's complement allows
// (RFC 1071 §2 (B)), and only finish turns it into wire bytes.
// Spec: RFC 1071; RFC 1624.
#ifndef NETSTACK_BASE_CHECKSUM_H
#define NETSTACK_BASE_CHECKSUM_H

#include "exo/endian.h"
#include "netstack/base/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct checksum {
    uint64_t sum; // of 16-bit words as they lie in memory; carries not folded in yet
    bool odd;     // an odd number of bytes was added so far
};

// Adds bytes[0..len) to the sum. Reads nothing beyond them.
void checksum_add(struct checksum *c, const void *bytes, size_t len);

// The pseudo header of TCP and UDP over IPv4 (RFC 9293 §3.1, RFC 768).
// `len` counts the transport header and its payload.
static inline struct checksum checksum_pseudo_ip4(struct ip4 src, struct ip4 dst, uint8_t proto,
                                                  uint16_t len)
{
    const struct be16 tail[2] = {be16_of(proto), be16_of(len)};
    uint32_t words[3];
    memcpy(&words[0], &src, sizeof src);
    memcpy(&words[1], &dst, sizeof dst);
    memcpy(&words[2], tail, sizeof tail);
    return (struct checksum){.sum = (uint64_t)words[0] + words[1] + words[2]};
}

// The sum folded to 16 bits, in the machine's byte order, not complemented.
static inline uint16_t checksum_fold(struct checksum c)
{
    uint64_t sum = (c.sum & 0xffffffffu) + (c.sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

// What belongs into the checksum field, if that field was zero or left out in the sum.
static inline struct be16 checksum_finish(struct checksum c)
{
    const uint16_t complement = (uint16_t)~checksum_fold(c);
    struct be16 field;
    memcpy(&field, &complement, sizeof field);
    return field;
}

// The bytes summed, their checksum field among them, arrived as they were sent.
static inline bool checksum_is_valid(struct checksum c)
{
    return checksum_fold(c) == 0xffff;
}

// The checksum of one piece.
static inline struct be16 checksum_of(const void *bytes, size_t len)
{
    struct checksum c = {0};
    checksum_add(&c, bytes, len);
    return checksum_finish(c);
}

// The checksum field after one 16-bit word under it changed from `from` to `to`.
// Spec: RFC 1624 §3 [Eqn. 3], which unlike RFC 1141 gets the zeros right.
static inline struct be16 checksum_update(struct be16 field, struct be16 from, struct be16 to)
{
    const uint32_t sum =
        (uint16_t)~be16_get(field) + (uint32_t)(uint16_t)~be16_get(from) + (uint32_t)be16_get(to);
    const uint32_t once = (sum & 0xffff) + (sum >> 16);
    return be16_of((uint16_t) ~((once & 0xffff) + (once >> 16)));
}

#endif
