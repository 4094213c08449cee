// SPDX-License-Identifier: MIT
// talk_peer.c - what the peer sends: segments around a connection's numbers, SYNs, lies by ICMP.
#include "exo/bits.h"
#include "netstack/wire/arp.h"
#include "netstack/wire/eth.h"
#include "netstack/wire/icmp4.h"
#include "test/fuzz/talk.h"

#define PEER_PORT 4000u // and those behind it

// --- connections -----------------------------------------------------------------------

static struct tcp_tuple tuple_of(const struct talk *t, uint32_t who)
{
    if (who == TALK_PEERS)
        return t->ours;
    return (struct tcp_tuple){talk_here, talk_there, TALK_PORT, (uint16_t)(PEER_PORT + who)};
}

static const struct tcp_conn *conn_of(const struct talk *t, const struct tcp_tuple *tuple)
{
    static const struct tcp_conn none; // all numbers are 0 then
    struct demux_entry *e = demux_find(&t->net->demux, tuple);
    return e ? &EXO_CONTAINER(e, struct flow, entry)->conn : &none;
}

// --- frames ------------------------------------------------------------------------------

static uint32_t put_eth(uint8_t *at, uint16_t type)
{
    const struct wire_eth eth = {.dst = talk_our_mac, .src = talk_peer_mac, .type = type};
    return (uint32_t)wire_eth_emit(at, &eth);
}

static void send_frame(struct talk *t, const uint8_t *frame, uint32_t len)
{
    t->in = pkt_alloc(net_pkts(t->net), PKT_FOR_RX);
    if (t->in)
        memcpy(pkt_put(t->in, len), frame, len);
}

void talk_arp(struct talk *t)
{
    uint8_t frame[WIRE_ETH_BYTES + WIRE_ARP_BYTES];
    const struct wire_arp msg = {.op = WIRE_ARP_REQUEST,
                                 .sender_mac = talk_peer_mac,
                                 .sender_addr = talk_there,
                                 .target_addr = talk_here};
    wire_arp_emit(frame + put_eth(frame, WIRE_ETH_ARP), &msg);
    t->arp_asked = false;
    send_frame(t, frame, sizeof frame);
}

static void send_ip(struct talk *t, uint8_t *frame, uint8_t proto, uint32_t len)
{
    const struct wire_ip4 ip = wire_ip4_of(talk_there, talk_here, proto, len);
    wire_ip4_emit(frame + put_eth(frame, WIRE_ETH_IP4), &ip);
    send_frame(t, frame, WIRE_ETH_BYTES + WIRE_IP4_BYTES + len);
}

static void send_segment(struct talk *t, const struct tcp_tuple *tuple, struct wire_tcp *h,
                         uint32_t len)
{
    uint8_t frame[PKT_BUF_BYTES];
    uint8_t *bytes = frame + WIRE_ETH_BYTES + WIRE_IP4_BYTES;
    h->src_port = tuple->peer_port;
    h->dst_port = tuple->local_port;
    const uint32_t header = (uint32_t)wire_tcp_emit(bytes, h);
    for (uint32_t i = 0; i < len; i++)
        bytes[header + i] = talk_byte(h->seq + i + !!(h->flags & WIRE_TCP_SYN));
    wire_tcp_seal(bytes, (uint16_t)(header + len), talk_there, talk_here);
    send_ip(t, frame, WIRE_IP4_TCP, header + len);
}

// Where in the peer's stream a segment begins, and what it acknowledges of ours.
static uint32_t pick_seq(const struct tcp_conn *c, uint8_t choice)
{
    const uint32_t window = c->rcv_adv - c->rcv_nxt;
    const uint32_t offsets[16] = {0,
                                  0,
                                  0,
                                  (uint32_t)-1,
                                  1,
                                  100,
                                  1460,
                                  2920,
                                  window,
                                  window - 1,
                                  window + 1,
                                  c->irs - c->rcv_nxt,
                                  (uint32_t)-1460,
                                  0x80000000u,
                                  200,
                                  536};
    return c->rcv_nxt + offsets[choice & 15];
}

static uint32_t pick_ack(const struct tcp_conn *c, uint8_t choice)
{
    const uint32_t acks[16] = {
        c->snd_max,     c->snd_max,     c->snd_max,     c->snd_una,
        c->snd_una,     c->snd_nxt,     c->snd_una + 1, c->snd_una + c->snd_mss,
        c->snd_max + 1, c->snd_max - 1, c->snd_una - 1, c->snd_una - c->snd_wnd_max,
        c->iss,         c->iss + 1,     c->snd_end,     c->snd_una ^ 0x80000000u};
    return acks[choice & 15];
}

// The high bits of the flags mean blocks of SACK, one that is news and one that is none.
void talk_segment(struct talk *t, uint8_t a, uint8_t b, uint8_t c)
{
    static const uint16_t windows[] = {65535, 0, 1, 1460};
    static const uint16_t lengths[] = {0, 0, 1, 2, 100, 535, 1000, 1460};
    const struct tcp_tuple tuple = tuple_of(t, a & 3);
    const struct tcp_conn *conn = conn_of(t, &tuple);
    struct wire_tcp h = {
        .seq = pick_seq(conn, c),
        .ack = pick_ack(conn, c >> 4),
        .window = windows[a >> 2 & 3],
        .flags = b & 0x3f,
        .urgent = c,
    };
    if (conn->tcp == NULL) { // of TIME-WAIT, or remembered by a cookie
        h.seq += t->wanted;
        h.ack += t->next;
    }
    if (b & 0x40)
        h.sacks[h.sack_count++] = (struct wire_tcp_sack){h.ack - 100, h.ack};
    if (b & 0x80)
        h.sacks[h.sack_count++] =
            (struct wire_tcp_sack){conn->snd_una + conn->snd_mss, conn->snd_max};
    send_segment(t, &tuple, &h, lengths[a >> 4 & 7]);
}

void talk_syn(struct talk *t, uint8_t a, uint8_t b, uint8_t c)
{
    static const uint16_t sizes[] = {1460, 536, 0, 65535};
    const struct tcp_tuple tuple = tuple_of(t, a & 3);
    const struct tcp_conn *conn = conn_of(t, &tuple);
    struct wire_tcp h = {
        .seq = 0xffffff00u + c,
        .ack = conn->snd_max,
        .window = (uint32_t)b << 8 | c,
        .flags = (uint8_t)(WIRE_TCP_SYN | (a & 0x80 ? WIRE_TCP_ACK : 0)),
        .options = b & (WIRE_TCP_MSS | WIRE_TCP_WSCALE | WIRE_TCP_SACK_PERMITTED),
        .mss = sizes[a >> 2 & 3],
        .wscale = a >> 4 & 7,
    };
    send_segment(t, &tuple, &h, b >> 7);
}

void talk_icmp(struct talk *t, uint8_t a, uint8_t b, uint8_t c)
{
    uint8_t frame[PKT_BUF_BYTES];
    uint8_t *message = frame + WIRE_ETH_BYTES + WIRE_IP4_BYTES;
    uint8_t *quote = message + WIRE_ICMP4_BYTES;
    const struct tcp_tuple tuple = tuple_of(t, a & 3);
    const struct tcp_conn *conn = conn_of(t, &tuple);
    const struct wire_ip4 quoted = wire_ip4_of(talk_here, talk_there, WIRE_IP4_TCP, 20 + c * 8u);
    const struct be16 ports[2] = {be16_of(tuple.local_port), be16_of(tuple.peer_port)};
    const struct be32 seq = be32_of(pick_ack(conn, b >> 4));
    const struct wire_icmp4 icmp = {
        .type = WIRE_ICMP4_UNREACHABLE, .code = a >> 4, .seq = (uint16_t)((b & 15) * 100)};
    wire_ip4_emit(quote, &quoted);
    memcpy(quote + 20, ports, sizeof ports);
    memcpy(quote + 24, &seq, sizeof seq);
    wire_icmp4_emit(message, &icmp, 28);
    send_ip(t, frame, WIRE_IP4_ICMP, WIRE_ICMP4_BYTES + 28);
}
