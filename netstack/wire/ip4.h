// SPDX-License-Identifier: MIT
// ip4.h - the IPv4 header. Contract: wire/README.md.
//
// Options are checked and skipped; emit writes none.
// Spec: RFC 791; RFC 1122 §3.2.1; RFC 6864 (the identification field).
#ifndef NETSTACK_WIRE_IP4_H
#define NETSTACK_WIRE_IP4_H

#include "netstack/base/addr.h"
#include <stddef.h>

#define WIRE_IP4_BYTES 20u // without options

enum { // wire_ip4.proto
    WIRE_IP4_ICMP = 1,
    WIRE_IP4_TCP = 6,
    WIRE_IP4_UDP = 17,
};

struct wire_ip4 {
    struct ip4 src;
    struct ip4 dst;
    uint16_t total_len;       // header and payload; what lies behind in a frame is padding
    uint16_t id;              // 0 where DF is set: nobody may depend on it (RFC 6864 §4.1)
    uint16_t fragment_offset; // in bytes
    bool dont_fragment;
    bool more_fragments;
    bool source_route;  // parse: it carries a source-route option
    uint8_t header_len; // 20 … 60; emit: 20
    uint8_t tos;        // DSCP and ECN
    uint8_t ttl;
    uint8_t proto;
};

struct wire_ip4_raw {
    uint8_t version_ihl;
    uint8_t tos;
    struct be16 total_len;
    struct be16 id;
    struct be16 flags_offset;
    uint8_t ttl;
    uint8_t proto;
    struct be16 checksum;
    struct ip4 src;
    struct ip4 dst;
};

_Static_assert(sizeof(struct wire_ip4_raw) == WIRE_IP4_BYTES, "as on the wire");

// Checks version, header length, header checksum, total length (header_len … len),
// that a fragment ends within 65,535, and the lengths of options.
bool wire_ip4_parse(struct wire_ip4 *out, const void *bytes, size_t len);

// The same for the start of a datagram that an ICMP error quotes: the payload may be
// cut, and the checksum is not asked for, since the path has changed the header.
bool wire_ip4_parse_quote(struct wire_ip4 *out, const void *bytes, size_t len);

static inline size_t wire_ip4_length(const struct wire_ip4 *ip)
{
    return ip->header_len;
}

// Writes a header without options, with its checksum.
size_t wire_ip4_emit(void *out, const struct wire_ip4 *ip);

// The header of a datagram of ours: DF set and id 0, so an observer learns nothing from
// it and no fragment of it can be forged (RFC 6864 §4.1); TTL 64 (RFC 1122 §3.2.1.7).
static inline struct wire_ip4 wire_ip4_of(struct ip4 src, struct ip4 dst, uint8_t proto,
                                          uint32_t payload_len)
{
    return (struct wire_ip4){
        .src = src,
        .dst = dst,
        .total_len = (uint16_t)(WIRE_IP4_BYTES + payload_len),
        .dont_fragment = true,
        .header_len = WIRE_IP4_BYTES,
        .ttl = 64,
        .proto = proto,
    };
}

#endif
