// SPDX-License-Identifier: MIT
// test_arp.c - the neighbour table as scripts in virtual time: this comes, that goes out.
#include "exo/err.h"
#include "netstack/ip/arp.h"
#include "netstack/wire/arp.h"
#include "netstack/wire/eth.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

static const struct mac our_mac = {{2, 0, 0, 0, 0, 1}};
static const struct mac peer_mac = {{2, 0, 0, 0, 0, 2}};
static const struct mac other_mac = {{2, 0, 0, 0, 0, 3}};
static const struct mac no_mac = {{0}};
static const struct ip4 us = {{10, 0, 2, 15}};
static const struct ip4 peer = {{10, 0, 2, 2}};
static const struct ip4 nobody = {{0}};

struct script {
    struct arp arp;
    struct pkt_pool pool;
    exo_ns now;
};

static bool nothing_goes_out(struct script *t)
{
    struct pkt *pkt = pkt_alloc(&t->pool, PKT_FOR_STACK);
    const bool due = t->now >= arp_deadline(&t->arp);
    const bool filled = arp_output(&t->arp, t->now, pkt);
    ck_assert(due || !filled);
    ck_assert_int_eq(pkt->len != 0, filled);
    pkt_free(pkt);
    return !filled;
}

// The next frame out is a request for `target`, sent to `dst`.
static void expect_request(struct script *t, struct mac dst, struct ip4 target)
{
    struct pkt *pkt = pkt_alloc(&t->pool, PKT_FOR_STACK);
    struct wire_eth eth;
    struct wire_arp msg;
    ck_assert(t->now >= arp_deadline(&t->arp));
    ck_assert(arp_output(&t->arp, t->now, pkt));
    ck_assert_uint_eq(pkt->len, 60);
    ck_assert(wire_eth_parse(&eth, pkt->data, pkt->len));
    ck_assert(mac_eq(eth.dst, dst) && mac_eq(eth.src, our_mac) && eth.type == WIRE_ETH_ARP);
    ck_assert(wire_arp_parse(&msg, pkt->data + 14, pkt->len - 14));
    ck_assert_uint_eq(msg.op, WIRE_ARP_REQUEST);
    ck_assert(mac_eq(msg.sender_mac, our_mac) && ip4_eq(msg.sender_addr, us));
    ck_assert(ip4_eq(msg.target_addr, target));
    pkt_free(pkt);
}

static enum arp_verdict input_with(struct script *t, uint16_t op, struct mac sender_mac,
                                   struct ip4 sender, struct ip4 target, struct pkt **out)
{
    uint8_t bytes[46]; // with Ethernet's padding, which is not always zero
    memset(bytes, 0xaa, sizeof bytes);
    const struct wire_arp msg = {
        .op = op, .sender_mac = sender_mac, .sender_addr = sender, .target_addr = target};
    wire_arp_emit(bytes, &msg);
    *out = fixture_pkt(&t->pool, bytes, sizeof bytes);
    return arp_input(&t->arp, t->now, *out);
}

static enum arp_verdict input(struct script *t, uint16_t op, struct mac sender_mac,
                              struct ip4 sender, struct ip4 target)
{
    struct pkt *pkt;
    const enum arp_verdict verdict = input_with(t, op, sender_mac, sender, target, &pkt);
    pkt_free(pkt);
    return verdict;
}

static void answer(struct script *t)
{
    ck_assert_int_eq(input(t, WIRE_ARP_REPLY, peer_mac, peer, us), ARP_DONE);
}

// Only asks. 1: known.
static int resolve(struct script *t, struct ip4 addr, struct mac *out)
{
    return arp_resolve(&t->arp, t->now, addr, NULL, out);
}

static void advance_to(struct script *t, exo_ns when)
{
    t->now = when;
    arp_tick(&t->arp, t->now);
}

static void script_init(struct script *t)
{
    fixture_pool_init(&t->pool, 128);
    t->now = EXO_S(100);
    arp_init(&t->arp, our_mac);
    ck_assert_uint_eq(arp_deadline(&t->arp), EXO_NS_NEVER);
    arp_set_addr(&t->arp, t->now, us);
    expect_request(t, wire_eth_broadcast, us); // RFC 5227: two announcements, 2 s apart
    ck_assert(nothing_goes_out(t));
    ck_assert_uint_eq(arp_deadline(&t->arp), EXO_S(102));
    advance_to(t, EXO_S(102));
    expect_request(t, wire_eth_broadcast, us);
    ck_assert_uint_eq(arp_deadline(&t->arp), EXO_NS_NEVER);
}

static void script_fini(struct script *t)
{
    arp_fini(&t->arp);
    ck_assert(fixture_pool_fini(&t->pool));
}

START_TEST(arp_asks_and_releases_what_waited)
{
    struct script t;
    struct mac mac;
    script_init(&t);
    struct pkt *waiting = fixture_pkt(&t.pool, "x", 1);
    ck_assert_int_eq(arp_resolve(&t.arp, t.now, peer, waiting, &mac), 0);
    expect_request(&t, wire_eth_broadcast, peer);
    ck_assert(nothing_goes_out(&t));
    ck_assert_ptr_null(arp_release(&t.arp, &mac));

    answer(&t);
    ck_assert_ptr_eq(arp_release(&t.arp, &mac), waiting);
    ck_assert(mac_eq(mac, peer_mac));
    ck_assert_ptr_null(arp_release(&t.arp, &mac));
    pkt_free(waiting);
    ck_assert_int_eq(resolve(&t, peer, &mac), 1);
    script_fini(&t);
}
END_TEST

START_TEST(arp_asks_once_a_second_three_times_and_gives_up)
{
    struct script t;
    struct mac mac;
    struct ip4 failed;
    script_init(&t);
    const exo_ns start = t.now;
    ck_assert_int_eq(arp_resolve(&t.arp, t.now, peer, fixture_pkt(&t.pool, "x", 1), &mac), 0);
    for (unsigned i = 0; i < 3; i++) {
        expect_request(&t, wire_eth_broadcast, peer);
        ck_assert_int_eq(resolve(&t, peer, &mac), 0); // wanting it more does not ask more
        ck_assert(nothing_goes_out(&t));
        ck_assert_uint_eq(arp_deadline(&t.arp), start + EXO_S(i + 1));
        advance_to(&t, start + EXO_S(i + 1) - 1);
        ck_assert(nothing_goes_out(&t));
        ck_assert(!arp_unreachable(&t.arp, &failed));
        advance_to(&t, start + EXO_S(i + 1));
    }
    ck_assert(arp_unreachable(&t.arp, &failed) && ip4_eq(failed, peer));
    ck_assert(!arp_unreachable(&t.arp, &failed));
    ck_assert_uint_eq(t.arp.stats.dropped_held, 1);
    ck_assert_uint_eq(t.pool.free_count, t.pool.count);
    ck_assert(nothing_goes_out(&t));
    ck_assert_uint_eq(arp_deadline(&t.arp), EXO_NS_NEVER);

    ck_assert_int_eq(resolve(&t, peer, &mac), 0); // a new need asks anew
    expect_request(&t, wire_eth_broadcast, peer);
    script_fini(&t);
}
END_TEST

START_TEST(arp_knows_for_a_while_who_was_silent)
{
    struct script t;
    struct mac mac;
    script_init(&t);
    const exo_ns start = t.now;
    ck_assert_int_eq(resolve(&t, peer, &mac), 0);
    for (unsigned i = 0; i < 3; i++) {
        expect_request(&t, wire_eth_broadcast, peer);
        ck_assert(!arp_is_silent(&t.arp, t.now, peer)); // not yet
        advance_to(&t, start + EXO_S(i + 1));
    }
    ck_assert(arp_is_silent(&t.arp, t.now, peer));
    ck_assert(!arp_is_silent(&t.arp, t.now, ip4_of(10, 0, 2, 3)));
    ck_assert(arp_is_silent(&t.arp, t.now + ARP_SILENT - 1, peer));
    ck_assert(!arp_is_silent(&t.arp, t.now + ARP_SILENT, peer));

    ck_assert_int_eq(resolve(&t, peer, &mac), 0); // asked anew, it is silent still,
    ck_assert(arp_is_silent(&t.arp, t.now, peer));
    answer(&t); // and then not any more
    ck_assert(!arp_is_silent(&t.arp, t.now, peer));
    script_fini(&t);
}
END_TEST

START_TEST(arp_gives_the_place_of_a_silent_neighbour_to_anybody)
{
    struct script t;
    struct mac mac;
    struct ip4 failed;
    script_init(&t);
    ck_assert_int_eq(resolve(&t, peer, &mac), 0);
    for (unsigned i = 0; i < 3; i++) {
        expect_request(&t, wire_eth_broadcast, peer);
        advance_to(&t, EXO_S(102) + EXO_S(i + 1));
    }
    ck_assert(arp_unreachable(&t.arp, &failed));
    for (uint8_t i = 0; i < ARP_ENTRIES; i++) // strangers, as many as there are places
        input(&t, WIRE_ARP_REQUEST, other_mac, ip4_of(10, 0, 2, (uint8_t)(100 + i)), us);
    ck_assert_uint_eq(t.arp.stats.dropped_full, 0);
    ck_assert(!arp_is_silent(&t.arp, t.now, peer));
    script_fini(&t);
}
END_TEST

START_TEST(arp_keeps_latest_waiting)
{
    struct script t;
    struct mac mac;
    script_init(&t);
    struct pkt *pkts[ARP_HELD + 2];
    for (unsigned i = 0; i < ARP_HELD + 2; i++) {
        pkts[i] = fixture_pkt(&t.pool, "x", 1);
        ck_assert_int_eq(arp_resolve(&t.arp, t.now, peer, pkts[i], &mac), 0);
    }
    ck_assert_uint_eq(t.arp.stats.dropped_held, 2);
    answer(&t);
    for (unsigned i = 2; i < ARP_HELD + 2; i++) {
        ck_assert_ptr_eq(arp_release(&t.arp, &mac), pkts[i]);
        pkt_free(pkts[i]);
    }
    ck_assert_ptr_null(arp_release(&t.arp, &mac));
    script_fini(&t);
}
END_TEST

START_TEST(arp_confirms_an_aged_neighbour_by_unicast)
{
    struct script t;
    struct mac mac;
    script_init(&t);
    resolve(&t, peer, &mac);
    expect_request(&t, wire_eth_broadcast, peer);
    answer(&t);
    ck_assert_int_eq(resolve(&t, peer, &mac), 1);
    ck_assert_uint_le(arp_deadline(&t.arp), t.now + ARP_AGE);
    const exo_ns aged = t.now + ARP_AGE;
    advance_to(&t, aged - 1);
    ck_assert(nothing_goes_out(&t));
    advance_to(&t, aged);
    expect_request(&t, peer_mac, peer);
    ck_assert_int_eq(resolve(&t, peer, &mac), 1); // still used meanwhile
    answer(&t);
    ck_assert(nothing_goes_out(&t));

    // Not used since, so it just goes when it is old again.
    advance_to(&t, t.now + ARP_AGE);
    ck_assert(nothing_goes_out(&t));
    ck_assert_int_eq(resolve(&t, peer, &mac), 0);
    expect_request(&t, wire_eth_broadcast, peer);
    script_fini(&t);
}
END_TEST

START_TEST(arp_forgets_a_neighbour_that_left)
{
    struct script t;
    struct mac mac;
    struct ip4 failed;
    script_init(&t);
    resolve(&t, peer, &mac);
    expect_request(&t, wire_eth_broadcast, peer);
    answer(&t);
    ck_assert_int_eq(resolve(&t, peer, &mac), 1);
    for (unsigned i = 0; i < 3; i++) {
        advance_to(&t, EXO_S(102) + ARP_AGE + EXO_S(i));
        expect_request(&t, peer_mac, peer);
    }
    advance_to(&t, EXO_S(102) + ARP_AGE + EXO_S(3));
    ck_assert(nothing_goes_out(&t));
    ck_assert(!arp_unreachable(&t.arp, &failed)); // nobody waited for it
    ck_assert_int_eq(resolve(&t, peer, &mac), 0);
    expect_request(&t, wire_eth_broadcast, peer);
    script_fini(&t);
}
END_TEST

START_TEST(arp_answers_only_for_our_address)
{
    struct script t;
    struct pkt *pkt;
    script_init(&t);
    ck_assert_int_eq(input_with(&t, WIRE_ARP_REQUEST, peer_mac, peer, us, &pkt), ARP_ANSWER);
    struct wire_eth eth;
    struct wire_arp msg;
    ck_assert_uint_eq(pkt->len, 60);
    ck_assert(wire_eth_parse(&eth, pkt->data, pkt->len));
    ck_assert(mac_eq(eth.dst, peer_mac) && mac_eq(eth.src, our_mac) && eth.type == WIRE_ETH_ARP);
    ck_assert(wire_arp_parse(&msg, pkt->data + 14, 28));
    ck_assert_uint_eq(msg.op, WIRE_ARP_REPLY);
    ck_assert(mac_eq(msg.sender_mac, our_mac) && ip4_eq(msg.sender_addr, us));
    ck_assert(mac_eq(msg.target_mac, peer_mac) && ip4_eq(msg.target_addr, peer));
    for (uint32_t i = 42; i < 60; i++)
        ck_assert_uint_eq(pkt->data[i], 0); // not the padding that came
    pkt_free(pkt);

    ck_assert_int_eq(input(&t, WIRE_ARP_REQUEST, peer_mac, peer, ip4_of(10, 0, 2, 16)), ARP_DONE);
    ck_assert_int_eq(input(&t, WIRE_ARP_REPLY, peer_mac, peer, us), ARP_DONE);
    ck_assert_int_eq(input(&t, WIRE_ARP_REQUEST, peer_mac, nobody, us), ARP_ANSWER); // a probe
    arp_set_addr(&t.arp, t.now, nobody);
    ck_assert_int_eq(input(&t, WIRE_ARP_REQUEST, peer_mac, peer, us), ARP_DONE);
    ck_assert_int_eq(input(&t, WIRE_ARP_REQUEST, peer_mac, peer, nobody), ARP_DONE);
    script_fini(&t);
}
END_TEST

START_TEST(arp_learns_from_who_asks_us_and_updates_from_anybody)
{
    struct script t;
    struct mac mac;
    script_init(&t);
    // An unsolicited reply, and a request for somebody else: neither creates an entry.
    input(&t, WIRE_ARP_REPLY, peer_mac, peer, ip4_of(10, 0, 2, 9));
    input(&t, WIRE_ARP_REQUEST, peer_mac, peer, ip4_of(10, 0, 2, 9));
    ck_assert_int_eq(resolve(&t, peer, &mac), 0);
    expect_request(&t, wire_eth_broadcast, peer);
    arp_set_addr(&t.arp, t.now, us);

    input(&t, WIRE_ARP_REQUEST, peer_mac, peer, us); // it asks us: we will answer
    ck_assert_int_eq(resolve(&t, peer, &mac), 1);
    ck_assert(mac_eq(mac, peer_mac));
    input(&t, WIRE_ARP_REQUEST, other_mac, peer, peer); // it announces a new card
    ck_assert_int_eq(resolve(&t, peer, &mac), 1);
    ck_assert(mac_eq(mac, other_mac));
    script_fini(&t);
}
END_TEST

START_TEST(arp_refuses_impossible_senders)
{
    struct script t;
    script_init(&t);
    ck_assert_int_eq(input(&t, WIRE_ARP_REQUEST, wire_eth_broadcast, peer, us), ARP_BAD);
    ck_assert_int_eq(input(&t, WIRE_ARP_REQUEST, no_mac, peer, us), ARP_BAD);
    ck_assert_int_eq(input(&t, WIRE_ARP_REQUEST, peer_mac, ip4_of(224, 0, 0, 1), us), ARP_BAD);
    ck_assert_int_eq(input(&t, WIRE_ARP_REQUEST, peer_mac, ip4_from(0xffffffff), us), ARP_BAD);
    struct pkt *pkt = fixture_pkt(&t.pool, "short", 5);
    ck_assert_int_eq(arp_input(&t.arp, t.now, pkt), ARP_BAD);
    pkt_free(pkt);
    script_fini(&t);
}
END_TEST

START_TEST(arp_defends_its_address_once_in_ten_seconds)
{
    struct script t;
    struct mac mac;
    script_init(&t);
    const exo_ns start = t.now;
    ck_assert_int_eq(input(&t, WIRE_ARP_REQUEST, other_mac, us, us), ARP_DONE);
    ck_assert_uint_eq(t.arp.stats.conflicts, 1);
    ck_assert_uint_le(arp_deadline(&t.arp), start);
    expect_request(&t, wire_eth_broadcast, us);
    for (unsigned i = 0; i < 10; i++) {
        t.now = start + EXO_S(i);
        input(&t, WIRE_ARP_REPLY, other_mac, us, peer);
        ck_assert(nothing_goes_out(&t));
    }
    t.now = start + ARP_DEFEND;
    input(&t, WIRE_ARP_REPLY, other_mac, us, peer);
    expect_request(&t, wire_eth_broadcast, us);
    ck_assert_uint_eq(t.arp.stats.conflicts, 12);
    ck_assert_int_eq(resolve(&t, us, &mac), 0); // the other one never got into the table
    script_fini(&t);
}
END_TEST

START_TEST(arp_strangers_cannot_push_out_a_neighbour_in_use)
{
    struct script t;
    struct mac mac;
    script_init(&t);
    resolve(&t, peer, &mac);
    expect_request(&t, wire_eth_broadcast, peer);
    answer(&t);
    for (unsigned i = 0; i < 200; i++)
        input(&t, WIRE_ARP_REQUEST, other_mac, ip4_of(10, 0, 7, (uint8_t)i), us);
    ck_assert_int_eq(resolve(&t, peer, &mac), 1);
    ck_assert(mac_eq(mac, peer_mac));
    ck_assert_int_eq(resolve(&t, ip4_of(10, 0, 2, 3), &mac), 0); // and we find a place
    script_fini(&t);
}
END_TEST

START_TEST(arp_strangers_find_no_place_in_a_table_of_neighbours_in_use)
{
    struct script t;
    struct mac mac;
    script_init(&t);
    for (uint8_t i = 0; i < ARP_ENTRIES; i++) {
        ck_assert_int_eq(resolve(&t, ip4_of(10, 0, 2, (uint8_t)(100 + i)), &mac), 0);
        input(&t, WIRE_ARP_REPLY, peer_mac, ip4_of(10, 0, 2, (uint8_t)(100 + i)), us);
    }
    // It is answered all the same: that takes no place.
    ck_assert_int_eq(input(&t, WIRE_ARP_REQUEST, other_mac, ip4_of(10, 0, 7, 1), us), ARP_ANSWER);
    ck_assert_uint_eq(t.arp.stats.dropped_full, 1);
    for (uint8_t i = 0; i < ARP_ENTRIES; i++)
        ck_assert_int_eq(resolve(&t, ip4_of(10, 0, 2, (uint8_t)(100 + i)), &mac), 1);

    // We ourselves do: the neighbour used longest ago makes room.
    t.now += 1;
    for (uint8_t i = 1; i < ARP_ENTRIES; i++)
        resolve(&t, ip4_of(10, 0, 2, (uint8_t)(100 + i)), &mac);
    ck_assert_int_eq(resolve(&t, peer, &mac), 0);
    ck_assert_int_eq(resolve(&t, ip4_of(10, 0, 2, 101), &mac), 1);
    ck_assert_int_eq(resolve(&t, ip4_of(10, 0, 2, 100), &mac), 0);
    script_fini(&t);
}
END_TEST

START_TEST(arp_asking_never_takes_the_whole_table)
{
    struct script t;
    struct mac mac;
    script_init(&t);
    resolve(&t, peer, &mac);
    answer(&t);
    struct pkt *pkt = fixture_pkt(&t.pool, "x", 1);
    for (unsigned i = 0; i < ARP_ASKING_MAX; i++)
        ck_assert_int_eq(resolve(&t, ip4_of(10, 0, 2, (uint8_t)(100 + i)), &mac), 0);
    ck_assert_int_eq(arp_resolve(&t.arp, t.now, ip4_of(10, 0, 2, 99), pkt, &mac), -EXO_ENOMEM);
    ck_assert_uint_eq(t.arp.stats.dropped_full, 1);
    pkt_free(pkt); // a call that fails has taken nothing
    ck_assert_int_eq(resolve(&t, peer, &mac), 1);
    script_fini(&t);
}
END_TEST

START_TEST(arp_without_an_address_asks_nothing)
{
    struct script t;
    struct mac mac;
    script_init(&t);
    struct pkt *pkt = fixture_pkt(&t.pool, "x", 1);
    arp_resolve(&t.arp, t.now, peer, pkt, &mac);
    arp_set_addr(&t.arp, t.now, nobody); // what waited is gone with the address
    ck_assert_uint_eq(t.pool.free_count, t.pool.count);
    ck_assert_int_eq(resolve(&t, peer, &mac), -EXO_ENETUNREACH);
    ck_assert(nothing_goes_out(&t));
    ck_assert_uint_eq(arp_deadline(&t.arp), EXO_NS_NEVER);
    script_fini(&t);
}
END_TEST

CHECK_MAIN("netstack.arp", arp_asks_and_releases_what_waited,
           arp_asks_once_a_second_three_times_and_gives_up, arp_knows_for_a_while_who_was_silent,
           arp_gives_the_place_of_a_silent_neighbour_to_anybody, arp_keeps_latest_waiting,
           arp_confirms_an_aged_neighbour_by_unicast, arp_forgets_a_neighbour_that_left,
           arp_answers_only_for_our_address, arp_learns_from_who_asks_us_and_updates_from_anybody,
           arp_refuses_impossible_senders, arp_defends_its_address_once_in_ten_seconds,
           arp_strangers_cannot_push_out_a_neighbour_in_use,
           arp_strangers_find_no_place_in_a_table_of_neighbours_in_use,
           arp_asking_never_takes_the_whole_table, arp_without_an_address_asks_nothing)
