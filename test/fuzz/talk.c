// SPDX-License-Identifier: MIT
// talk.c - a whole stack, and a peer that knows all its numbers and has no manners.
//
// An input is a list of acts of four bytes: what, and three choices. Segments are made relative
// to where a connection stands, so that most of them get far. Each byte of either stream is a
// function of its sequence number, which both ends check; the insides of the stack are checked
// after each act, and at the end every buffer is home.
#include "test/fuzz/talk.h"

#include "exo/bits.h"
#include "netstack/wire/arp.h"
#include "netstack/wire/eth.h"
#include "test/fuzz/targets.h"
#include "test/sim/sim.h"

#define PKTS 96u

// --- the link --------------------------------------------------------------------------

static uint32_t link_rx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct talk *t = ctx;
    if (!t->in && t->arp_asked && !t->deaf)
        talk_arp(t);
    if (!t->in || n == 0)
        return 0;
    pkts[0] = t->in;
    t->in = NULL;
    return 1;
}

// What our segments say is true, whoever asked for them.
static void check_segment(struct talk *t, const uint8_t *bytes, uint16_t len,
                          const struct wire_ip4 *ip)
{
    struct wire_tcp seg;
    exo_assert(wire_tcp_verify(bytes, len, ip->src, ip->dst));
    exo_assert(wire_tcp_parse(&seg, bytes, len));
    exo_assert(!(seg.flags & WIRE_TCP_SYN) || len == seg.header_len);
    for (uint32_t i = seg.header_len; i < len; i++)
        exo_assert(bytes[i] == talk_byte(seg.seq + i - seg.header_len));
    const uint32_t controls = !!(seg.flags & WIRE_TCP_SYN) + !!(seg.flags & WIRE_TCP_FIN);
    t->next = seg.seq + len - seg.header_len + controls;
    t->wanted = seg.ack;
}

static void check_frame(struct talk *t, const struct pkt *frame)
{
    struct wire_eth eth;
    struct wire_arp arp;
    struct wire_ip4 ip;
    exo_assert(frame->len >= WIRE_ETH_MIN_BYTES && frame->len <= WIRE_ETH_BYTES + 1500);
    exo_assert(wire_eth_parse(&eth, frame->data, frame->len) && mac_eq(eth.src, talk_our_mac));
    const uint8_t *datagram = frame->data + WIRE_ETH_BYTES;
    if (eth.type == WIRE_ETH_ARP) {
        exo_assert(wire_arp_parse(&arp, datagram, frame->len - WIRE_ETH_BYTES));
        t->arp_asked |= arp.op == WIRE_ARP_REQUEST && ip4_eq(arp.target_addr, talk_there);
        return;
    }
    exo_assert(wire_ip4_parse(&ip, datagram, frame->len - WIRE_ETH_BYTES));
    exo_assert(ip4_eq(ip.src, talk_here) && ip.ttl == 64 && ip.dont_fragment);
    if (ip.proto == WIRE_IP4_TCP)
        check_segment(t, datagram + ip.header_len, (uint16_t)(ip.total_len - ip.header_len), &ip);
}

static uint32_t link_tx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct talk *t = ctx;
    uint32_t taken = 0;
    for (; taken < n && t->tx_room; taken++, t->tx_room--) {
        check_frame(t, pkts[taken]);
        if (t->holds && t->held_count < TALK_HELD)
            t->held[t->held_count++] = pkts[taken];
        else
            pkt_free(pkts[taken]);
    }
    return taken;
}

static void let_go(struct talk *t)
{
    while (t->held_count)
        pkt_free(t->held[--t->held_count]);
}

static void give_back(struct talk *t)
{
    while (t->hoard) {
        struct pkt *next = t->hoard->next;
        pkt_free(t->hoard);
        t->hoard = next;
    }
}

// --- the app -----------------------------------------------------------------------------

static void forget(struct talk *t, uint32_t i)
{
    t->sockets[i] = NULL;
    t->said[i] = t->heard[i] = 0;
}

static void app_opens(struct talk *t, uint32_t i, bool connects)
{
    if (t->sockets[i])
        return;
    if (!connects) {
        if (socket_accept(t->listener, &t->sockets[i]) != 0)
            forget(t, i);
        return;
    }
    if (socket_connect(t->net, (struct endpoint){talk_there, 7}, t->now, &t->sockets[i]) == 0)
        t->ours = flow_of(t->sockets[i])->conn.tuple;
    else
        forget(t, i);
}

static void app_speaks(struct talk *t, uint32_t i, uint32_t len)
{
    const uint32_t seq = flow_of(t->sockets[i])->conn.iss + 1;
    struct span room;
    while (len && socket_reserve(t->sockets[i], &room) == 0) {
        const uint32_t n = EXO_MIN(len, (uint32_t)room.len);
        for (uint32_t k = 0; k < n; k++)
            room.ptr[k] = talk_byte(seq + t->said[i] + k);
        socket_commit(t->sockets[i], n);
        t->said[i] += n;
        len -= n;
    }
}

static void app_listens(struct talk *t, uint32_t i, uint32_t len)
{
    const uint32_t seq = flow_of(t->sockets[i])->conn.irs + 1;
    struct cspan bytes;
    while (len && socket_peek(t->sockets[i], &bytes) == 1) {
        const uint32_t n = EXO_MIN(len, (uint32_t)bytes.len);
        for (uint32_t k = 0; k < n; k++)
            exo_assert(bytes.ptr[k] == talk_byte(seq + t->heard[i] + k));
        socket_consume(t->sockets[i], n);
        t->heard[i] += n;
        len -= n;
    }
}

static void app_ends(struct talk *t, uint32_t i, uint8_t how)
{
    switch (how % 4) {
    case 0:
        socket_shutdown(t->sockets[i]);
        return;
    case 1:
        socket_set_nagle(t->sockets[i], how & 4);
        return;
    case 2:
        socket_close(t->sockets[i]);
        break;
    default:
        socket_abort(t->sockets[i]);
        break;
    }
    forget(t, i);
}

static void act_app(struct talk *t, uint8_t a, uint8_t b, uint8_t c)
{
    const uint32_t i = a % TALK_SOCKETS;
    const uint32_t len = (uint32_t)(b & 15) << (c & 7) | 1;
    if (!t->sockets[i])
        app_opens(t, i, c & 0x80);
    else if (b < 0x60)
        app_speaks(t, i, len);
    else if (b < 0xe0)
        app_listens(t, i, len);
    else
        app_ends(t, i, c);
}

// --- time, the link, the pool ----------------------------------------------------------

static void act_time(struct talk *t, uint8_t a, uint8_t b, uint8_t c)
{
    const exo_ns step = EXO_US(100) << (b & 15);
    const exo_ns due = net_deadline(t->net);
    t->now += step;
    if (a & 1 && due != EXO_NS_NEVER)
        t->now = EXO_MAX(t->now, EXO_MIN(due, t->now + EXO_S(c)));
}

static void act_link(struct talk *t, uint8_t a, uint8_t b, uint8_t c)
{
    t->tx_room = a & 1 ? b : UINT32_MAX;
    t->holds = a & 2;
    t->deaf = (a & 0x0c) == 0x0c;
    if (!t->holds)
        let_go(t);
    give_back(t);
    for (uint32_t n = a & 0x10 ? c : 0; n; n--) {
        struct pkt *pkt = pkt_alloc(net_pkts(t->net), PKT_FOR_STACK);
        if (!pkt)
            return;
        pkt->next = t->hoard;
        t->hoard = pkt;
    }
}

// --- all of it -----------------------------------------------------------------------------

static void turn(struct talk *t)
{
    for (uint32_t i = 0; i < 8 && net_poll(t->net, t->now, 64); i++) {
    }
    pkt_free(t->in); // what the stack had no room to look at is lost
    t->in = NULL;
    while (net_ready(t->net)) {
    }
    sim_check_net(t->net, "talk");
}

static void begin(struct talk *t)
{
    const struct net_config config = {.pkts = PKTS,
                                      .tcp_conns = 5,
                                      .tcp_time_wait = 2,
                                      .udp_sockets = 1,
                                      .listeners = 1,
                                      .rx_window_bytes = 16 * 1024,
                                      .tx_buffer_bytes = 16 * 1024,
                                      .addr = talk_here,
                                      .prefix_len = 24};
    const struct net_link link = {
        .rx = link_rx, .tx = link_tx, .ctx = t, .mac = talk_our_mac, .mtu_bytes = 1500};
    const struct net_env env = fixture_env(&t->rng, 1);
    t->mem = aligned_alloc(64, net_bytes(&config));
    exo_assert(net_init(&t->net, t->mem, &config, &env, &link, t->now) == 0);
    exo_assert(socket_listen(t->net, TALK_PORT, 2, &t->listener) == 0);
    talk_arp(t);
    turn(t);
}

static void end(struct talk *t)
{
    act_link(t, 0, 0, 0);
    for (uint32_t i = 0; i < TALK_SOCKETS; i++)
        if (t->sockets[i])
            app_ends(t, i, 2);
    socket_close(t->listener);
    turn(t);
    for (uint32_t i = 0; i < 1000 && net_deadline(t->net) != EXO_NS_NEVER; i++) {
        t->now = EXO_MAX(t->now, net_deadline(t->net));
        turn(t);
    }
    const struct net_stats stats = net_stats(t->net);
    exo_assert(stats.pkts_free == stats.pkts_total && stats.tcp_conns + stats.tcp_time_wait == 0);
    exo_assert(net_deadline(t->net) == EXO_NS_NEVER);
    free(t->mem);
}

void fuzz_run_talk(const uint8_t *bytes, size_t len)
{
    static void (*const acts[])(struct talk *, uint8_t, uint8_t, uint8_t) = {
        talk_segment, talk_segment, talk_segment, act_app,  act_app,
        act_time,     talk_syn,     act_link,     talk_icmp};
    struct talk t = {.now = EXO_S(20000), .tx_room = UINT32_MAX};
    begin(&t);
    for (size_t i = 0; i + 4 <= len && i < 4 * 400; i += 4) {
        acts[bytes[i] % EXO_COUNT(acts)](&t, bytes[i + 1], bytes[i + 2], bytes[i + 3]);
        turn(&t);
    }
    end(&t);
}

// Open, accept, a segment there, an answer back, and the end.
size_t fuzz_seed_talk(uint8_t *out)
{
    static const uint8_t acts[][4] = {
        {6, 0x00, 0xff, 0x10},
        {0, 0x00, WIRE_TCP_ACK, 0x00},
        {3, 0, 0, 0},
        {0, 0x70, WIRE_TCP_ACK, 0x00},
        {3, 0, 0x6f, 7},
        {3, 0, 0x0f, 7},
        {0, 0x70, WIRE_TCP_ACK, 0x06},
        {0, 0x40, WIRE_TCP_ACK, 0x05},
        {5, 1, 0, 1},
        {3, 0, 0x0f, 7},
        {0, 0x00, WIRE_TCP_ACK, 0x30},
        {3, 1, 0, 0x80},
        {5, 0, 4, 0},
        {6, 0x83, 0xff, 0x20},
        {0, 0x03, WIRE_TCP_ACK, 0x00},
        {3, 1, 0x0f, 6},
        {8, 0x43, 0x36, 0xbb},
        {0, 0x00, WIRE_TCP_ACK | WIRE_TCP_FIN, 0x00},
        {3, 0, 0xe0, 2},
    };
    memcpy(out, acts, sizeof acts);
    return sizeof acts;
}
