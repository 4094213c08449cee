// SPDX-License-Identifier: MIT
// icmp4.h - ICMP messages: eight bytes, then data or a quoted datagram. Contract: wire/README.md.
// Spec: RFC 792; RFC 1191 §4 (the MTU in code 4).
#ifndef NETSTACK_WIRE_ICMP4_H
#define NETSTACK_WIRE_ICMP4_H

#include "exo/endian.h"
#include <stdbool.h>
#include <stddef.h>

#define WIRE_ICMP4_BYTES 8u

enum { // wire_icmp4.type
    WIRE_ICMP4_ECHO_REPLY = 0,
    WIRE_ICMP4_UNREACHABLE = 3,
    WIRE_ICMP4_ECHO_REQUEST = 8,
    WIRE_ICMP4_TIME_EXCEEDED = 11,
    WIRE_ICMP4_PARAMETER_PROBLEM = 12,
};

enum { // wire_icmp4.code of WIRE_ICMP4_UNREACHABLE
    WIRE_ICMP4_NET_UNREACHABLE = 0,
    WIRE_ICMP4_HOST_UNREACHABLE = 1,
    WIRE_ICMP4_PROTOCOL_UNREACHABLE = 2,
    WIRE_ICMP4_PORT_UNREACHABLE = 3,
    WIRE_ICMP4_FRAGMENTATION_NEEDED = 4,
};

struct wire_icmp4 {
    uint8_t type;
    uint8_t code;
    uint16_t id;  // of an echo; else the first half of the second word
    uint16_t seq; // of an echo; the next-hop MTU of code 4
};

struct wire_icmp4_raw {
    uint8_t type;
    uint8_t code;
    struct be16 checksum;
    struct be16 id;
    struct be16 seq;
};

_Static_assert(sizeof(struct wire_icmp4_raw) == WIRE_ICMP4_BYTES, "as on the wire");

// `len` is the whole message: the checksum covers it.
bool wire_icmp4_parse(struct wire_icmp4 *out, const void *bytes, size_t len);

static inline size_t wire_icmp4_length(const struct wire_icmp4 *icmp)
{
    (void)icmp;
    return WIRE_ICMP4_BYTES;
}

// Writes the header in front of `body_len` bytes that already stand behind it at
// `out` + 8, and seals both.
size_t wire_icmp4_emit(void *out, const struct wire_icmp4 *icmp, size_t body_len);

#endif
