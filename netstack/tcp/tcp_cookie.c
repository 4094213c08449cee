// SPDX-License-Identifier: MIT
// tcp_cookie.c - see tcp_cookie.h.
#include "netstack/tcp/tcp_cookie.h"

#include "exo/bits.h"

#define TICK_SHIFT 27
#define MSS_SHIFT  24
#define HASH_MASK  0xffffffu
#define TICK_MASK  31u

// What real links have; a peer gets the largest that is not above its own.
static const uint16_t mss_table[8] = {216, 536, 1024, 1220, 1360, 1400, 1440, 1460};

static uint32_t hash(const struct tcp *tcp, const struct tcp_tuple *tuple, uint32_t peer_iss,
                     uint64_t tick, uint32_t mss_index)
{
    const struct {
        uint64_t tick;
        struct ip4 local, peer;
        uint32_t ports, peer_iss, mss_index, domain;
    } key = {
        .tick = tick,
        .local = tuple->local,
        .peer = tuple->peer,
        .ports = (uint32_t)tuple->local_port << 16 | tuple->peer_port,
        .peer_iss = peer_iss,
        .mss_index = mss_index,
        .domain = 0x434f4f4b, // the same secret makes the ordinary initial numbers
    };
    _Static_assert(sizeof key == 32, "hashed without gaps");
    return (uint32_t)siphash(&tcp->isn, &key, sizeof key) & HASH_MASK;
}

static uint32_t make(const struct tcp *tcp, const struct tcp_tuple *tuple, uint32_t peer_iss,
                     uint64_t tick, uint32_t mss_index)
{
    return ((uint32_t)tick & TICK_MASK) << TICK_SHIFT | mss_index << MSS_SHIFT |
           hash(tcp, tuple, peer_iss, tick, mss_index);
}

void tcp_cookie_answer(struct wire_tcp *syn_ack, const struct tcp *tcp,
                       const struct tcp_tuple *tuple, const struct wire_tcp *syn, exo_ns now)
{
    const uint16_t offered = syn->options & WIRE_TCP_MSS ? syn->mss : TCP_MSS_DEFAULT;
    uint32_t index = 0;
    while (index + 1 < EXO_COUNT(mss_table) && mss_table[index + 1] <= offered)
        index++;
    *syn_ack = (struct wire_tcp){
        .src_port = tuple->local_port,
        .dst_port = tuple->peer_port,
        .seq = make(tcp, tuple, syn->seq, now / TCP_COOKIE_TICK_NS, index),
        .ack = syn->seq + 1,
        .window = EXO_MIN(tcp->rx_window_bytes, (uint32_t)UINT16_MAX),
        .flags = WIRE_TCP_SYN | WIRE_TCP_ACK,
        .options = WIRE_TCP_MSS,
        .mss = tcp->mss,
    };
}

bool tcp_cookie_check(struct wire_tcp *syn, const struct tcp *tcp, const struct tcp_tuple *tuple,
                      const struct wire_tcp *ack, exo_ns now)
{
    const uint8_t mask = WIRE_TCP_SYN | WIRE_TCP_ACK | WIRE_TCP_RST;
    if ((ack->flags & mask) != WIRE_TCP_ACK)
        return false;
    const uint32_t cookie = ack->ack - 1;
    const uint32_t peer_iss = ack->seq - 1;
    const uint32_t index = cookie >> MSS_SHIFT & 7;
    const uint64_t tick = now / TCP_COOKIE_TICK_NS;
    for (uint64_t age = 0; age < TCP_COOKIE_TICKS && age <= tick; age++) {
        if (cookie != make(tcp, tuple, peer_iss, tick - age, index))
            continue;
        *syn = (struct wire_tcp){
            .src_port = ack->src_port,
            .dst_port = ack->dst_port,
            .seq = peer_iss,
            .window = ack->window,
            .flags = WIRE_TCP_SYN,
            .options = WIRE_TCP_MSS,
            .mss = mss_table[index],
        };
        return true;
    }
    return false;
}
