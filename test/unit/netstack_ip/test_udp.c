// SPDX-License-Identifier: MIT
// test_udp.c - bound ports and their queues.
#include "exo/err.h"
#include "netstack/udp/udp.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

static const struct ip4 us = {{10, 0, 2, 15}};
static const struct ip4 peer = {{192, 168, 7, 9}};

struct bench {
    struct fixture_rng rng;
    struct udp udp;
    struct pkt_pool pool;
    void *mem;
};

static void bench_init(struct bench *t, uint32_t socks)
{
    const struct net_env env = fixture_env(&t->rng, 1);
    t->mem = aligned_alloc(64, udp_bytes(socks));
    udp_init(&t->udp, t->mem, socks, &env);
    fixture_pool_init(&t->pool, 128);
}

static void bench_fini(struct bench *t)
{
    ck_assert(fixture_pool_fini(&t->pool));
    free(t->mem);
}

// A datagram as it comes out of IP, made by udp_emit.
static struct pkt *datagram(struct bench *t, uint16_t dst_port, const char *payload)
{
    struct pkt *pkt = fixture_pkt(&t->pool, payload, (uint32_t)strlen(payload));
    udp_emit(pkt, peer, 5353, us, dst_port);
    return pkt;
}

static enum udp_verdict input(struct bench *t, struct pkt *pkt, struct udp_sock **sock)
{
    const struct wire_ip4 ip = wire_ip4_of(peer, us, WIRE_IP4_UDP, pkt->len);
    return udp_input(&t->udp, &ip, pkt, sock);
}

START_TEST(udp_delivers_to_the_bound_port_with_the_sender)
{
    struct bench t;
    struct udp_sock *sock;
    struct udp_sock *got = NULL;
    bench_init(&t, 4);
    ck_assert_int_eq(udp_bind(&t.udp, 7, &sock), 0);
    struct pkt *pkt = datagram(&t, 7, "hello");
    memset(pkt_put(pkt, 3), 0xaa, 3); // IP carried more than UDP's length says
    ck_assert_int_eq(input(&t, pkt, &got), UDP_QUEUED);
    ck_assert_ptr_eq(got, sock);
    ck_assert_ptr_eq(udp_recv(sock), pkt);
    ck_assert_ptr_null(udp_recv(sock));
    ck_assert_uint_eq(pkt->len, 5);
    ck_assert_mem_eq(pkt->data, "hello", 5);
    ck_assert(ip4_eq(pkt->peer, peer));
    ck_assert_uint_eq(pkt->peer_port, 5353);
    pkt_free(pkt);
    udp_unbind(&t.udp, sock);
    bench_fini(&t);
}
END_TEST

START_TEST(udp_refuses_and_leaves_the_packet_as_it_was)
{
    struct bench t;
    struct udp_sock *sock;
    bench_init(&t, 4);
    ck_assert_int_eq(udp_bind(&t.udp, 7, &sock), 0);

    struct pkt *pkt = datagram(&t, 8, "hello");
    ck_assert_int_eq(input(&t, pkt, &sock), UDP_UNBOUND);
    ck_assert_uint_eq(pkt->len, 13); // whole, so that an ICMP error can quote it
    pkt->data[8] ^= 1;
    ck_assert_int_eq(input(&t, pkt, &sock), UDP_BAD);
    ck_assert_uint_eq(pkt->len, 13);
    pkt_free(pkt);

    pkt = datagram(&t, 0, "hello");
    ck_assert_int_eq(input(&t, pkt, &sock), UDP_BAD); // port 0 names nobody
    pkt_trim(pkt, 7);
    ck_assert_int_eq(input(&t, pkt, &sock), UDP_BAD);
    pkt_free(pkt);
    udp_unbind(&t.udp, sock);
    bench_fini(&t);
}
END_TEST

START_TEST(udp_queue_is_bounded_and_freed_with_its_socket)
{
    struct bench t;
    struct udp_sock *sock;
    bench_init(&t, 1);
    ck_assert_int_eq(udp_bind(&t.udp, 7, &sock), 0);
    for (unsigned i = 0; i < UDP_QUEUE_MAX; i++)
        ck_assert_int_eq(input(&t, datagram(&t, 7, "x"), &sock), UDP_QUEUED);
    struct pkt *pkt = datagram(&t, 7, "x");
    ck_assert_int_eq(input(&t, pkt, &sock), UDP_OVERFLOW);
    ck_assert_uint_eq(sock->dropped, 1);
    pkt_free(pkt);
    udp_unbind(&t.udp, sock);
    bench_fini(&t);
}
END_TEST

START_TEST(udp_ports_and_places_are_bound_once)
{
    struct bench t;
    struct udp_sock *a;
    struct udp_sock *b;
    struct udp_sock *c;
    bench_init(&t, 2);
    ck_assert_int_eq(udp_bind(&t.udp, 9, &a), 0);
    ck_assert_int_eq(udp_bind(&t.udp, 9, &b), -EXO_EADDRINUSE);
    ck_assert_int_eq(udp_bind(&t.udp, 11, &b), 0); // on the same chain as 9
    ck_assert_int_eq(udp_bind(&t.udp, 10, &c), -EXO_ENOSPC);
    ck_assert_ptr_eq(udp_lookup(&t.udp, 9), a);
    ck_assert_ptr_eq(udp_lookup(&t.udp, 11), b);
    udp_unbind(&t.udp, a);
    ck_assert_ptr_null(udp_lookup(&t.udp, 9));
    ck_assert_ptr_eq(udp_lookup(&t.udp, 11), b);
    ck_assert_int_eq(udp_bind(&t.udp, 9, &a), 0);
    udp_unbind(&t.udp, b);
    udp_unbind(&t.udp, a);
    bench_fini(&t);
}
END_TEST

START_TEST(udp_random_ports_are_high_free_and_all_different)
{
    struct bench t;
    struct udp_sock *socks[500];
    bench_init(&t, 500);
    unsigned steps_of_one = 0;
    for (unsigned i = 0; i < 500; i++) {
        ck_assert_int_eq(udp_bind(&t.udp, 0, &socks[i]), 0);
        ck_assert_uint_ge(socks[i]->port, UDP_FIRST_RANDOM);
        ck_assert_ptr_eq(udp_lookup(&t.udp, socks[i]->port), socks[i]);
        steps_of_one += i != 0 && socks[i]->port == socks[i - 1]->port + 1;
    }
    ck_assert_uint_le(steps_of_one, 3); // no counter
    for (unsigned i = 0; i < 500; i++)
        udp_unbind(&t.udp, socks[i]);
    bench_fini(&t);
}
END_TEST

CHECK_MAIN("netstack.udp", udp_delivers_to_the_bound_port_with_the_sender,
           udp_refuses_and_leaves_the_packet_as_it_was,
           udp_queue_is_bounded_and_freed_with_its_socket, udp_ports_and_places_are_bound_once,
           udp_random_ports_are_high_free_and_all_different)
