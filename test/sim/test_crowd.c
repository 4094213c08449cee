// SPDX-License-Identifier: MIT
// test_crowd.c - many connections: one after another, half open, and all at once.
#include "test/sim/sim.h"

#include "netstack/wire/eth.h"
#include <string.h>

static void pass(struct twins *w, exo_ns time)
{
    const exo_ns until = w->now + time;
    while (w->now < until) {
        twins_poll(w);
        twins_advance(w, until);
    }
    twins_poll(w);
}

static void check_home(struct twins *w)
{
    pass(w, EXO_S(200));
    for (uint32_t i = 0; i < 2; i++) {
        const struct net_stats stats = net_stats(w->t[i].net);
        ck_assert_uint_eq(stats.pkts_free, stats.pkts_total);
        ck_assert_uint_eq(stats.tcp_conns, 0);
        ck_assert_uint_eq(stats.tcp_time_wait, 0);
    }
}

static const struct endpoint server = {{{10, 0, 0, 2}}, 80};

static void send_syn(struct twins *w, uint64_t *rng)
{
    struct pkt *pkt = pkt_alloc(net_pkts(w->t[1].net), PKT_FOR_RX);
    if (!pkt)
        return;
    const uint64_t r = test_random(rng);
    // From neighbours that do not exist: answers to them wait for ARP, and are given up.
    const struct ip4 src = ip4_of(10, 0, 0, (uint8_t)(3 + r % 250));
    const struct wire_eth eth = {.dst = {{2, 0, 0, 0, 0, 2}}, .type = WIRE_ETH_IP4};
    const struct wire_ip4 ip = wire_ip4_of(src, server.addr, WIRE_IP4_TCP, 20);
    const struct wire_tcp syn = {.src_port = (uint16_t)(r >> 16),
                                 .dst_port = 80,
                                 .seq = (uint32_t)(r >> 32),
                                 .window = 1000,
                                 .flags = WIRE_TCP_SYN};
    wire_eth_emit(pkt_put(pkt, 14), &eth);
    wire_ip4_emit(pkt_put(pkt, 20), &ip);
    uint8_t *segment = pkt_put(pkt, 20);
    wire_tcp_emit(segment, &syn);
    wire_tcp_seal(segment, 20, src, server.addr);
    pkt_queue_push(&w->loop.ends[1].rx, pkt);
}

// Opens, says a word, hears it back, closes. False: it took more than
// ten seconds. Meanwhile `flood` SYNs come at each moment.
static bool converse(struct twins *w, struct socket *listener, uint32_t flood, uint64_t *rng)
{
    struct socket *c, *s = NULL;
    char word[8] = "";
    REQUIRE(socket_connect(w->t[0].net, server, w->now, &c) == 0, "no connection left");
    const exo_ns until = w->now + EXO_S(10);
    bool said = false, heard = false;
    while (!heard && w->now < until) {
        twins_poll(w);
        if (!said && socket_events(c) & SOCKET_WRITABLE)
            said = socket_send(c, "hello", 5) == 5;
        if (!s && socket_accept(listener, &s) != 0)
            s = NULL;
        if (s && socket_recv(s, word, 5) == 5)
            socket_send(s, word, 5);
        heard = socket_recv(c, word, 5) == 5;
        for (uint32_t i = 0; i < flood; i++)
            send_syn(w, rng);
        twins_advance(w, w->now + EXO_MS(1));
    }
    socket_close(c);
    twins_poll(w);
    if (s)
        socket_close(s);
    twins_poll(w);
    return heard;
}

START_TEST(ten_thousand_connections_in_a_row)
{
    static struct twins w;
    struct socket *listener;
    const struct net_config config = test_config();
    twins_init(&w, &config, NULL, 3, EXO_S(1));
    ck_assert_int_eq(socket_listen(w.t[1].net, 80, 8, &listener), 0);
    for (uint32_t i = 0; i < 10000; i++)
        REQUIRE(converse(&w, listener, 0, NULL), "connection %u", i);
    socket_close(listener);
    check_home(&w);
    twins_fini(&w);
}
END_TEST

START_TEST(newcomers_are_served_during_a_flood)
{
    static struct twins w;
    struct socket *listener;
    struct net_config config = test_config();
    static const struct link_fault_knobs cable = {.delay = EXO_MS(5)};
    uint64_t rng = 1;
    config.tcp_conns = 256;
    twins_init(&w, &config, &cable, 3, EXO_S(1));
    ck_assert_int_eq(socket_listen(w.t[1].net, 80, 64, &listener), 0);
    // A hundred at each moment: more in a round trip than the backlog holds.
    for (uint32_t i = 0; i < 50; i++)
        REQUIRE(converse(&w, listener, 100, &rng), "newcomer %u", i);
    const struct net_stats stats = net_stats(w.t[1].net);
    printf("%lu cookies sent, %lu taken, %lu frames\n", stats.tcp_cookies_sent,
           stats.tcp_cookies_taken, stats.rx_frames);
    ck_assert_uint_gt(stats.tcp_cookies_sent, 10000);
    ck_assert_uint_ge(stats.tcp_cookies_taken, 40);
    socket_close(listener);
    check_home(&w);
    twins_fini(&w);
}
END_TEST

START_TEST(a_full_table_says_so_and_recovers)
{
    static struct twins w;
    struct socket *listener, *c[64], *more;
    const struct net_config config = test_config();
    twins_init(&w, &config, NULL, 3, EXO_S(1));
    ck_assert_int_eq(socket_listen(w.t[1].net, 80, 64, &listener), 0);
    for (uint32_t i = 0; i < 64; i++)
        ck_assert_int_eq(socket_connect(w.t[0].net, server, w.now, &c[i]), 0);
    ck_assert_int_eq(socket_connect(w.t[0].net, server, w.now, &more), -12);
    pass(&w, EXO_S(1));
    uint32_t writable = 0;
    for (uint32_t i = 0; i < 64; i++) {
        writable += socket_events(c[i]) == SOCKET_WRITABLE;
        socket_abort(c[i]);
    }
    ck_assert_uint_ge(writable, 32);
    pass(&w, EXO_S(1));
    while (socket_accept(listener, &more) == 0)
        socket_close(more);
    REQUIRE(converse(&w, listener, 0, NULL), "after the crowd");
    socket_close(listener);
    check_home(&w);
    twins_fini(&w);
}
END_TEST

START_TEST(idle_connections_cost_no_polls)
{
    static struct twins w;
    struct socket *listener, *c[32];
    const struct net_config config = test_config();
    twins_init(&w, &config, NULL, 3, EXO_S(1));
    ck_assert_int_eq(socket_listen(w.t[1].net, 80, 64, &listener), 0);
    for (uint32_t i = 0; i < 32; i++)
        ck_assert_int_eq(socket_connect(w.t[0].net, server, w.now, &c[i]), 0);
    pass(&w, EXO_S(300));
    ck_assert_uint_eq(net_deadline(w.t[0].net), EXO_NS_NEVER);
    ck_assert_uint_eq(net_deadline(w.t[1].net), EXO_NS_NEVER);
    for (uint32_t i = 0; i < 32; i++)
        socket_abort(c[i]);
    socket_close(listener);
    check_home(&w);
    twins_fini(&w);
}
END_TEST

CHECK_MAIN("sim.crowd", ten_thousand_connections_in_a_row, newcomers_are_served_during_a_flood,
           a_full_table_says_so_and_recovers, idle_connections_cost_no_polls)
