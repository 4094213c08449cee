// SPDX-License-Identifier: MIT
// ip4.c - the IPv4 header as bytes.
#include "netstack/wire/ip4.h"

#include "exo/assert.h"
#include "netstack/base/checksum.h"

enum { // flags_offset
    FLAG_DONT_FRAGMENT = 0x4000,
    FLAG_MORE_FRAGMENTS = 0x2000,
    OFFSET_MASK = 0x1fff, // in units of 8 bytes
};

enum { // option types, the copy flag included (RFC 791 §3.1)
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_LOOSE_SOURCE_ROUTE = 131,
    OPTION_STRICT_SOURCE_ROUTE = 137,
};

// Walks the options; false if one does not fit. Nobody here acts on any of them.
static bool check_options(struct wire_ip4 *out, const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at != OPTION_END) {
        if (*at == OPTION_NOP) {
            at++;
            continue;
        }
        if (end - at < 2 || at[1] < 2 || at[1] > end - at)
            return false;
        if (*at == OPTION_LOOSE_SOURCE_ROUTE || *at == OPTION_STRICT_SOURCE_ROUTE)
            out->source_route = true;
        at += at[1];
    }
    return true;
}

// Version and header length; then the fields. The total length is left to the caller.
static bool parse_header(struct wire_ip4 *out, const void *bytes, size_t len)
{
    if (len < WIRE_IP4_BYTES)
        return false;
    const struct wire_ip4_raw *raw = bytes;
    const uint8_t header_len = (uint8_t)((raw->version_ihl & 0x0f) * 4);
    if (raw->version_ihl >> 4 != 4 || header_len < WIRE_IP4_BYTES || header_len > len)
        return false;
    const uint16_t flags_offset = be16_get(raw->flags_offset);
    *out = (struct wire_ip4){
        .src = raw->src,
        .dst = raw->dst,
        .total_len = be16_get(raw->total_len),
        .id = be16_get(raw->id),
        .fragment_offset = (uint16_t)((flags_offset & OFFSET_MASK) * 8),
        .dont_fragment = flags_offset & FLAG_DONT_FRAGMENT,
        .more_fragments = flags_offset & FLAG_MORE_FRAGMENTS,
        .header_len = header_len,
        .tos = raw->tos,
        .ttl = raw->ttl,
        .proto = raw->proto,
    };
    return out->total_len >= header_len;
}

bool wire_ip4_parse(struct wire_ip4 *out, const void *bytes, size_t len)
{
    if (!parse_header(out, bytes, len) || out->total_len > len)
        return false;
    if ((uint32_t)out->fragment_offset + out->total_len - out->header_len > UINT16_MAX)
        return false;
    struct checksum sum = {0};
    checksum_add(&sum, bytes, out->header_len);
    if (!checksum_is_valid(sum))
        return false;
    const uint8_t *header = bytes;
    return out->header_len == WIRE_IP4_BYTES ||
           check_options(out, header + WIRE_IP4_BYTES, header + out->header_len);
}

bool wire_ip4_parse_quote(struct wire_ip4 *out, const void *bytes, size_t len)
{
    return parse_header(out, bytes, len);
}

size_t wire_ip4_emit(void *out, const struct wire_ip4 *ip)
{
    exo_assert(ip->header_len == WIRE_IP4_BYTES && ip->total_len >= WIRE_IP4_BYTES);
    exo_assert(ip->fragment_offset % 8 == 0 && ip->ttl != 0);
    const int flags_offset = (ip->dont_fragment ? FLAG_DONT_FRAGMENT : 0) |
                             (ip->more_fragments ? FLAG_MORE_FRAGMENTS : 0) |
                             ip->fragment_offset / 8;
    struct wire_ip4_raw *raw = out;
    *raw = (struct wire_ip4_raw){
        .version_ihl = 4 << 4 | WIRE_IP4_BYTES / 4,
        .tos = ip->tos,
        .total_len = be16_of(ip->total_len),
        .id = be16_of(ip->id),
        .flags_offset = be16_of((uint16_t)flags_offset),
        .ttl = ip->ttl,
        .proto = ip->proto,
        .src = ip->src,
        .dst = ip->dst,
    };
    raw->checksum = checksum_of(raw, WIRE_IP4_BYTES);
    return WIRE_IP4_BYTES;
}
