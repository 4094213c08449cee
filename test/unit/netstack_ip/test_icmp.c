// SPDX-License-Identifier: MIT
// test_icmp.c - echo, errors to send and errors received.
#include "exo/bits.h"
#include "netstack/ip/icmp.h"
#include "netstack/wire/udp.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

static const struct ip4 us = {{10, 0, 2, 15}};
static const struct ip4 peer = {{192, 168, 7, 9}};

START_TEST(icmp_echo_gives_all_data_back_in_place)
{
    struct pkt_pool pool;
    fixture_pool_init(&pool, 1);
    struct fixture_rng rng = {1};
    for (uint32_t body = 0; body <= 1472; body += 23) {
        uint8_t bytes[1480];
        fixture_random(&rng, bytes, sizeof bytes);
        const struct wire_icmp4 request = {
            .type = WIRE_ICMP4_ECHO_REQUEST, .id = 0xbeef, .seq = (uint16_t)body};
        wire_icmp4_emit(bytes, &request, body);
        struct pkt *pkt = fixture_pkt(&pool, bytes, 8 + body);
        const struct wire_ip4 ip = wire_ip4_of(peer, us, WIRE_IP4_ICMP, 8 + body);
        struct icmp_error error;
        ck_assert_int_eq(icmp_input(&ip, pkt, &error), ICMP_ANSWER);

        struct wire_icmp4 reply;
        ck_assert_uint_eq(pkt->len, 8 + body);
        ck_assert(wire_icmp4_parse(&reply, pkt->data, pkt->len)); // the checksum is right
        ck_assert_uint_eq(reply.type, WIRE_ICMP4_ECHO_REPLY);
        ck_assert_uint_eq(reply.id, 0xbeef);
        ck_assert_uint_eq(reply.seq, body);
        ck_assert_mem_eq(pkt->data + 8, bytes + 8, body);
        pkt_free(pkt);
    }
    ck_assert(fixture_pool_fini(&pool));
}
END_TEST

START_TEST(icmp_echo_of_nothing_but_zeros_has_a_right_checksum)
{
    struct pkt_pool pool;
    struct icmp_error error;
    struct wire_icmp4 reply;
    uint8_t bytes[64] = {0};
    fixture_pool_init(&pool, 1);
    wire_icmp4_emit(bytes, &(struct wire_icmp4){.type = WIRE_ICMP4_ECHO_REQUEST}, 56);
    struct pkt *pkt = fixture_pkt(&pool, bytes, sizeof bytes);
    const struct wire_ip4 ip = wire_ip4_of(peer, us, WIRE_IP4_ICMP, sizeof bytes);
    ck_assert_int_eq(icmp_input(&ip, pkt, &error), ICMP_ANSWER);
    ck_assert(wire_icmp4_parse(&reply, pkt->data, pkt->len));
    pkt_free(pkt);
    ck_assert(fixture_pool_fini(&pool));
}
END_TEST

// A message of this type and code with `body` behind it, as it came from the peer.
static enum icmp_verdict input(uint8_t type, uint8_t code, const uint8_t *body, uint32_t len,
                               struct icmp_error *error)
{
    struct pkt_pool pool;
    fixture_pool_init(&pool, 1);
    uint8_t bytes[600] = {0};
    memcpy(bytes + 8, body, len);
    wire_icmp4_emit(bytes, &(struct wire_icmp4){.type = type, .code = code, .seq = 1400}, len);
    struct pkt *pkt = fixture_pkt(&pool, bytes, 8 + len);
    const struct wire_ip4 ip = wire_ip4_of(peer, us, WIRE_IP4_ICMP, 8 + len);
    const enum icmp_verdict verdict = icmp_input(&ip, pkt, error);
    pkt_free(pkt);
    ck_assert(fixture_pool_fini(&pool));
    return verdict;
}

START_TEST(icmp_ignores_every_type_that_would_configure_us)
{
    static const uint8_t body[20];
    struct icmp_error error;
    for (unsigned type = 0; type < 256; type++) {
        const enum icmp_verdict verdict = input((uint8_t)type, 0, body, sizeof body, &error);
        ck_assert_int_eq(verdict, type == WIRE_ICMP4_ECHO_REQUEST ? ICMP_ANSWER : ICMP_DROP);
    }
}
END_TEST

// The start of a TCP segment of ours, as an error quotes it.
static void quote_of_ours(uint8_t out[28])
{
    struct wire_ip4 ip = wire_ip4_of(us, peer, WIRE_IP4_TCP, 1000);
    wire_ip4_emit(out, &ip);
    out[8] = 3; // the TTL went down on its way, and nobody corrected the checksum
    memcpy(out + 20, "\x01\x02\x00\x50\xaa\xbb\xcc\xdd", 8);
}

START_TEST(icmp_error_is_read_for_the_transport_to_judge)
{
    uint8_t quote[28];
    struct icmp_error error;
    quote_of_ours(quote);
    ck_assert_int_eq(input(3, 4, quote, sizeof quote, &error), ICMP_ERROR);
    ck_assert_uint_eq(error.type, WIRE_ICMP4_UNREACHABLE);
    ck_assert_uint_eq(error.code, WIRE_ICMP4_FRAGMENTATION_NEEDED);
    ck_assert_uint_eq(error.mtu_bytes, 1400);
    ck_assert_uint_eq(error.len_bytes, 1020);
    ck_assert_uint_eq(error.proto, WIRE_IP4_TCP);
    ck_assert(ip4_eq(error.src, us) && ip4_eq(error.dst, peer));
    ck_assert_uint_eq(error.src_port, 0x0102);
    ck_assert_uint_eq(error.dst_port, 80);
    ck_assert_uint_eq(error.seq, 0xaabbccdd);
    ck_assert_mem_eq(error.transport, quote + 20, 8);
    ck_assert_int_eq(input(3, 1, quote, sizeof quote, &error), ICMP_ERROR);
    ck_assert_uint_eq(error.mtu_bytes, 0);
    ck_assert_int_eq(input(11, 0, quote, sizeof quote, &error), ICMP_ERROR);
    ck_assert_int_eq(input(12, 0, quote, sizeof quote, &error), ICMP_ERROR);
}
END_TEST

START_TEST(icmp_error_with_a_bad_quote_is_dropped)
{
    uint8_t quote[28];
    struct icmp_error error;
    quote_of_ours(quote);
    for (uint32_t len = 0; len < sizeof quote; len++)
        ck_assert_int_eq(input(3, 1, quote, len, &error), ICMP_DROP);
    for (unsigned ihl = 0; ihl < 16; ihl++) { // only five words leave eight bytes behind
        quote[0] = (uint8_t)(0x40 | ihl);
        ck_assert_int_eq(input(3, 1, quote, sizeof quote, &error),
                         ihl == 5 ? ICMP_ERROR : ICMP_DROP);
    }
    quote_of_ours(quote);
    quote[7] = 1; // a later fragment: its first bytes are no ports
    ck_assert_int_eq(input(3, 1, quote, sizeof quote, &error), ICMP_DROP);
    quote_of_ours(quote);
    quote[2] = 0;
    quote[3] = 19; // shorter than its header
    ck_assert_int_eq(input(3, 1, quote, sizeof quote, &error), ICMP_DROP);
    quote_of_ours(quote);
    quote[15] ^= 1; // not sent by us
    ck_assert_int_eq(input(3, 1, quote, sizeof quote, &error), ICMP_DROP);
}
END_TEST

struct errors { // what is needed to send some
    struct fixture_rng rng;
    struct icmp icmp;
    struct pkt_pool pool;
};

static void errors_init(struct errors *t)
{
    const struct net_env env = fixture_env(&t->rng, 1);
    icmp_init(&t->icmp, &env);
    fixture_pool_init(&t->pool, 1);
}

// Whether an error may be sent about this datagram now; it is checked and thrown away.
static bool reports(struct errors *t, exo_ns now, const struct wire_ip4 *ip, const uint8_t *bytes,
                    bool group)
{
    struct pkt *out = pkt_alloc(&t->pool, PKT_FOR_STACK);
    uint8_t *exact = fixture_exact(bytes, ip->total_len);
    const bool sent = icmp_unreachable(&t->icmp, now, 3, ip, exact, group, out);
    const uint32_t quoted = EXO_MIN((uint32_t)ip->total_len, ICMP_QUOTE_BYTES);
    ck_assert_uint_eq(out->len, sent ? 8 + quoted : 0);
    if (sent) {
        struct wire_icmp4 icmp;
        ck_assert(wire_icmp4_parse(&icmp, out->data, out->len));
        ck_assert_uint_eq(icmp.type, 3);
        ck_assert_uint_eq(icmp.code, 3);
        ck_assert_mem_eq(out->data + 8, exact, quoted);
    }
    free(exact);
    pkt_free(out);
    return sent;
}

START_TEST(icmp_reports_a_closed_port_with_the_datagram_quoted)
{
    struct errors t;
    errors_init(&t);
    for (uint32_t payload = 0; payload <= 1480; payload += 185) {
        uint8_t bytes[1500] = {0};
        const struct wire_ip4 ip = wire_ip4_of(peer, us, WIRE_IP4_UDP, payload);
        wire_ip4_emit(bytes, &ip);
        ck_assert(reports(&t, EXO_S(1 + payload), &ip, bytes, false));
    }
    ck_assert(fixture_pool_fini(&t.pool));
}
END_TEST

START_TEST(icmp_never_reports_about_errors_groups_fragments_or_nobody)
{
    struct errors t;
    errors_init(&t);
    uint8_t bytes[100] = {0};
    const struct wire_ip4 good = wire_ip4_of(peer, us, WIRE_IP4_UDP, 80);
    ck_assert(reports(&t, EXO_S(1), &good, bytes, false));
    ck_assert(!reports(&t, EXO_S(1), &good, bytes, true));

    struct wire_ip4 ip = good;
    ip.fragment_offset = 8;
    ck_assert(!reports(&t, EXO_S(1), &ip, bytes, false));
    static const struct ip4 sources[] = {{{0, 0, 0, 0}},
                                         {{127, 0, 0, 1}},
                                         {{224, 0, 0, 1}},
                                         {{255, 255, 255, 255}},
                                         {{240, 0, 0, 1}}};
    for (size_t i = 0; i < EXO_COUNT(sources); i++) {
        ip = good;
        ip.src = sources[i];
        ck_assert(!reports(&t, EXO_S(1), &ip, bytes, false));
    }
    ip = good;
    ip.dst = ip4_of(224, 0, 0, 1);
    ck_assert(!reports(&t, EXO_S(1), &ip, bytes, false));
    ip.dst = ip4_from(0xffffffff);
    ck_assert(!reports(&t, EXO_S(1), &ip, bytes, false));

    ip = good;
    ip.proto = WIRE_IP4_ICMP;
    for (unsigned type = 0; type < 256; type++) {
        bytes[20] = (uint8_t)type;
        ck_assert_int_eq(reports(&t, EXO_S(10 + type), &ip, bytes, false), type == 8);
    }
    ip = wire_ip4_of(peer, us, WIRE_IP4_ICMP, 0); // an empty one has no type
    ck_assert(!reports(&t, EXO_S(999), &ip, bytes, false));
    ck_assert(fixture_pool_fini(&t.pool));
}
END_TEST

START_TEST(icmp_limits_errors_per_peer_and_recovers)
{
    struct errors t;
    errors_init(&t);
    uint8_t bytes[28] = {0};
    const struct wire_ip4 ip = wire_ip4_of(peer, us, WIRE_IP4_UDP, 8);
    unsigned sent = 0;
    for (unsigned i = 0; i < 1000; i++)
        sent += reports(&t, EXO_S(1), &ip, bytes, false);
    ck_assert(sent >= ICMP_BURST / 2 && sent <= ICMP_BURST);
    ck_assert_uint_eq(t.icmp.errors_limited, 1000 - sent);

    unsigned served = 0; // others are not starved by this one, but for those in its bucket
    for (unsigned i = 0; i < 64; i++) {
        const struct wire_ip4 other = wire_ip4_of(ip4_of(10, 9, 8, (uint8_t)i), us, 17, 8);
        served += reports(&t, EXO_S(1), &other, bytes, false);
    }
    ck_assert_uint_ge(served, 48);
    ck_assert(reports(&t, EXO_S(2), &ip, bytes, false));
    ck_assert(fixture_pool_fini(&t.pool));
}
END_TEST

CHECK_MAIN("netstack.icmp", icmp_echo_gives_all_data_back_in_place,
           icmp_echo_of_nothing_but_zeros_has_a_right_checksum,
           icmp_ignores_every_type_that_would_configure_us,
           icmp_error_is_read_for_the_transport_to_judge, icmp_error_with_a_bad_quote_is_dropped,
           icmp_reports_a_closed_port_with_the_datagram_quoted,
           icmp_never_reports_about_errors_groups_fragments_or_nobody,
           icmp_limits_errors_per_peer_and_recovers)
