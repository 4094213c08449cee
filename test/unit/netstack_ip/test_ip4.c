// SPDX-License-Identifier: MIT
// test_ip4.c - routes, and which datagrams are for us.
#include "exo/bits.h"
#include "netstack/base/checksum.h"
#include "netstack/ip/ip4.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

static const struct route home = {
    .addr = {{10, 0, 2, 15}}, .prefix_len = 24, .router = {{10, 0, 2, 2}}};

static enum route_kind kind_of(const struct route *route, struct ip4 dst)
{
    return route_lookup(route, dst).kind;
}

START_TEST(route_finds_the_next_hop)
{
    struct route_hop hop = route_lookup(&home, ip4_of(10, 0, 2, 77));
    ck_assert_int_eq(hop.kind, ROUTE_NEIGHBOUR);
    ck_assert(ip4_eq(hop.next_hop, ip4_of(10, 0, 2, 77)));
    hop = route_lookup(&home, ip4_of(10, 0, 3, 77));
    ck_assert_int_eq(hop.kind, ROUTE_NEIGHBOUR);
    ck_assert(ip4_eq(hop.next_hop, home.router));
    ck_assert_int_eq(kind_of(&home, home.addr), ROUTE_SELF);
}
END_TEST

START_TEST(route_reaches_a_router_outside_its_subnet)
{
    struct route cloud = {.addr = {{10, 0, 2, 15}}, .prefix_len = 32, .router = {{169, 254, 1, 1}}};
    ck_assert(ip4_eq(route_lookup(&cloud, ip4_of(1, 1, 1, 1)).next_hop, cloud.router));
    ck_assert(ip4_eq(route_lookup(&cloud, ip4_of(10, 0, 2, 14)).next_hop, cloud.router));
    ck_assert(ip4_eq(route_lookup(&cloud, cloud.router).next_hop, cloud.router));
    ck_assert_int_eq(kind_of(&cloud, cloud.addr), ROUTE_SELF);
    cloud.router = ip4_of(0, 0, 0, 0);
    ck_assert_int_eq(kind_of(&cloud, ip4_of(1, 1, 1, 1)), ROUTE_NONE);
    cloud.router = ip4_of(224, 0, 0, 1);
    ck_assert_int_eq(kind_of(&cloud, ip4_of(1, 1, 1, 1)), ROUTE_NONE);
    cloud.router = cloud.addr;
    ck_assert_int_eq(kind_of(&cloud, ip4_of(1, 1, 1, 1)), ROUTE_NONE);
}
END_TEST

START_TEST(route_maps_groups_to_hardware)
{
    struct route_hop hop = route_lookup(&home, ip4_of(10, 0, 2, 255));
    ck_assert_int_eq(hop.kind, ROUTE_GROUP);
    ck_assert_mem_eq(hop.mac.b, "\xff\xff\xff\xff\xff\xff", 6);
    hop = route_lookup(&home, ip4_of(239, 0x81, 2, 3)); // the ninth bit is not mapped
    ck_assert_int_eq(hop.kind, ROUTE_GROUP);
    ck_assert_mem_eq(hop.mac.b, "\x01\x00\x5e\x01\x02\x03", 6);
}
END_TEST

START_TEST(route_says_when_there_is_none)
{
    const struct route alone = {.addr = {{10, 0, 2, 15}}, .prefix_len = 24};
    ck_assert_int_eq(kind_of(&alone, ip4_of(10, 0, 3, 1)), ROUTE_NONE);
    ck_assert_int_eq(kind_of(&home, ip4_of(127, 0, 0, 1)), ROUTE_NONE);
    ck_assert_int_eq(kind_of(&home, ip4_of(0, 0, 0, 0)), ROUTE_NONE);
    ck_assert_int_eq(kind_of(&home, ip4_of(240, 0, 0, 1)), ROUTE_NONE);

    const struct route unset = {0};
    ck_assert_int_eq(kind_of(&unset, ip4_of(10, 0, 2, 2)), ROUTE_NONE);
    ck_assert_int_eq(kind_of(&unset, ip4_of(224, 0, 0, 1)), ROUTE_NONE);
    ck_assert_int_eq(kind_of(&unset, ip4_from(0xffffffff)), ROUTE_GROUP); // DHCP's way
}
END_TEST

START_TEST(route_knows_its_subnets_edges)
{
    struct route r = home;
    r.prefix_len = 0; // everything is on the link
    ck_assert_int_eq(kind_of(&r, ip4_of(203, 0, 113, 1)), ROUTE_NEIGHBOUR);
    r.prefix_len = 31; // RFC 3021: 10.0.2.14 and .15 are both hosts
    ck_assert(!route_is_broadcast(&r, ip4_of(10, 0, 2, 15)));
    ck_assert(ip4_eq(route_lookup(&r, ip4_of(10, 0, 2, 14)).next_hop, ip4_of(10, 0, 2, 14)));
    r.prefix_len = 32;
    ck_assert(!route_is_on_link(&r, ip4_of(10, 0, 2, 14)));
    ck_assert(ip4_eq(route_lookup(&r, ip4_of(10, 0, 2, 14)).next_hop, r.router));
    r.prefix_len = 30; // 12 … 15
    ck_assert(route_is_broadcast(&r, ip4_of(10, 0, 2, 15)));
}
END_TEST

struct datagram {
    struct wire_ip4 ip;
    uint8_t bytes[60];
};

static struct datagram from_to(struct ip4 src, struct ip4 dst)
{
    return (struct datagram){.ip = wire_ip4_of(src, dst, WIRE_IP4_UDP, 8)};
}

static enum ip4_verdict judge(struct datagram *d, const struct route *route, bool group_frame)
{
    struct wire_ip4 out;
    wire_ip4_emit(d->bytes, &d->ip);
    uint8_t *exact = fixture_exact(d->bytes, sizeof d->bytes);
    const enum ip4_verdict verdict = ip4_accept(&out, route, group_frame, exact, sizeof d->bytes);
    free(exact);
    return verdict;
}

static enum ip4_verdict judge_addrs(struct ip4 src, struct ip4 dst)
{
    struct datagram d = from_to(src, dst);
    return judge(&d, &home, false);
}

START_TEST(ip4_takes_what_is_for_us)
{
    const struct ip4 peer = ip4_of(10, 0, 2, 2);
    ck_assert_int_eq(judge_addrs(peer, home.addr), IP4_UNICAST);
    ck_assert_int_eq(judge_addrs(peer, ip4_from(0xffffffff)), IP4_BROADCAST);
    ck_assert_int_eq(judge_addrs(peer, ip4_of(10, 0, 2, 255)), IP4_BROADCAST);
    ck_assert_int_eq(judge_addrs(peer, ip4_of(10, 0, 2, 16)), IP4_NOT_OURS);
    ck_assert_int_eq(judge_addrs(peer, ip4_of(224, 0, 0, 1)), IP4_NOT_OURS);
    ck_assert_int_eq(judge_addrs(peer, ip4_of(127, 0, 0, 1)), IP4_NOT_OURS);
    ck_assert_int_eq(judge_addrs(peer, ip4_of(10, 0, 3, 255)), IP4_NOT_OURS);
}
END_TEST

START_TEST(ip4_refuses_sources_that_are_no_host)
{
    static const struct ip4 bad[] = {
        {{0, 0, 0, 0}},   {{0, 1, 2, 3}},    {{127, 0, 0, 1}},       {{224, 0, 0, 1}},
        {{240, 0, 0, 1}}, {{10, 0, 2, 255}}, {{255, 255, 255, 255}}, {{10, 0, 2, 15}},
    };
    for (size_t i = 0; i < EXO_COUNT(bad); i++)
        ck_assert_int_eq(judge_addrs(bad[i], home.addr), IP4_BAD_SOURCE);
}
END_TEST

START_TEST(ip4_for_one_host_does_not_come_in_a_group_frame)
{
    struct datagram d = from_to(ip4_of(10, 0, 2, 2), home.addr);
    ck_assert_int_eq(judge(&d, &home, true), IP4_NOT_OURS);
    d = from_to(ip4_of(10, 0, 2, 2), ip4_from(0xffffffff));
    ck_assert_int_eq(judge(&d, &home, true), IP4_BROADCAST);
}
END_TEST

START_TEST(ip4_without_an_address_takes_only_broadcasts)
{
    const struct route unset = {0};
    struct datagram d = from_to(ip4_of(10, 0, 2, 2), ip4_from(0xffffffff));
    ck_assert_int_eq(judge(&d, &unset, true), IP4_BROADCAST);
    d = from_to(ip4_of(10, 0, 2, 2), ip4_of(10, 0, 2, 15));
    ck_assert_int_eq(judge(&d, &unset, false), IP4_NOT_OURS);
    d = from_to(ip4_of(10, 0, 2, 2), ip4_of(0, 0, 0, 0));
    ck_assert_int_eq(judge(&d, &unset, false), IP4_NOT_OURS);
}
END_TEST

START_TEST(ip4_refuses_every_fragment)
{
    struct datagram d = from_to(ip4_of(10, 0, 2, 2), home.addr);
    d.ip.more_fragments = true;
    ck_assert_int_eq(judge(&d, &home, false), IP4_FRAGMENT);
    d.ip.more_fragments = false;
    d.ip.fragment_offset = 8;
    ck_assert_int_eq(judge(&d, &home, false), IP4_FRAGMENT);
}
END_TEST

START_TEST(ip4_takes_any_ttl_but_no_source_route)
{
    struct datagram d = from_to(ip4_of(10, 0, 2, 2), home.addr);
    d.ip.ttl = 1;
    ck_assert_int_eq(judge(&d, &home, false), IP4_UNICAST);

    struct wire_ip4 out;
    uint8_t bytes[28];
    wire_ip4_emit(bytes, &d.ip);
    bytes[0] = 0x47; // two words of options: the eight bytes of payload become them
    memcpy(bytes + 20, "\x83\7\4\1\2\3\4", 8);
    memset(bytes + 10, 0, 2);
    ck_assert_int_eq(ip4_accept(&out, &home, false, bytes, sizeof bytes), IP4_MALFORMED);
    struct checksum sum = {0};
    checksum_add(&sum, bytes, sizeof bytes);
    const struct be16 field = checksum_finish(sum);
    memcpy(bytes + 10, &field, sizeof field);
    ck_assert_int_eq(ip4_accept(&out, &home, false, bytes, sizeof bytes), IP4_SOURCE_ROUTE);
}
END_TEST

CHECK_MAIN("netstack.ip4", route_finds_the_next_hop, route_reaches_a_router_outside_its_subnet,
           route_maps_groups_to_hardware, route_says_when_there_is_none,
           route_knows_its_subnets_edges, ip4_takes_what_is_for_us,
           ip4_refuses_sources_that_are_no_host, ip4_for_one_host_does_not_come_in_a_group_frame,
           ip4_without_an_address_takes_only_broadcasts, ip4_refuses_every_fragment,
           ip4_takes_any_ttl_but_no_source_route)
