// SPDX-License-Identifier: MIT
// test_answers.c - one datagram comes in: which answer goes out, and whether one does at all.
#include "exo/bits.h"
#include "netstack/stack/stack.h"
#include "netstack/wire/arp.h"
#include "netstack/wire/eth.h"
#include "netstack/wire/icmp4.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"
#include "test/support/twins.h"

static const struct ip4 here = {{10, 0, 0, 1}};
static const struct ip4 there = {{10, 0, 0, 2}};
static const struct ip4 everybody_here = {{10, 0, 0, 255}};
static const struct ip4 everybody = {{255, 255, 255, 255}};
static const struct ip4 a_group = {{224, 0, 0, 1}};
static const struct mac our_mac = {{2, 0, 0, 0, 0, 1}};
static const struct mac peer_mac = {{2, 0, 0, 0, 0, 2}};

struct host {
    struct net *net;
    void *mem;
    struct fixture_rng rng;
    struct pkt *in;
    uint32_t answers;   // datagrams sent since the last question
    struct wire_ip4 ip; // of the last one,
    uint8_t out[1600];  // and what it carries
};

static uint32_t host_rx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct host *h = ctx;
    if (!h->in || n == 0)
        return 0;
    pkts[0] = h->in;
    h->in = NULL;
    return 1;
}

static uint32_t host_tx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct host *h = ctx;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *datagram = pkts[i]->data + WIRE_ETH_BYTES;
        if (wire_ip4_parse(&h->ip, datagram, pkts[i]->len - WIRE_ETH_BYTES)) {
            memcpy(h->out, datagram + h->ip.header_len, h->ip.total_len - h->ip.header_len);
            h->answers++;
        }
        pkt_free(pkts[i]);
    }
    return n;
}

static void come_in(struct host *h, struct mac dst, uint16_t type, const void *bytes, uint32_t len)
{
    const struct wire_eth eth = {.dst = dst, .src = peer_mac, .type = type};
    h->in = pkt_alloc(net_pkts(h->net), PKT_FOR_RX);
    wire_eth_emit(pkt_put(h->in, WIRE_ETH_BYTES), &eth);
    memcpy(pkt_put(h->in, len), bytes, len);
    while (net_poll(h->net, EXO_S(1), 16)) {
    }
}

static void host_init(struct host *h)
{
    struct net_config config = test_config();
    *h = (struct host){0};
    const struct net_env env = fixture_env(&h->rng, 1);
    const struct net_link link = {
        .rx = host_rx, .tx = host_tx, .ctx = h, .mac = our_mac, .mtu_bytes = 1500};
    config.addr = here;
    h->mem = aligned_alloc(64, net_bytes(&config));
    ck_assert_int_eq(net_init(&h->net, h->mem, &config, &env, &link, EXO_S(1)), 0);
    const struct wire_arp hello = {
        .op = WIRE_ARP_REQUEST, .sender_mac = peer_mac, .sender_addr = there, .target_addr = here};
    uint8_t bytes[WIRE_ARP_BYTES];
    wire_arp_emit(bytes, &hello);
    come_in(h, our_mac, WIRE_ETH_ARP, bytes, sizeof bytes);
}

static void host_fini(struct host *h)
{
    const struct net_stats stats = net_stats(h->net);
    ck_assert_uint_eq(stats.pkts_free, stats.pkts_total);
    free(h->mem);
}

// Asks by a datagram, and returns how many came back.
static uint32_t ask(struct host *h, struct mac mac, struct ip4 dst, uint8_t proto,
                    const void *payload, uint32_t len)
{
    uint8_t bytes[PKT_BUF_BYTES];
    const struct wire_ip4 ip = wire_ip4_of(there, dst, proto, len);
    h->answers = 0;
    wire_ip4_emit(bytes, &ip);
    memcpy(bytes + WIRE_IP4_BYTES, payload, len);
    come_in(h, mac, WIRE_ETH_IP4, bytes, WIRE_IP4_BYTES + len);
    return h->answers;
}

static uint32_t ask_echo(struct host *h, struct mac mac, struct ip4 dst, uint32_t body_len)
{
    uint8_t message[PKT_BUF_BYTES] = {0};
    const struct wire_icmp4 icmp = {.type = WIRE_ICMP4_ECHO_REQUEST, .id = 1, .seq = 2};
    wire_icmp4_emit(message, &icmp, body_len);
    return ask(h, mac, dst, WIRE_IP4_ICMP, message, WIRE_ICMP4_BYTES + body_len);
}

// A datagram for a port that nobody has.
static uint32_t ask_udp(struct host *h, struct mac mac, struct ip4 dst)
{
    static const uint8_t datagram[12] = {0, 9, 0, 9, 0, 12};
    return ask(h, mac, dst, WIRE_IP4_UDP, datagram, sizeof datagram);
}

START_TEST(answers_come_from_the_address_that_was_asked)
{
    static struct host h;
    host_init(&h);
    ck_assert_uint_eq(ask_echo(&h, our_mac, here, 56), 1);
    ck_assert(ip4_eq(h.ip.src, here) && ip4_eq(h.ip.dst, there));
    ck_assert_uint_eq(h.out[0], WIRE_ICMP4_ECHO_REPLY);
    ck_assert_uint_eq(ask_udp(&h, our_mac, here), 1);
    ck_assert_uint_eq(h.out[0], WIRE_ICMP4_UNREACHABLE);
    ck_assert_uint_eq(h.out[1], WIRE_ICMP4_PORT_UNREACHABLE);
    ck_assert_uint_eq(ask(&h, our_mac, here, 99, "whatever", 8), 1);
    ck_assert_uint_eq(h.out[1], WIRE_ICMP4_PROTOCOL_UNREACHABLE);
    ck_assert(ip4_eq(h.ip.src, here) && ip4_eq(h.ip.dst, there));
    host_fini(&h);
}
END_TEST

// RFC 1122 §3.2.2, §3.2.2.6: or one datagram would have a whole network answer its victim.
START_TEST(what_came_to_all_is_answered_by_nobody)
{
    static struct host h;
    const struct ip4 all[] = {everybody_here, everybody, a_group, here};
    host_init(&h);
    for (size_t i = 0; i < EXO_COUNT(all); i++) {
        ck_assert_uint_eq(ask_echo(&h, wire_eth_broadcast, all[i], 56), 0);
        ck_assert_uint_eq(ask_udp(&h, wire_eth_broadcast, all[i]), 0);
        ck_assert_uint_eq(ask(&h, wire_eth_broadcast, all[i], 99, "whatever", 8), 0);
        if (ip4_eq(all[i], here))
            break;
        ck_assert_uint_eq(ask_echo(&h, our_mac, all[i], 56), 0); // to all, in a frame for us
        ck_assert_uint_eq(ask_udp(&h, our_mac, all[i]), 0);
        ck_assert_uint_eq(ask(&h, our_mac, all[i], 99, "whatever", 8), 0);
    }
    host_fini(&h);
}
END_TEST

// A link may bring in more than it takes out. We do not fragment, so there is no answer.
START_TEST(echo_that_is_larger_than_our_link_is_not_answered)
{
    static struct host h;
    const uint32_t headers = WIRE_IP4_BYTES + WIRE_ICMP4_BYTES;
    host_init(&h);
    ck_assert_uint_eq(ask_echo(&h, our_mac, here, 1500 - headers), 1);
    ck_assert_uint_eq(h.ip.total_len, 1500);
    ck_assert_uint_eq(ask_echo(&h, our_mac, here, 1501 - headers), 0);
    ck_assert_uint_eq(ask_echo(&h, our_mac, here, 1800), 0);
    ck_assert_uint_eq(net_stats(h.net).drop_icmp, 2);
    host_fini(&h);
}
END_TEST

// RFC 6056 §3.3.1: what a forger must guess beside the sequence number.
START_TEST(local_ports_are_random_and_from_the_whole_range)
{
    static struct host h;
    struct socket *listener, *s;
    uint32_t halves[2] = {0}, repeated = 0;
    uint16_t last = 0;
    host_init(&h);
    ck_assert_int_eq(socket_listen(h.net, 8080, 1, &listener), 0);
    for (uint32_t i = 0; i < 2000; i++) {
        const struct endpoint to = {there, 80};
        ck_assert_int_eq(socket_connect(h.net, to, EXO_S(1), &s), 0);
        const uint16_t port = socket_local(s).port;
        ck_assert_uint_ge(port, 1024);
        ck_assert_uint_ne(port, 8080);
        halves[port >= 33280]++;
        repeated += (uint16_t)(port - last) < 16;
        last = port;
        socket_abort(s);
    }
    ck_assert_uint_ge(halves[0], 900);
    ck_assert_uint_ge(halves[1], 900);
    ck_assert_uint_lt(repeated, 10);
    socket_close(listener);
    host_fini(&h);
}
END_TEST

CHECK_MAIN("stack.answers", answers_come_from_the_address_that_was_asked,
           what_came_to_all_is_answered_by_nobody,
           echo_that_is_larger_than_our_link_is_not_answered,
           local_ports_are_random_and_from_the_whole_range)
