// SPDX-License-Identifier: MIT
// udp.h - the UDP header. Contract: wire/README.md.
// Spec: RFC 768; RFC 1122 §4.1.3.4.
#ifndef NETSTACK_WIRE_UDP_H
#define NETSTACK_WIRE_UDP_H

#include "netstack/base/checksum.h"

#define WIRE_UDP_BYTES 8u

struct wire_udp {
    uint16_t src_port; // 0: no answer is expected
    uint16_t dst_port;
    uint16_t len; // header and payload; may be less than what IP carried
};

struct wire_udp_raw {
    struct be16 src_port;
    struct be16 dst_port;
    struct be16 len;
    struct be16 checksum; // 0: the sender made none
};

_Static_assert(sizeof(struct wire_udp_raw) == WIRE_UDP_BYTES, "as on the wire");

// `len` is IP's payload; checks 8 <= out->len <= len.
static inline bool wire_udp_parse(struct wire_udp *out, const void *bytes, size_t len)
{
    if (len < WIRE_UDP_BYTES)
        return false;
    const struct wire_udp_raw *raw = bytes;
    *out = (struct wire_udp){
        .src_port = be16_get(raw->src_port),
        .dst_port = be16_get(raw->dst_port),
        .len = be16_get(raw->len),
    };
    return out->len >= WIRE_UDP_BYTES && out->len <= len;
}

// The checksum over datagram[0..len) and the pseudo header is right, or was not made.
// `len` is wire_udp.len, as parse checked it.
bool wire_udp_verify(const void *datagram, uint16_t len, struct ip4 src, struct ip4 dst);

static inline size_t wire_udp_length(const struct wire_udp *udp)
{
    (void)udp;
    return WIRE_UDP_BYTES;
}

// Writes the header with the checksum still zero: wire_udp_seal comes next.
static inline size_t wire_udp_emit(void *out, const struct wire_udp *udp)
{
    struct wire_udp_raw *raw = out;
    *raw = (struct wire_udp_raw){
        .src_port = be16_of(udp->src_port),
        .dst_port = be16_of(udp->dst_port),
        .len = be16_of(udp->len),
    };
    return WIRE_UDP_BYTES;
}

// Puts the checksum into a datagram of `len` bytes, header and payload in a row. A sum
// of zero is sent as all ones, since zero says that there is none.
void wire_udp_seal(void *datagram, uint16_t len, struct ip4 src, struct ip4 dst);

#endif
