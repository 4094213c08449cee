// SPDX-License-Identifier: MIT
// tcp.h - TCP segments and their options. Contract: wire/README.md.
//
//     if (wire_tcp_verify(bytes, len, src, dst) && wire_tcp_parse(&seg, bytes, len))
//         payload = bytes + seg.header_len, len - seg.header_len bytes
//
// Spec: RFC 9293 §3.1, §3.2; RFC 7323 (window scale, timestamps); RFC 2018 (SACK).
#ifndef NETSTACK_WIRE_TCP_H
#define NETSTACK_WIRE_TCP_H

#include "netstack/base/checksum.h"

#define WIRE_TCP_BYTES      20u // without options
#define WIRE_TCP_MAX_BYTES  60u
#define WIRE_TCP_SACKS      4u
#define WIRE_TCP_MAX_WSCALE 14u

enum { // wire_tcp.flags
    WIRE_TCP_FIN = 1u << 0,
    WIRE_TCP_SYN = 1u << 1,
    WIRE_TCP_RST = 1u << 2,
    WIRE_TCP_PSH = 1u << 3,
    WIRE_TCP_ACK = 1u << 4,
    WIRE_TCP_URG = 1u << 5,
    WIRE_TCP_ECE = 1u << 6,
    WIRE_TCP_CWR = 1u << 7,
};

enum { // wire_tcp.options: which of the option fields have a meaning
    WIRE_TCP_MSS = 1u << 0,
    WIRE_TCP_WSCALE = 1u << 1,
    WIRE_TCP_SACK_PERMITTED = 1u << 2,
    WIRE_TCP_TIMESTAMPS = 1u << 3,
};

struct wire_tcp_sack {
    uint32_t left;  // first sequence number of the block
    uint32_t right; // the one after its last
};

struct wire_tcp {
    uint16_t src_port;
    uint16_t dst_port;
    uint32_t seq;
    uint32_t ack;    // means something only with WIRE_TCP_ACK
    uint32_t window; // as it stands in the header, unscaled; kept wide for arithmetic
    uint16_t urgent; // means something only with WIRE_TCP_URG; any value can come
    uint8_t flags;
    uint8_t header_len; // parse: 20 … 60. emit ignores it: see wire_tcp_length
    uint8_t options;
    uint8_t wscale; // 0 … 14
    uint16_t mss;   // any value can come, 0 included
    uint32_t tsval;
    uint32_t tsecr;
    uint32_t sack_count;
    struct wire_tcp_sack sacks[WIRE_TCP_SACKS]; // sacks[0..sack_count), as they came: unjudged
};

struct wire_tcp_raw {
    struct be16 src_port;
    struct be16 dst_port;
    struct be32 seq;
    struct be32 ack;
    uint8_t offset; // header length in words, in the high half; the low half is reserved
    uint8_t flags;
    struct be16 window;
    struct be16 checksum;
    struct be16 urgent;
};

_Static_assert(sizeof(struct wire_tcp_raw) == WIRE_TCP_BYTES, "as on the wire");

// The checksum over segment[0..len) and the pseudo header is right. Reads exactly `len`
// bytes, which must be IP's payload; false if they are fewer than a header.
bool wire_tcp_verify(const void *segment, uint16_t len, struct ip4 src, struct ip4 dst);

// Reads the options in bytes[0..len) into `out`, whose flags are set already.
void wire_tcp_parse_options(struct wire_tcp *out, const uint8_t *bytes, size_t len);

// Checks that the header, options included, lies inside `len`.
//
// Options may come in any order and at any alignment; unknown ones are skipped by their
// length, and so is a known one of a wrong length. An impossible length (0, 1, beyond
// the header) ends the options: those before it count, the segment stays good
// (RFC 9293 MUST-7 asks only to survive it). MSS, window scale and SACK-permitted are
// seen in SYN segments only; a shift above 14 is 14 (RFC 7323 §2.3).
static inline bool wire_tcp_parse(struct wire_tcp *out, const void *bytes, size_t len)
{
    if (len < WIRE_TCP_BYTES)
        return false;
    const struct wire_tcp_raw *raw = bytes;
    const uint8_t header_len = (uint8_t)((raw->offset >> 4) * 4);
    if (header_len < WIRE_TCP_BYTES || header_len > len)
        return false;
    out->src_port = be16_get(raw->src_port);
    out->dst_port = be16_get(raw->dst_port);
    out->seq = be32_get(raw->seq);
    out->ack = be32_get(raw->ack);
    out->window = be16_get(raw->window);
    out->urgent = be16_get(raw->urgent);
    out->flags = raw->flags;
    out->header_len = header_len;
    out->options = 0;
    out->sack_count = 0;
    if (header_len > WIRE_TCP_BYTES)
        wire_tcp_parse_options(out, (const uint8_t *)bytes + WIRE_TCP_BYTES,
                               header_len - WIRE_TCP_BYTES);
    return true;
}

// Bytes of the header with the options named in `options` and `sack_count`, padded to
// whole words. With timestamps there is room for three SACK blocks, without for four.
size_t wire_tcp_length(const struct wire_tcp *tcp);

// Writes the header and its options with the checksum still zero: wire_tcp_seal comes
// next. `window` must fit 16 bits; the caller has scaled it.
size_t wire_tcp_emit(void *out, const struct wire_tcp *tcp);

// Puts the checksum into a segment of `len` bytes, header and payload in a row.
void wire_tcp_seal(void *segment, uint16_t len, struct ip4 src, struct ip4 dst);

#endif
