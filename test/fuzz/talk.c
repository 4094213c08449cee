// SPDX-License-Identifier: MIT
// talk.c - a whole stack, and a peer that knows all its numbers and has no manners.
//
// An input is a list of acts of four bytes: what, and three choices. Segments are made relative
// to where a connection stands, so that most of them get far. Each byte of either stream is a
// function of its sequence number, which both ends check; the insides of the stack are checked
// after each act, and at the end every buffer is home.
#include "exo/bits.h"
#include "netstack/wire/arp.h"
#include "netstack/wire/eth.h"
#include "netstack/wire/icmp4.h"
#include "test/fuzz/targets.h"
#include "test/sim/sim.h"
#include "test/support/net_fixture.h"

#define PKTS      96u
#define PEERS     3u // connections that the peer opens; one more is ours
#define SOCKETS   4u
#define HELD      64u
#define PORT      80u
#define PEER_PORT 4000u // and those behind it

struct talk {
    struct net *net;
    void *mem;
    exo_ns now;
    struct fixture_rng rng;
    struct pkt *in; // a frame on its way in
    bool arp_asked, deaf;
    uint32_t tx_room; // frames that the link takes still
    bool holds;       // it keeps what it takes
    struct pkt *held[HELD];
    uint32_t held_count;
    struct pkt *hoard; // buffers taken away, through next
    struct socket *listener;
    struct socket *sockets[SOCKETS];
    uint32_t heard[SOCKETS], said[SOCKETS];
    struct tcp_tuple ours; // of the connection that we opened last
    uint32_t next, wanted; // what the last segment of the stack's ended with, and acknowledged
};

static const struct ip4 here = {{10, 0, 2, 15}};
static const struct ip4 there = {{10, 0, 2, 2}};
static const struct mac our_mac = {{2, 0, 0, 0, 0, 1}};
static const struct mac peer_mac = {{2, 0, 0, 0, 0, 2}};

static uint8_t byte_of(uint32_t seq)
{
    return (uint8_t)(seq * 31 + (seq >> 8) * 17 + 7);
}

// --- connections -----------------------------------------------------------------------

static struct tcp_tuple tuple_of(const struct talk *t, uint32_t who)
{
    if (who == PEERS)
        return t->ours;
    return (struct tcp_tuple){here, there, PORT, (uint16_t)(PEER_PORT + who)};
}

static const struct tcp_conn *conn_of(const struct talk *t, const struct tcp_tuple *tuple)
{
    static const struct tcp_conn none; // all numbers are 0 then
    struct demux_entry *e = demux_find(&t->net->demux, tuple);
    return e ? &EXO_CONTAINER(e, struct flow, entry)->conn : &none;
}

// --- the link --------------------------------------------------------------------------

static uint32_t put_eth(uint8_t *at, uint16_t type)
{
    const struct wire_eth eth = {.dst = our_mac, .src = peer_mac, .type = type};
    return (uint32_t)wire_eth_emit(at, &eth);
}

static void send_frame(struct talk *t, const uint8_t *frame, uint32_t len)
{
    t->in = pkt_alloc(net_pkts(t->net), PKT_FOR_RX);
    if (t->in)
        memcpy(pkt_put(t->in, len), frame, len);
}

static void answer_arp(struct talk *t)
{
    uint8_t frame[WIRE_ETH_BYTES + WIRE_ARP_BYTES];
    const struct wire_arp msg = {
        .op = WIRE_ARP_REQUEST, .sender_mac = peer_mac, .sender_addr = there, .target_addr = here};
    wire_arp_emit(frame + put_eth(frame, WIRE_ETH_ARP), &msg);
    t->arp_asked = false;
    send_frame(t, frame, sizeof frame);
}

static uint32_t link_rx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct talk *t = ctx;
    if (!t->in && t->arp_asked && !t->deaf)
        answer_arp(t);
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
        exo_assert(bytes[i] == byte_of(seg.seq + i - seg.header_len));
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
    exo_assert(wire_eth_parse(&eth, frame->data, frame->len) && mac_eq(eth.src, our_mac));
    const uint8_t *datagram = frame->data + WIRE_ETH_BYTES;
    if (eth.type == WIRE_ETH_ARP) {
        exo_assert(wire_arp_parse(&arp, datagram, frame->len - WIRE_ETH_BYTES));
        t->arp_asked |= arp.op == WIRE_ARP_REQUEST && ip4_eq(arp.target_addr, there);
        return;
    }
    exo_assert(wire_ip4_parse(&ip, datagram, frame->len - WIRE_ETH_BYTES));
    exo_assert(ip4_eq(ip.src, here) && ip.ttl == 64 && ip.dont_fragment);
    if (ip.proto == WIRE_IP4_TCP)
        check_segment(t, datagram + ip.header_len, (uint16_t)(ip.total_len - ip.header_len), &ip);
}

static uint32_t link_tx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct talk *t = ctx;
    uint32_t taken = 0;
    for (; taken < n && t->tx_room; taken++, t->tx_room--) {
        check_frame(t, pkts[taken]);
        if (t->holds && t->held_count < HELD)
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

// --- the peer --------------------------------------------------------------------------

static void send_ip(struct talk *t, uint8_t *frame, uint8_t proto, uint32_t len)
{
    const struct wire_ip4 ip = wire_ip4_of(there, here, proto, len);
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
        bytes[header + i] = byte_of(h->seq + i + !!(h->flags & WIRE_TCP_SYN));
    wire_tcp_seal(bytes, (uint16_t)(header + len), there, here);
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
static void act_segment(struct talk *t, uint8_t a, uint8_t b, uint8_t c)
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

static void act_syn(struct talk *t, uint8_t a, uint8_t b, uint8_t c)
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

static void act_icmp(struct talk *t, uint8_t a, uint8_t b, uint8_t c)
{
    uint8_t frame[PKT_BUF_BYTES];
    uint8_t *message = frame + WIRE_ETH_BYTES + WIRE_IP4_BYTES;
    uint8_t *quote = message + WIRE_ICMP4_BYTES;
    const struct tcp_tuple tuple = tuple_of(t, a & 3);
    const struct tcp_conn *conn = conn_of(t, &tuple);
    const struct wire_ip4 quoted = wire_ip4_of(here, there, WIRE_IP4_TCP, 20 + c * 8u);
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
    if (socket_connect(t->net, (struct endpoint){there, 7}, t->now, &t->sockets[i]) == 0)
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
            room.ptr[k] = byte_of(seq + t->said[i] + k);
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
            exo_assert(bytes.ptr[k] == byte_of(seq + t->heard[i] + k));
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
    const uint32_t i = a % SOCKETS;
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
                                      .addr = here,
                                      .prefix_len = 24};
    const struct net_link link = {
        .rx = link_rx, .tx = link_tx, .ctx = t, .mac = our_mac, .mtu_bytes = 1500};
    const struct net_env env = fixture_env(&t->rng, 1);
    t->mem = aligned_alloc(64, net_bytes(&config));
    exo_assert(net_init(&t->net, t->mem, &config, &env, &link, t->now) == 0);
    exo_assert(socket_listen(t->net, PORT, 2, &t->listener) == 0);
    answer_arp(t);
    turn(t);
}

static void end(struct talk *t)
{
    act_link(t, 0, 0, 0);
    for (uint32_t i = 0; i < SOCKETS; i++)
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
    static void (*const acts[])(struct talk *, uint8_t, uint8_t,
                                uint8_t) = {act_segment, act_segment, act_segment, act_app, act_app,
                                            act_time,    act_syn,     act_link,    act_icmp};
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
