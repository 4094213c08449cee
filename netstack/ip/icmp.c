// SPDX-License-Identifier: MIT
// icmp.c - echo, errors to send and errors received.
#include "netstack/ip/icmp.h"

#include "exo/bits.h"
#include "netstack/base/checksum.h"

_Static_assert(PKT_HEADROOM + WIRE_ICMP4_BYTES + ICMP_QUOTE_BYTES <= PKT_BUF_BYTES,
               "an error fits a buffer");

void icmp_init(struct icmp *icmp, const struct net_env *env)
{
    *icmp = (struct icmp){.env = *env};
    env->random(env->ctx, &icmp->key, sizeof icmp->key);
}

// Turns a request into its reply: only the type changes, so the checksum is corrected
// rather than made anew. Code and data stay as they came (RFC 1122 §3.2.2.6).
static void echo_in_place(struct pkt *pkt)
{
    struct wire_icmp4_raw *raw = (struct wire_icmp4_raw *)pkt->data;
    const struct be16 from = {{raw->type, raw->code}};
    raw->type = WIRE_ICMP4_ECHO_REPLY;
    const struct be16 to = {{raw->type, raw->code}};
    raw->checksum = checksum_update(raw->checksum, from, to);
    // A reply may be nothing but zeros. Their sum is the other zero of one's complement,
    // which the correction cannot know; all ones is right for both.
    if (be16_get(raw->checksum) == 0)
        raw->checksum = be16_of(0xffff);
}

static uint16_t port_at(const uint8_t *at)
{
    return be16_get(*(const struct be16 *)at);
}

// What the error quotes: an IP header of ours and eight bytes behind it, or more.
static bool parse_error(struct icmp_error *out, const struct wire_icmp4 *icmp, const uint8_t *quote,
                        size_t len)
{
    struct wire_ip4 ip;
    if (!wire_ip4_parse_quote(&ip, quote, len) || ip.fragment_offset != 0)
        return false;
    if (len - ip.header_len < sizeof out->transport)
        return false;
    const uint8_t *transport = quote + ip.header_len;
    const bool has_mtu =
        icmp->type == WIRE_ICMP4_UNREACHABLE && icmp->code == WIRE_ICMP4_FRAGMENTATION_NEEDED;
    const bool has_ports = ip.proto == WIRE_IP4_TCP || ip.proto == WIRE_IP4_UDP;
    *out = (struct icmp_error){
        .type = icmp->type,
        .code = icmp->code,
        .mtu_bytes = has_mtu ? icmp->seq : 0,
        .len_bytes = ip.total_len,
        .proto = ip.proto,
        .src = ip.src,
        .dst = ip.dst,
        .src_port = has_ports ? port_at(transport) : 0,
        .dst_port = has_ports ? port_at(transport + 2) : 0,
        .seq = ip.proto == WIRE_IP4_TCP ? be32_get(*(const struct be32 *)(transport + 4)) : 0,
    };
    memcpy(out->transport, transport, sizeof out->transport);
    return true;
}

enum icmp_verdict icmp_input(const struct wire_ip4 *ip, struct pkt *pkt, struct icmp_error *error)
{
    struct wire_icmp4 icmp;
    if (!wire_icmp4_parse(&icmp, pkt->data, pkt->len))
        return ICMP_DROP;
    switch (icmp.type) {
    case WIRE_ICMP4_ECHO_REQUEST:
        exo_assert(!pkt_is_shared(pkt));
        echo_in_place(pkt);
        return ICMP_ANSWER;
    case WIRE_ICMP4_UNREACHABLE:
    case WIRE_ICMP4_TIME_EXCEEDED:
    case WIRE_ICMP4_PARAMETER_PROBLEM:
        if (!parse_error(error, &icmp, pkt->data + WIRE_ICMP4_BYTES, pkt->len - WIRE_ICMP4_BYTES))
            return ICMP_DROP;
        // It must quote something that this address, to which it came, has sent.
        return ip4_eq(error->src, ip->dst) ? ICMP_ERROR : ICMP_DROP;
    default:
        return ICMP_DROP;
    }
}

// RFC 1122 §3.2.2. Of ICMP only a request may be answered by an error: a message of a
// type that is unknown might be one.
static bool may_report(const struct wire_ip4 *ip, const uint8_t *payload, size_t len, bool group)
{
    if (group || ip4_is_multicast(ip->dst) || ip4_is_broadcast(ip->dst))
        return false;
    if (ip->fragment_offset != 0 || !ip4_is_unicast(ip->src))
        return false;
    return ip->proto != WIRE_IP4_ICMP || (len != 0 && payload[0] == WIRE_ICMP4_ECHO_REQUEST);
}

// One token of the bucket that the peer shares with some others. The burst is half to all of
// ICMP_BURST, drawn anew each time: how many errors come back counts nothing exactly.
static bool take_token(struct icmp *icmp, exo_ns now, struct ip4 peer)
{
    uint8_t jitter;
    icmp->env.random(icmp->env.ctx, &jitter, sizeof jitter);
    const uint64_t hash = siphash(&icmp->key, &peer, sizeof peer);
    const uint32_t burst = ICMP_BURST - jitter % (ICMP_BURST / 2);
    return bucket_take(&icmp->buckets[hash % ICMP_BUCKETS], now, ICMP_PER_TOKEN, burst);
}

bool icmp_unreachable(struct icmp *icmp, exo_ns now, uint8_t code, const struct wire_ip4 *ip,
                      const void *datagram, bool group, struct pkt *out)
{
    const uint8_t *payload = (const uint8_t *)datagram + ip->header_len;
    if (!may_report(ip, payload, ip->total_len - ip->header_len, group))
        return false;
    if (!take_token(icmp, now, ip->src)) {
        icmp->errors_limited++;
        return false;
    }
    const uint32_t quote_len = EXO_MIN((uint32_t)ip->total_len, ICMP_QUOTE_BYTES);
    uint8_t *message = pkt_put(out, WIRE_ICMP4_BYTES + quote_len);
    memcpy(message + WIRE_ICMP4_BYTES, datagram, quote_len);
    const struct wire_icmp4 head = {.type = WIRE_ICMP4_UNREACHABLE, .code = code};
    wire_icmp4_emit(message, &head, quote_len);
    icmp->errors_sent++;
    return true;
}
