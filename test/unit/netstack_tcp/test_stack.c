// SPDX-License-Identifier: MIT
// test_stack.c - a whole stack seen from outside: addresses, echo, datagrams, configuration.
#include "netstack/app/dhcp.h"
#include "netstack/stack/stack.h"
#include "netstack/wire/arp.h"
#include "netstack/wire/eth.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"
#include "test/support/twins.h"

#include "exo/err.h"
#include <string.h>

// --- configuration -----------------------------------------------------------------------

START_TEST(configuration_fits_the_memory_it_was_made_for)
{
    static const size_t sizes[] = {256u << 10, 1u << 20, 4u << 20, 64u << 20, 1u << 30};
    for (size_t i = 0; i < EXO_COUNT(sizes); i++) {
        const struct net_config c = net_config_for(sizes[i]);
        const size_t bytes = net_bytes(&c);
        ck_assert_msg(bytes && bytes <= sizes[i] + 64 * 1024 && bytes > sizes[i] / 2,
                      "%zu bytes for %zu", bytes, sizes[i]);
        ck_assert(c.dhcp);
    }
}
END_TEST

START_TEST(impossible_configurations_are_refused)
{
    struct net_config good = test_config(), c;
    ck_assert_uint_gt(net_bytes(&good), 0);
#define REFUSED(field, value)                                                                      \
    c = good;                                                                                      \
    c.field = (value);                                                                             \
    ck_assert_uint_eq(net_bytes(&c), 0)
    REFUSED(pkts, 63);
    REFUSED(tcp_conns, 0);
    REFUSED(tcp_time_wait, 0);
    REFUSED(rx_window_bytes, 2919);
    REFUSED(rx_window_bytes, (1u << 20) + 1);
    REFUSED(tx_buffer_bytes, 100);
    REFUSED(prefix_len, 33);
}
END_TEST

// How many of these pages are not as they were filled.
static uint32_t touched_pages(const uint8_t *mem, size_t bytes)
{
    uint32_t pages = 0;
    for (size_t at = 0; at < bytes; at += 4096) {
        const size_t n = EXO_MIN(bytes - at, (size_t)4096);
        size_t i = 0;
        while (i < n && mem[at + i] == 0xa5)
            i++;
        pages += i < n;
    }
    return pages;
}

START_TEST(stack_of_any_size_touches_little_memory_to_begin)
{
    const struct net_config c = net_config_for(32u << 20);
    const size_t bytes = net_bytes(&c);
    uint8_t *mem = aligned_alloc(4096, exo_align_up(bytes, 4096));
    struct fixture_rng rng;
    const struct net_env env = fixture_env(&rng, 1);
    const struct net_link link = {.mtu_bytes = 1500};
    struct net *net;
    struct socket *s;
    memset(mem, 0xa5, bytes);
    ck_assert_int_eq(net_init(&net, mem, &c, &env, &link, EXO_S(1)), 0);
    ck_assert_int_eq(socket_listen(net, 80, 4, &s), 0);
    const uint32_t tables = touched_pages(mem, bytes); // hash chains, for the most part
    ck_assert_uint_lt(tables, 48);
    struct pkt *pkts[33]; // two chunks' heads; a buffer is its owner's to touch
    for (uint32_t i = 0; i < EXO_COUNT(pkts); i++)
        pkts[i] = pkt_alloc(net_pkts(net), PKT_FOR_STACK);
    ck_assert_uint_le(touched_pages(mem, bytes), tables + 4);
    for (uint32_t i = 0; i < EXO_COUNT(pkts); i++)
        pkt_free(pkts[i]);
    free(mem);
}
END_TEST

// --- datagrams ---------------------------------------------------------------------------

static void pass(struct twins *w, exo_ns time)
{
    const exo_ns until = w->now + time;
    while (w->now < until) {
        twins_poll(w);
        twins_advance(w, until);
    }
    twins_poll(w);
}

START_TEST(datagrams_go_there_and_back)
{
    static struct twins w;
    const struct net_config config = test_config();
    struct socket *a, *b;
    struct endpoint from;
    char bytes[32];
    twins_init(&w, &config, NULL, 1, EXO_S(1));
    ck_assert_int_eq(socket_udp(w.t[0].net, 0, &a), 0);
    ck_assert_int_eq(socket_udp(w.t[1].net, 7, &b), 0);
    ck_assert_int_eq(socket_udp(w.t[1].net, 7, &a), -EXO_EADDRINUSE);
    ck_assert_uint_eq(socket_events(b), SOCKET_WRITABLE);
    ck_assert_int_eq(socket_sendto(a, "ping", 4, (struct endpoint){ip4_of(10, 0, 0, 2), 7}, w.now),
                     0);
    pass(&w, EXO_MS(10));
    ck_assert_ptr_eq(net_ready(w.t[1].net), b);
    ck_assert_int_eq(socket_recvfrom(b, bytes, 2, &from), 4); // the whole length, two copied
    ck_assert_mem_eq(bytes, "pi", 2);
    ck_assert_uint_eq(from.port, socket_local(a).port);
    ck_assert_int_eq(socket_sendto(b, "pong", 4, from, w.now), 0);
    pass(&w, EXO_MS(10));
    ck_assert_int_eq(socket_recvfrom(a, bytes, sizeof bytes, &from), 4);
    ck_assert_int_eq(socket_recvfrom(a, bytes, sizeof bytes, &from), -EXO_EAGAIN);
    ck_assert_int_eq(socket_sendto(a, bytes, 1473, from, w.now), -EXO_EMSGSIZE);
    ck_assert_int_eq(socket_sendto(a, "x", 1, (struct endpoint){ip4_of(9, 9, 9, 9), 7}, w.now),
                     -EXO_ENETUNREACH);
    socket_close(a);
    socket_close(b);
    pass(&w, EXO_S(200));
    ck_assert_uint_eq(net_stats(w.t[0].net).pkts_free, config.pkts);
    ck_assert_uint_eq(net_stats(w.t[1].net).pkts_free, config.pkts);
    twins_fini(&w);
}
END_TEST

// --- DHCP --------------------------------------------------------------------------------

struct office { // one host that boots, and a server that is this test
    struct net *net;
    struct net_link link;
    struct pkt *in[16];
    uint32_t in_count;
    uint16_t mtu_bytes; // that the server names; 0: none
    uint8_t out[1600];  // the last frame that was sent
    uint32_t out_len;
};

static uint32_t office_rx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct office *o = ctx;
    const uint32_t count = EXO_MIN(n, o->in_count);
    memcpy(pkts, o->in, count * sizeof *pkts);
    memmove(o->in, o->in + count, (o->in_count - count) * sizeof *pkts);
    o->in_count -= count;
    return count;
}

static uint32_t office_tx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct office *o = ctx;
    for (uint32_t i = 0; i < n; i++) {
        memcpy(o->out, pkts[i]->data, pkts[i]->len);
        o->out_len = pkts[i]->len;
        pkt_free(pkts[i]);
    }
    return n;
}

static void office_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    memset(out, 0x33, len);
}

static void run(struct office *o, exo_ns now)
{
    while (net_poll(o->net, now, 16))
        ;
}

// What the host has asked, or NULL-typed if the last frame was no DHCP.
static struct wire_dhcp asked(const struct office *o)
{
    struct wire_dhcp d = {0};
    if (o->out_len > 42)
        ck_assert(wire_dhcp_parse(&d, o->out + 42, o->out_len - 42));
    return d;
}

static void answer(struct office *o, uint8_t type, struct ip4 addr, uint32_t lease_s)
{
    const struct wire_dhcp q = asked(o);
    const struct wire_dhcp d = {.op = WIRE_DHCP_BOOTREPLY,
                                .type = type,
                                .xid = q.xid,
                                .yiaddr = addr,
                                .chaddr = o->link.mac,
                                .options = WIRE_DHCP_SUBNET_MASK | WIRE_DHCP_ROUTER |
                                           WIRE_DHCP_DNS_SERVERS | WIRE_DHCP_LEASE |
                                           WIRE_DHCP_SERVER_ID | (o->mtu_bytes ? WIRE_DHCP_MTU : 0),
                                .mtu_bytes = o->mtu_bytes,
                                .subnet_mask = ip4_of(255, 255, 255, 0),
                                .router = ip4_of(10, 0, 0, 254),
                                .dns_count = 1,
                                .dns = {ip4_of(10, 0, 0, 253)},
                                .lease_s = lease_s,
                                .server_id = ip4_of(10, 0, 0, 254)};
    struct pkt *pkt = pkt_alloc(net_pkts(o->net), PKT_FOR_RX);
    wire_dhcp_emit(pkt_put(pkt, (uint32_t)wire_dhcp_length(&d)), &d);
    const struct ip4 all = ip4_of(255, 255, 255, 255);
    udp_emit(pkt, d.server_id, 67, all, 68);
    const struct wire_ip4 ip = wire_ip4_of(d.server_id, all, WIRE_IP4_UDP, pkt->len);
    wire_ip4_emit(pkt_push(pkt, 20), &ip);
    const struct wire_eth eth = {
        .dst = wire_eth_broadcast, .src = {{2, 0, 0, 0, 0, 9}}, .type = WIRE_ETH_IP4};
    wire_eth_emit(pkt_push(pkt, 14), &eth);
    o->in[o->in_count++] = pkt;
}

static const struct mac neighbour_mac = {{2, 0, 0, 0, 0, 7}};

static void neighbour_answers(struct office *o, struct ip4 neighbour)
{
    struct pkt *pkt = pkt_alloc(net_pkts(o->net), PKT_FOR_RX);
    const struct wire_arp reply = {.op = WIRE_ARP_REPLY,
                                   .sender_mac = neighbour_mac,
                                   .sender_addr = neighbour,
                                   .target_mac = o->link.mac,
                                   .target_addr = net_addr(o->net).addr};
    const struct wire_eth eth = {.dst = o->link.mac, .src = neighbour_mac, .type = WIRE_ETH_ARP};
    wire_eth_emit(pkt_put(pkt, WIRE_ETH_BYTES), &eth);
    wire_arp_emit(pkt_put(pkt, WIRE_ARP_BYTES), &reply);
    o->in[o->in_count++] = pkt;
}

static int dhcp_state_of(const struct office *o)
{
    return o->net->dhcp.state;
}

START_TEST(stack_gets_its_address_and_loses_it_with_its_connections)
{
    static struct office o;
    struct net_config config = test_config();
    const struct net_env env = {office_random, NULL};
    struct socket *sock;
    config.dhcp = true;
    o.link = (struct net_link){office_rx, office_tx, &o, {{2, 0, 0, 0, 0, 1}}, 1500, 0};
    void *mem = aligned_alloc(64, net_bytes(&config));
    ck_assert_int_eq(net_init(&o.net, mem, &config, &env, &o.link, 0), 0);
    const struct endpoint peer = {ip4_of(10, 0, 0, 7), 80};
    ck_assert_int_eq(socket_connect(o.net, peer, 0, &sock), -EXO_ENETUNREACH);
    ck_assert_int_eq(socket_udp(o.net, 68, &sock), -EXO_EADDRINUSE);

    run(&o, 0);
    ck_assert_uint_eq(asked(&o).type, WIRE_DHCP_DISCOVER);
    answer(&o, WIRE_DHCP_OFFER, ip4_of(10, 0, 0, 50), 100);
    run(&o, EXO_MS(1));
    ck_assert_uint_eq(asked(&o).type, WIRE_DHCP_REQUEST);
    ck_assert(ip4_is_any(net_addr(o.net).addr));
    answer(&o, WIRE_DHCP_ACK, ip4_of(10, 0, 0, 50), 100);
    run(&o, EXO_MS(2));
    const struct net_addr now = net_addr(o.net);
    ck_assert(ip4_eq(now.addr, ip4_of(10, 0, 0, 50)) && now.prefix_len == 24);
    ck_assert(ip4_eq(now.router, ip4_of(10, 0, 0, 254)));
    ck_assert(ip4_eq(now.dns, ip4_of(10, 0, 0, 253)));

    // Asked by broadcast, the server renews it: that disturbs nobody.
    ck_assert_int_eq(socket_connect(o.net, peer, EXO_S(50), &sock), 0);
    for (exo_ns t = EXO_S(50); t < EXO_S(95); t += EXO_MS(100)) {
        o.out_len = 0;
        neighbour_answers(&o, peer.addr);
        run(&o, t);
        if (t > EXO_S(85) && o.out_len > 60 && o.out[23] == WIRE_IP4_UDP && o.out[30] == 255)
            answer(&o, WIRE_DHCP_ACK, ip4_of(10, 0, 0, 50), 100);
    }
    ck_assert_int_eq(dhcp_state_of(&o), DHCP_BOUND);
    ck_assert_int_eq(socket_error(sock), 0);

    // Then nobody does: at the end of the lease the address goes, and what lived on it.
    for (exo_ns t = EXO_S(95); t < EXO_S(195); t += EXO_MS(100)) {
        neighbour_answers(&o, peer.addr);
        run(&o, t);
    }
    ck_assert(ip4_is_any(net_addr(o.net).addr));
    ck_assert_int_eq(socket_error(sock), -EXO_EADDRNOTAVAIL);
    socket_close(sock);
    run(&o, EXO_S(196));
    ck_assert_uint_eq(net_stats(o.net).pkts_free, config.pkts);
    ck_assert_uint_eq(net_stats(o.net).addr_changes, 2);
    free(mem);
}
END_TEST

static void office_begin(struct office *o, const struct net_config *config, void **mem)
{
    const struct net_env env = {office_random, NULL};
    *o = (struct office){.link = {office_rx, office_tx, o, {{2, 0, 0, 0, 0, 1}}, 1500, 0}};
    *mem = aligned_alloc(64, net_bytes(config));
    ck_assert_int_eq(net_init(&o->net, *mem, config, &env, &o->link, 0), 0);
}

// The lease that the host gets names this MTU: what is made of it?
static uint16_t mtu_with_option(uint16_t mtu_bytes)
{
    static struct office o;
    struct net_config config = test_config();
    void *mem;
    config.dhcp = true;
    office_begin(&o, &config, &mem);
    o.mtu_bytes = mtu_bytes;
    ck_assert_uint_eq(net_addr(o.net).mtu_bytes, 1500);
    run(&o, 0);
    answer(&o, WIRE_DHCP_OFFER, ip4_of(10, 0, 0, 50), 100);
    run(&o, EXO_MS(1));
    answer(&o, WIRE_DHCP_ACK, ip4_of(10, 0, 0, 50), 100);
    run(&o, EXO_MS(2));
    const uint16_t mtu = net_addr(o.net).mtu_bytes;
    ck_assert_uint_eq(o.net->tcp.mss, mtu - 40);

    struct socket *sock;
    const struct endpoint to = {ip4_of(10, 0, 0, 7), 7};
    const uint8_t data[1500] = {0};
    ck_assert_int_eq(socket_udp(o.net, 0, &sock), 0);
    ck_assert_int_eq(socket_sendto(sock, data, mtu - 27u, to, EXO_MS(3)), -EXO_EMSGSIZE);
    ck_assert_int_eq(socket_sendto(sock, data, mtu - 28u, to, EXO_MS(3)), 0);

    for (exo_ns t = EXO_MS(3); t < EXO_S(101); t += EXO_MS(100)) // nobody renews it
        run(&o, t);
    ck_assert(ip4_is_any(net_addr(o.net).addr));
    ck_assert_uint_eq(net_addr(o.net).mtu_bytes, 1500);
    ck_assert_uint_eq(o.net->tcp.mss, 1460);
    free(mem);
    return mtu;
}

START_TEST(dhcp_may_lower_the_mtu_but_not_without_reason)
{
    ck_assert_uint_eq(mtu_with_option(0), 1500);
    ck_assert_uint_eq(mtu_with_option(68), 1500);
    ck_assert_uint_eq(mtu_with_option(575), 1500);
    ck_assert_uint_eq(mtu_with_option(576), 576);
    ck_assert_uint_eq(mtu_with_option(1400), 1400);
    ck_assert_uint_eq(mtu_with_option(1500), 1500);
    ck_assert_uint_eq(mtu_with_option(9000), 1500);
}
END_TEST

// --- neighbours that are silent ------------------------------------------------------------

START_TEST(datagrams_to_a_neighbour_that_did_not_answer_are_refused)
{
    static struct office o;
    struct net_config config = test_config();
    const struct endpoint to = {ip4_of(10, 0, 0, 7), 7};
    struct socket *sock;
    void *mem;
    config.addr = ip4_of(10, 0, 0, 50);
    config.prefix_len = 24;
    office_begin(&o, &config, &mem);
    ck_assert_int_eq(socket_udp(o.net, 0, &sock), 0);
    ck_assert_int_eq(socket_sendto(sock, "x", 1, to, 0), 0);
    for (exo_ns t = 0; t <= EXO_S(3); t += EXO_MS(100))
        run(&o, t);
    ck_assert_uint_eq(net_stats(o.net).drop_neighbour, 1);
    ck_assert_int_eq(socket_sendto(sock, "x", 1, to, EXO_S(4)), -EXO_EHOSTUNREACH);
    run(&o, EXO_S(4));
    ck_assert_uint_eq(o.out[13], 6); // but it was asked anew
    ck_assert_int_eq(socket_sendto(sock, "x", 1, to, EXO_S(4)), -EXO_EHOSTUNREACH);
    neighbour_answers(&o, to.addr);
    run(&o, EXO_S(5));
    ck_assert_int_eq(socket_sendto(sock, "x", 1, to, EXO_S(5)), 0);
    run(&o, EXO_S(5));
    ck_assert_uint_eq(o.out[13], 0);
    ck_assert_mem_eq(o.out, neighbour_mac.b, 6);
    free(mem);
}
END_TEST

START_TEST(router_outside_the_prefix_is_asked_for_by_arp)
{
    static struct office o;
    struct net_config config = test_config();
    const struct endpoint far = {ip4_of(192, 0, 2, 1), 7};
    struct socket *sock;
    void *mem;
    config.addr = ip4_of(10, 0, 0, 50);
    config.prefix_len = 32;
    config.router = ip4_of(169, 254, 1, 1);
    office_begin(&o, &config, &mem);
    run(&o, EXO_S(10));
    ck_assert_int_eq(socket_udp(o.net, 0, &sock), 0);
    ck_assert_int_eq(socket_sendto(sock, "x", 1, far, EXO_S(10)), 0);
    run(&o, EXO_S(10));
    ck_assert_uint_eq(o.out[13], 6);
    ck_assert_mem_eq(o.out + 38, config.router.b, 4);
    neighbour_answers(&o, config.router);
    run(&o, EXO_S(10));
    ck_assert_mem_eq(o.out, neighbour_mac.b, 6);
    ck_assert_mem_eq(o.out + 30, far.addr.b, 4);
    free(mem);
}
END_TEST

CHECK_MAIN("stack", configuration_fits_the_memory_it_was_made_for,
           impossible_configurations_are_refused, stack_of_any_size_touches_little_memory_to_begin,
           datagrams_go_there_and_back, stack_gets_its_address_and_loses_it_with_its_connections,
           dhcp_may_lower_the_mtu_but_not_without_reason,
           datagrams_to_a_neighbour_that_did_not_answer_are_refused,
           router_outside_the_prefix_is_asked_for_by_arp)
