// SPDX-License-Identifier: MIT
// tcp.c - TCP's options and checksum.
#include "netstack/wire/tcp.h"

#include "exo/assert.h"

enum { PROTO_TCP = 6 };

enum { // option kinds, RFC 9293 §3.2, RFC 7323, RFC 2018
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_MSS = 2,
    OPTION_WSCALE = 3,
    OPTION_SACK_PERMITTED = 4,
    OPTION_SACK = 5,
    OPTION_TIMESTAMPS = 8,
};

enum { // option lengths, kind and length bytes included
    MSS_BYTES = 4,
    WSCALE_BYTES = 3,
    SACK_PERMITTED_BYTES = 2,
    TIMESTAMPS_BYTES = 10,
    SACK_BYTES = 2, // and 8 for each block
};

static inline uint16_t get16(const uint8_t *at)
{
    return be16_get(*(const struct be16 *)at);
}

static inline uint32_t get32(const uint8_t *at)
{
    return be32_get(*(const struct be32 *)at);
}

static void parse_sacks(struct wire_tcp *out, const uint8_t *at, size_t len)
{
    if ((len - SACK_BYTES) % 8 != 0)
        return;
    for (at += SACK_BYTES, len -= SACK_BYTES; len != 0 && out->sack_count < WIRE_TCP_SACKS;
         at += 8, len -= 8)
        out->sacks[out->sack_count++] = (struct wire_tcp_sack){get32(at), get32(at + 4)};
}

// One option of `len` bytes at `at`, which lie inside the header. A wrong length for the
// kind makes it an unknown one.
static void parse_option(struct wire_tcp *out, const uint8_t *at, size_t len)
{
    const bool syn = out->flags & WIRE_TCP_SYN;
    switch (at[0]) {
    case OPTION_MSS:
        if (syn && len == MSS_BYTES) {
            out->mss = get16(at + 2);
            out->options |= WIRE_TCP_MSS;
        }
        break;
    case OPTION_WSCALE:
        if (syn && len == WSCALE_BYTES) {
            out->wscale = at[2] < WIRE_TCP_MAX_WSCALE ? at[2] : WIRE_TCP_MAX_WSCALE;
            out->options |= WIRE_TCP_WSCALE;
        }
        break;
    case OPTION_SACK_PERMITTED:
        if (syn && len == SACK_PERMITTED_BYTES)
            out->options |= WIRE_TCP_SACK_PERMITTED;
        break;
    case OPTION_SACK:
        parse_sacks(out, at, len);
        break;
    case OPTION_TIMESTAMPS:
        if (len == TIMESTAMPS_BYTES) {
            out->tsval = get32(at + 2);
            out->tsecr = get32(at + 6);
            out->options |= WIRE_TCP_TIMESTAMPS;
        }
        break;
    default:
        break;
    }
}

void wire_tcp_parse_options(struct wire_tcp *out, const uint8_t *bytes, size_t len)
{
    const uint8_t *at = bytes;
    const uint8_t *end = bytes + len;
    while (at < end && *at != OPTION_END) {
        if (*at == OPTION_NOP) {
            at++;
            continue;
        }
        // A length below 2 would never move on; one beyond the header is a lie.
        if (end - at < 2 || at[1] < 2 || at[1] > end - at)
            return;
        parse_option(out, at, at[1]);
        at += at[1];
    }
}

bool wire_tcp_verify(const void *segment, uint16_t len, struct ip4 src, struct ip4 dst)
{
    if (len < WIRE_TCP_BYTES)
        return false;
    struct checksum sum = checksum_pseudo_ip4(src, dst, PROTO_TCP, len);
    checksum_add(&sum, segment, len);
    return checksum_is_valid(sum);
}

void wire_tcp_seal(void *segment, uint16_t len, struct ip4 src, struct ip4 dst)
{
    struct wire_tcp_raw *raw = segment;
    raw->checksum = be16_of(0);
    struct checksum sum = checksum_pseudo_ip4(src, dst, PROTO_TCP, len);
    checksum_add(&sum, segment, len);
    raw->checksum = checksum_finish(sum);
}

// Every option is padded in front to whole words, as everybody sends them: a receiver
// may look for the timestamps at their usual place (RFC 7323 appendix A).
size_t wire_tcp_length(const struct wire_tcp *tcp)
{
    size_t len = WIRE_TCP_BYTES;
    if (tcp->options & WIRE_TCP_MSS)
        len += MSS_BYTES;
    if (tcp->options & WIRE_TCP_WSCALE)
        len += 1 + WSCALE_BYTES;
    if (tcp->options & WIRE_TCP_SACK_PERMITTED)
        len += 2 + SACK_PERMITTED_BYTES;
    if (tcp->options & WIRE_TCP_TIMESTAMPS)
        len += 2 + TIMESTAMPS_BYTES;
    if (tcp->sack_count != 0)
        len += 2 + SACK_BYTES + 8 * (size_t)tcp->sack_count;
    return len;
}

static uint8_t *put_head(uint8_t *at, size_t nops, uint8_t kind, size_t len)
{
    memset(at, OPTION_NOP, nops);
    at[nops] = kind;
    at[nops + 1] = (uint8_t)len;
    return at + nops + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t v)
{
    *(struct be32 *)at = be32_of(v);
    return at + 4;
}

static uint8_t *put_options(uint8_t *at, const struct wire_tcp *tcp)
{
    if (tcp->options & WIRE_TCP_MSS) {
        at = put_head(at, 0, OPTION_MSS, MSS_BYTES);
        *(struct be16 *)at = be16_of(tcp->mss);
        at += 2;
    }
    if (tcp->options & WIRE_TCP_WSCALE) {
        exo_assert(tcp->wscale <= WIRE_TCP_MAX_WSCALE);
        at = put_head(at, 1, OPTION_WSCALE, WSCALE_BYTES);
        *at++ = tcp->wscale;
    }
    if (tcp->options & WIRE_TCP_SACK_PERMITTED)
        at = put_head(at, 2, OPTION_SACK_PERMITTED, SACK_PERMITTED_BYTES);
    if (tcp->options & WIRE_TCP_TIMESTAMPS) {
        at = put_head(at, 2, OPTION_TIMESTAMPS, TIMESTAMPS_BYTES);
        at = put32(at, tcp->tsval);
        at = put32(at, tcp->tsecr);
    }
    if (tcp->sack_count != 0)
        at = put_head(at, 2, OPTION_SACK, SACK_BYTES + 8 * (size_t)tcp->sack_count);
    for (uint32_t i = 0; i < tcp->sack_count; i++) {
        at = put32(at, tcp->sacks[i].left);
        at = put32(at, tcp->sacks[i].right);
    }
    return at;
}

size_t wire_tcp_emit(void *out, const struct wire_tcp *tcp)
{
    const size_t len = wire_tcp_length(tcp);
    exo_assert(tcp->window <= UINT16_MAX && tcp->sack_count <= WIRE_TCP_SACKS);
    exo_assert(len <= WIRE_TCP_MAX_BYTES);
    struct wire_tcp_raw *raw = out;
    *raw = (struct wire_tcp_raw){
        .src_port = be16_of(tcp->src_port),
        .dst_port = be16_of(tcp->dst_port),
        .seq = be32_of(tcp->seq),
        .ack = be32_of(tcp->ack),
        .offset = (uint8_t)(len / 4 << 4),
        .flags = tcp->flags,
        .window = be16_of((uint16_t)tcp->window),
        .urgent = be16_of(tcp->urgent),
    };
    if (len != WIRE_TCP_BYTES) {
        const uint8_t *end = put_options((uint8_t *)(raw + 1), tcp);
        exo_assert(end == (uint8_t *)out + len);
    }
    return len;
}
