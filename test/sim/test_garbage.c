// SPDX-License-Identifier: MIT
// test_garbage.c - a stranger on the wire, while honest work goes on beside him.
//
//     stack 0 ── honest connection (port 80), victim (port 81) ── stack 1 ◄── the stranger
//
// The stranger sends noise, forged segments around the victim's windows, broken options,
// ARP, ICMP and UDP of any shape. The honest bytes arrive whole, nothing faults, and all
// memory comes home.
#include "test/sim/sim.h"

#include "netstack/wire/eth.h"
#include "netstack/wire/icmp4.h"
#include <string.h>

#define FRAMES      100000u
#define HONEST_PORT 80u
#define VICTIM_PORT 81u

struct stage {
    struct twins w;
    uint64_t rng;
    struct socket *honest_listener, *victim_listener;
    struct socket *honest[2];
    struct socket *victim;     // stack 0's end
    struct socket *victims[8]; // accepted ends
    uint32_t said, heard;
};

static uint32_t roll(struct stage *s, uint32_t below)
{
    return (uint32_t)(test_random(&s->rng) % below);
}

static void fill(struct stage *s, uint8_t *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)test_random(&s->rng);
}

// --- the stranger's frames ---------------------------------------------------------------

static const struct mac target_mac = {{2, 0, 0, 0, 0, 2}};
static const struct ip4 target = {{10, 0, 0, 2}};

static uint32_t put_eth(uint8_t *at, struct stage *s, uint16_t type)
{
    struct wire_eth eth = {.dst = target_mac, .src = {{2, 9, 9, 9, 9, 9}}, .type = type};
    if (roll(s, 10) == 0)
        eth.dst = wire_eth_broadcast;
    return (uint32_t)wire_eth_emit(at, &eth);
}

static uint32_t put_ip(uint8_t *at, struct ip4 src, uint8_t proto, uint32_t len)
{
    const struct wire_ip4 ip = wire_ip4_of(src, target, proto, len);
    return (uint32_t)wire_ip4_emit(at, &ip);
}

// Anybody but the honest peer: whoever owns the cable can always claim to be him.
static struct ip4 somebody(struct stage *s)
{
    return roll(s, 2) ? ip4_of(10, 0, 0, (uint8_t)(3 + roll(s, 250)))
                      : ip4_from((uint32_t)test_random(&s->rng));
}

static uint32_t make_noise(struct stage *s, uint8_t *f)
{
    const uint32_t len = roll(s, 1514);
    fill(s, f, len);
    if (len >= 14 && roll(s, 2)) {
        put_eth(f, s, roll(s, 2) ? WIRE_ETH_IP4 : WIRE_ETH_ARP);
        if (len >= 15 && roll(s, 2))
            f[14] = 0x45;
    }
    return len;
}

static uint32_t make_arp(struct stage *s, uint8_t *f)
{
    put_eth(f, s, WIRE_ETH_ARP);
    static const uint8_t fixed[] = {0, 1, 8, 0, 6, 4, 0};
    memcpy(f + 14, fixed, sizeof fixed);
    f[21] = (uint8_t)(1 + roll(s, 3));
    fill(s, f + 22, 20);
    const struct ip4 who = ip4_of(10, 0, 0, (uint8_t)(3 + roll(s, 250)));
    memcpy(f + 28, who.b, 4);
    if (roll(s, 4))
        memcpy(f + 38, target.b, 4);
    return 42 + roll(s, 20);
}

static uint32_t make_udp(struct stage *s, uint8_t *f)
{
    const uint32_t len = 8 + roll(s, 600);
    uint32_t at = put_eth(f, s, WIRE_ETH_IP4);
    at += put_ip(f + at, somebody(s), WIRE_IP4_UDP, len);
    fill(s, f + at, len);
    f[at + 4] = (uint8_t)(len >> 8);
    f[at + 5] = (uint8_t)len;
    f[at + 6] = f[at + 7] = 0;
    return at + len;
}

// The end under attack; the stranger knows all its numbers.
static const struct tcp_conn *victim_of(struct stage *s)
{
    struct net *net = s->w.t[1].net;
    if (!s->victim)
        return NULL;
    const struct tcp_tuple *t = &flow_of(s->victim)->conn.tuple;
    const struct tcp_tuple there = {t->peer, t->local, t->peer_port, t->local_port};
    struct demux_entry *e = demux_find(&net->demux, &there);
    return e ? &EXO_CONTAINER(e, struct flow, entry)->conn : NULL;
}

static uint32_t make_icmp(struct stage *s, uint8_t *f)
{
    const struct tcp_conn *v = victim_of(s);
    const uint32_t len = 28 + roll(s, 100);
    uint32_t at = put_eth(f, s, WIRE_ETH_IP4);
    at += put_ip(f + at, somebody(s), WIRE_IP4_ICMP, 8 + len);
    uint8_t *body = f + at + 8;
    fill(s, body, len);
    if (v && roll(s, 2)) { // an error about the victim's other end
        const struct wire_ip4 quoted = wire_ip4_of(target, v->tuple.peer, WIRE_IP4_TCP, 20);
        wire_ip4_emit(body, &quoted);
        const struct be16 ports[2] = {be16_of(VICTIM_PORT), be16_of(v->tuple.peer_port)};
        const struct be32 seq = be32_of(v->snd_nxt - roll(s, 3000));
        memcpy(body + 20, ports, 4);
        memcpy(body + 24, &seq, 4);
    }
    const struct wire_icmp4 icmp = {.type = (uint8_t)roll(s, 19), .code = (uint8_t)roll(s, 16)};
    wire_icmp4_emit(f + at, &icmp, len);
    return at + 8 + len;
}

// Blocks of numbers that were sent, or nearly, or from nowhere.
static void put_sacks(struct stage *s, struct wire_tcp *h, const struct tcp_conn *v)
{
    if (h->options)
        return;
    h->sack_count = 1 + roll(s, WIRE_TCP_SACKS);
    for (uint32_t i = 0; i < h->sack_count; i++) {
        const uint32_t left =
            roll(s, 8) ? v->snd_max - roll(s, 5000) + 200 : (uint32_t)test_random(&s->rng);
        h->sacks[i] = (struct wire_tcp_sack){left, left + roll(s, 3000) - 200};
    }
}

// A segment around the victim's numbers, or from nowhere; sometimes with broken options.
static uint32_t make_tcp(struct stage *s, uint8_t *f)
{
    const struct tcp_conn *v = victim_of(s);
    const bool about_victim = v && roll(s, 3);
    const struct ip4 src = about_victim ? v->tuple.peer : somebody(s);
    const uint32_t spread = roll(s, 3) ? 3000 : 140000;
    uint8_t segment[1460];
    struct wire_tcp h = {
        .src_port = about_victim ? v->tuple.peer_port : (uint16_t)roll(s, 65536),
        .dst_port = (uint16_t)(roll(s, 8) ? VICTIM_PORT : roll(s, 65536)),
        .seq = about_victim ? v->rcv_nxt + roll(s, spread) - spread / 2
                            : (uint32_t)test_random(&s->rng),
        .ack = about_victim ? v->snd_max - roll(s, 4000) + 200 : (uint32_t)test_random(&s->rng),
        .window = roll(s, 4) ? roll(s, 65536) : 0,
        .urgent = (uint16_t)roll(s, 65536),
        .flags = (uint8_t)(roll(s, 3) ? WIRE_TCP_ACK : roll(s, 256)),
        .mss = (uint16_t)roll(s, 65536),
        .wscale = (uint8_t)roll(s, 15),
    };
    if (h.flags & WIRE_TCP_SYN && roll(s, 2))
        h.options = WIRE_TCP_MSS | WIRE_TCP_WSCALE | WIRE_TCP_SACK_PERMITTED;
    if (v && roll(s, 4) == 0)
        put_sacks(s, &h, v);
    uint32_t header = (uint32_t)wire_tcp_emit(segment, &h);
    if (roll(s, 4) == 0) { // up to 40 bytes of anything as options
        const uint32_t words = roll(s, 11);
        fill(s, segment + header, words * 4);
        header += words * 4;
        header = header > 60 ? 60 : header;
        segment[12] = (uint8_t)(header / 4 << 4);
    }
    const uint32_t len = header + (roll(s, 2) ? roll(s, 1400) : 0);
    fill(s, segment + header, len - header);
    if (roll(s, 8) == 0)
        segment[roll(s, 20)] ^= (uint8_t)(1u << roll(s, 8)); // behind emit, before the seal
    wire_tcp_seal(segment, (uint16_t)len, src, target);
    uint32_t at = put_eth(f, s, WIRE_ETH_IP4);
    at += put_ip(f + at, src, WIRE_IP4_TCP, len);
    memcpy(f + at, segment, len);
    return at + len;
}

static uint32_t make_frame(struct stage *s, uint8_t *f)
{
    static uint32_t (*const makers[])(struct stage *, uint8_t *) = {
        make_noise, make_arp, make_udp, make_icmp, make_tcp, make_tcp, make_tcp, make_tcp};
    uint32_t len = makers[roll(s, EXO_COUNT(makers))](s, f);
    if (len && roll(s, 4) == 0)
        for (uint32_t n = roll(s, 4); n; n--)
            f[roll(s, len)] ^= (uint8_t)test_random(&s->rng);
    if (len && roll(s, 16) == 0)
        len = roll(s, len);
    // Mutation may have made an ARP message about the honest peer: leave that one out.
    if (len >= 32 && f[12] == 8 && f[13] == 6 && f[28] == 10 && f[31] < 3)
        f[31] = 77;
    return len;
}

static void send_garbage(struct stage *s)
{
    static uint8_t frame[2048];
    const uint32_t len = make_frame(s, frame);
    struct pkt *pkt = pkt_alloc(net_pkts(s->w.t[1].net), PKT_FOR_RX);
    if (!pkt)
        return;
    memcpy(pkt_put(pkt, len), frame, len);
    pkt_queue_push(&s->w.loop.ends[1].rx, pkt);
}

// --- the honest work ---------------------------------------------------------------------

static void honest_work(struct stage *s)
{
    uint8_t bytes[4000];
    for (uint32_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((s->said + i) * 7 + ((s->said + i) >> 8));
    if (s->said - s->heard < 100000) {
        const int n = socket_send(s->honest[0], bytes, roll(s, sizeof bytes));
        REQUIRE(n >= 0 || n == -11, "the honest sender got %d", n);
        s->said += n > 0 ? (uint32_t)n : 0;
    }
    int n;
    while ((n = socket_recv(s->honest[1], bytes, sizeof bytes)) > 0)
        for (int i = 0; i < n; i++, s->heard++)
            REQUIRE(bytes[i] == (uint8_t)(s->heard * 7 + (s->heard >> 8)), "honest byte %u",
                    s->heard);
    REQUIRE(n == -11, "the honest reader got %d", n);
}

// The victim's app does all that an app can do, at any time.
static void victim_work(struct stage *s)
{
    static uint8_t bytes[3000];
    struct net *net = s->w.t[0].net;
    if (s->victim && (socket_error(s->victim) || roll(s, 15) == 0)) {
        // A close in order waits long for a peer that forgery has confused.
        if (roll(s, 20))
            socket_abort(s->victim);
        else
            socket_close(s->victim);
        s->victim = NULL;
    }
    if (!s->victim)
        socket_connect(net, (struct endpoint){target, VICTIM_PORT}, s->w.now, &s->victim);
    if (s->victim)
        socket_send(s->victim, bytes, roll(s, sizeof bytes));
    struct socket **slot = &s->victims[roll(s, EXO_COUNT(s->victims))];
    if (!*slot)
        socket_accept(s->victim_listener, slot);
    if (!*slot)
        return;
    switch (roll(s, 12)) {
    case 0:
        socket_close(*slot);
        *slot = NULL;
        break;
    case 1:
        socket_abort(*slot);
        *slot = NULL;
        break;
    case 2:
        socket_shutdown(*slot);
        break;
    case 3:
        socket_send(*slot, bytes, roll(s, sizeof bytes));
        break;
    default:
        socket_recv(*slot, bytes, roll(s, sizeof bytes));
        break;
    }
    while (net_ready(s->w.t[1].net))
        ;
}

static void begin(struct stage *s)
{
    struct net_config config = test_config();
    static const struct link_fault_knobs cable = {.delay = EXO_US(300)};
    twins_init(&s->w, &config, &cable, 5, EXO_S(1));
    s->rng = 99;
    ck_assert_int_eq(socket_listen(s->w.t[1].net, HONEST_PORT, 8, &s->honest_listener), 0);
    ck_assert_int_eq(socket_listen(s->w.t[1].net, VICTIM_PORT, 8, &s->victim_listener), 0);
    ck_assert_int_eq(socket_connect(s->w.t[0].net, (struct endpoint){target, HONEST_PORT}, s->w.now,
                                    &s->honest[0]),
                     0);
    while (socket_accept(s->honest_listener, &s->honest[1]) != 0) {
        twins_poll(&s->w);
        twins_advance(&s->w, s->w.now + EXO_MS(1));
    }
}

static void end(struct stage *s)
{
    for (uint32_t i = 0; i < EXO_COUNT(s->victims); i++)
        if (s->victims[i])
            socket_abort(s->victims[i]);
    if (s->victim)
        socket_abort(s->victim);
    socket_close(s->honest[0]);
    socket_close(s->honest[1]);
    socket_close(s->honest_listener);
    socket_close(s->victim_listener);
    const exo_ns until = s->w.now + EXO_S(400);
    while (s->w.now < until) {
        twins_poll(&s->w);
        twins_advance(&s->w, until);
    }
    for (uint32_t i = 0; i < 2; i++) {
        const struct net_stats stats = net_stats(s->w.t[i].net);
        ck_assert_uint_eq(stats.pkts_free, stats.pkts_total);
        ck_assert_uint_eq(stats.tcp_conns, 0);
        ck_assert_uint_eq(stats.tcp_time_wait, 0);
    }
    twins_fini(&s->w);
}

START_TEST(honest_bytes_survive_a_stranger)
{
    static struct stage s;
    begin(&s);
    for (uint32_t i = 0; i < FRAMES; i++) {
        send_garbage(&s);
        if (i % 8)
            continue;
        twins_poll(&s.w);
        honest_work(&s);
        victim_work(&s);
        const exo_ns until = s.w.now + EXO_US(500);
        while (s.w.now < until) {
            twins_poll(&s.w);
            twins_advance(&s.w, until);
        }
        if (i % 64 == 0)
            sim_check_net(s.w.t[1].net, "garbage");
    }
    const struct net_stats stats = net_stats(s.w.t[1].net);
    printf("honest bytes %u; drops: eth %lu arp %lu ip %lu icmp %lu udp %lu tcp %lu state %lu; "
           "reset %lu accepted %lu out of order %lu\n",
           s.heard, stats.drop_eth, stats.drop_arp, stats.drop_ip, stats.drop_icmp, stats.drop_udp,
           stats.drop_tcp, stats.drop_tcp_state, stats.tcp_reset, stats.tcp_accepted,
           stats.tcp_out_of_order);
    ck_assert_uint_gt(s.heard, 1000000);
    ck_assert_uint_gt(stats.tcp_accepted, 500);
    ck_assert_uint_gt(stats.tcp_out_of_order, 500);
    end(&s);
}
END_TEST

CHECK_MAIN("sim.garbage", honest_bytes_survive_a_stranger)
