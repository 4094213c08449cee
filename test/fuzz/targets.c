// SPDX-License-Identifier: MIT
// targets.c - the parsers and the machines behind them, one target each. Firmware's tables
// are in firmware.c, requests in http.c, and a whole stack in talk.c.
#include "test/fuzz/targets.h"

#include "core/flow_match.h"
#include "exo/bits.h"
#include "netstack/app/dhcp.h"
#include "netstack/base/checksum.h"
#include "netstack/ip/arp.h"
#include "netstack/ip/icmp.h"
#include "netstack/ip/ip4.h"
#include "netstack/udp/udp.h"
#include "netstack/wire/arp.h"
#include "netstack/wire/eth.h"
#include "netstack/wire/tcp.h"
#include "test/fuzz/firmware.h"
#include "test/support/flow_reference.h"
#include "test/support/net_fixture.h"

static const struct ip4 here = {{10, 0, 2, 15}};
static const struct ip4 there = {{10, 0, 2, 2}};
static const struct mac our_mac = {{2, 0, 0, 0, 0, 1}};
static const struct mac peer_mac = {{2, 0, 0, 0, 0, 2}};

static size_t at_most(size_t len, size_t max)
{
    return EXO_MIN(len, max);
}

// --- ip4 -----------------------------------------------------------------------------

// The checksum is corrected first: nearly every other input would end at it.
static void run_ip4(const uint8_t *bytes, size_t len)
{
    static const struct route route = {
        .addr = {{10, 0, 2, 15}}, .prefix_len = 24, .router = {{10, 0, 2, 2}}};
    struct wire_ip4 ip;
    uint8_t *copy = fixture_exact(bytes, len);
    const size_t header_len = len ? (size_t)(copy[0] & 15) * 4 : 0;
    if (header_len >= 20 && header_len <= len) {
        memset(copy + 10, 0, 2);
        const struct be16 sum = checksum_of(copy, header_len);
        memcpy(copy + 10, &sum, sizeof sum);
    }
    if (ip4_accept(&ip, &route, false, copy, len) <= IP4_BROADCAST) {
        exo_assert(ip.header_len >= 20 && ip.header_len <= ip.total_len && ip.total_len <= len);
        exo_assert(ip.fragment_offset == 0 && !ip.more_fragments && !ip.source_route);
        exo_assert(!ip4_eq(ip.src, here));
    }
    wire_ip4_parse_quote(&ip, copy, len);
    free(copy);
}

static size_t seed_ip4(uint8_t *out)
{
    const struct wire_ip4 ip = wire_ip4_of(there, here, WIRE_IP4_UDP, 40);
    memset(out + 20, 1, 40);
    return wire_ip4_emit(out, &ip) + 40;
}

// --- tcp -----------------------------------------------------------------------------

static void run_tcp(const uint8_t *bytes, size_t len)
{
    struct wire_tcp tcp;
    struct wire_tcp again;
    uint8_t out[WIRE_TCP_MAX_BYTES];
    uint8_t *copy = fixture_exact(bytes, len);
    if (wire_tcp_parse(&tcp, copy, len)) {
        exo_assert(tcp.header_len >= 20 && tcp.header_len <= len && tcp.header_len <= 60);
        exo_assert(tcp.sack_count <= WIRE_TCP_SACKS && tcp.window <= UINT16_MAX);
        if (wire_tcp_length(&tcp) <= sizeof out) { // our padding may need more than theirs
            const size_t written = wire_tcp_emit(out, &tcp);
            exo_assert(wire_tcp_parse(&again, out, written));
            exo_assert(again.seq == tcp.seq && again.options == tcp.options);
            exo_assert(again.sack_count == tcp.sack_count);
        }
        wire_tcp_verify(copy, (uint16_t)at_most(len, UINT16_MAX), there, here);
    }
    free(copy);
}

static size_t seed_tcp(uint8_t *out)
{
    const struct wire_tcp syn = {
        .flags = WIRE_TCP_SYN,
        .options = WIRE_TCP_MSS | WIRE_TCP_WSCALE | WIRE_TCP_SACK_PERMITTED | WIRE_TCP_TIMESTAMPS,
        .mss = 1460,
        .wscale = 7,
    };
    return wire_tcp_emit(out, &syn);
}

// --- udp -----------------------------------------------------------------------------

static void run_udp(const uint8_t *bytes, size_t len)
{
    struct fixture_rng rng;
    const struct net_env env = fixture_env(&rng, 1);
    struct pkt_pool pool;
    struct udp udp;
    struct udp_sock *sock;
    void *mem = aligned_alloc(64, udp_bytes(2));
    fixture_pool_init(&pool, 1);
    udp_init(&udp, mem, 2, &env);
    udp_bind(&udp, 7, &sock);
    struct pkt *pkt = fixture_pkt(&pool, bytes, (uint32_t)at_most(len, 1500));
    const uint32_t before = pkt->len;
    const struct wire_ip4 ip = wire_ip4_of(there, here, WIRE_IP4_UDP, before);
    if (udp_input(&udp, &ip, pkt, &sock) == UDP_QUEUED) {
        exo_assert(pkt->len + 8 <= before);
        udp_unbind(&udp, sock);
    } else {
        exo_assert(pkt->len == before);
        pkt_free(pkt);
    }
    exo_assert(fixture_pool_fini(&pool));
    free(mem);
}

static size_t seed_udp(uint8_t *out)
{
    memcpy(out,
           "\x14\xe9\x00\x07\x00\x0c\x00\x00"
           "ping",
           12);
    return 12;
}

// --- icmp ----------------------------------------------------------------------------

static void run_icmp(const uint8_t *bytes, size_t len)
{
    struct pkt_pool pool;
    struct icmp_error error;
    fixture_pool_init(&pool, 1);
    struct pkt *pkt = fixture_pkt(&pool, bytes, (uint32_t)at_most(len, 1500));
    if (pkt->len >= 8) {
        memset(pkt->data + 2, 0, 2);
        const struct be16 sum = checksum_of(pkt->data, pkt->len);
        memcpy(pkt->data + 2, &sum, sizeof sum);
    }
    const uint32_t before = pkt->len;
    const struct wire_ip4 ip = wire_ip4_of(there, here, WIRE_IP4_ICMP, before);
    const enum icmp_verdict verdict = icmp_input(&ip, pkt, &error);
    exo_assert(pkt->len == before);
    if (verdict == ICMP_ERROR)
        exo_assert(ip4_eq(error.src, here));
    if (verdict == ICMP_ANSWER) {
        struct wire_icmp4 reply;
        exo_assert(wire_icmp4_parse(&reply, pkt->data, pkt->len));
        exo_assert(reply.type == WIRE_ICMP4_ECHO_REPLY);
    }
    pkt_free(pkt);
    exo_assert(fixture_pool_fini(&pool));
}

static size_t seed_icmp(uint8_t *out)
{
    const struct wire_ip4 quoted = wire_ip4_of(here, there, WIRE_IP4_TCP, 20);
    const struct wire_icmp4 head = {.type = WIRE_ICMP4_UNREACHABLE, .code = 3};
    memset(out + 28, 5, 20);
    wire_ip4_emit(out + 8, &quoted);
    return wire_icmp4_emit(out, &head, 40) + 40;
}

// --- arp -----------------------------------------------------------------------------

static void run_arp(const uint8_t *bytes, size_t len)
{
    struct pkt_pool pool;
    struct arp arp;
    struct mac mac;
    fixture_pool_init(&pool, 2);
    arp_init(&arp, our_mac);
    arp_set_addr(&arp, 0, here);
    arp_resolve(&arp, 0, there, fixture_pkt(&pool, "x", 1), &mac);
    struct pkt *pkt = pkt_alloc(&pool, PKT_FOR_STACK);
    memcpy(pkt_put(pkt, (uint32_t)at_most(len, 1500)), bytes, at_most(len, 1500));
    if (arp_input(&arp, 1, pkt) == ARP_ANSWER)
        exo_assert(pkt->len == WIRE_ETH_MIN_BYTES);
    pkt_free(pkt);
    for (struct pkt *held; (held = arp_release(&arp, &mac)) != NULL;)
        pkt_free(held);
    arp_fini(&arp);
    exo_assert(fixture_pool_fini(&pool));
}

static size_t seed_arp(uint8_t *out)
{
    const struct wire_arp request = {
        .op = WIRE_ARP_REQUEST, .sender_mac = peer_mac, .sender_addr = there, .target_addr = here};
    return wire_arp_emit(out, &request);
}

// --- dhcp ----------------------------------------------------------------------------

// Asks, then takes the input as the answer; the number and the hardware address are put
// right, or hardly any input would get behind them.
static void run_dhcp(const uint8_t *bytes, size_t len)
{
    struct fixture_rng rng;
    const struct net_env env = fixture_env(&rng, 1);
    struct pkt_pool pool;
    struct dhcp dhcp;
    struct dhcp_route route;
    struct dhcp_lease lease;
    uint8_t *copy = fixture_exact(bytes, len);
    fixture_pool_init(&pool, 1);
    dhcp_init(&dhcp, &env, our_mac, 0);
    for (exo_ns now = 0; now < 3; now++) {
        struct pkt *pkt = pkt_alloc(&pool, PKT_FOR_STACK);
        dhcp_output(&dhcp, now, pkt, &route);
        pkt_free(pkt);
        if (len >= 34) {
            const struct be32 xid = be32_of(dhcp.xid);
            memcpy(copy + 4, &xid, sizeof xid);
            memcpy(copy + 28, &our_mac, sizeof our_mac);
        }
        dhcp_input(&dhcp, now, copy, len);
        if (dhcp.state == DHCP_REQUESTING && len > 242 && copy[240] == 53)
            copy[242] = WIRE_DHCP_ACK; // the next round answers the REQUEST
        dhcp_tick(&dhcp, now);
        exo_assert(dhcp_deadline(&dhcp) <= dhcp.expires_at);
    }
    if (dhcp_take_change(&dhcp, &lease))
        exo_assert(lease.addr.b[0] != 0 && lease.prefix_len >= 1 && lease.prefix_len <= 32);
    free(copy);
    exo_assert(fixture_pool_fini(&pool));
}

static size_t seed_dhcp(uint8_t *out)
{
    const struct wire_dhcp offer = {
        .op = WIRE_DHCP_BOOTREPLY,
        .type = WIRE_DHCP_OFFER,
        .yiaddr = here,
        .chaddr = our_mac,
        .options = WIRE_DHCP_SUBNET_MASK | WIRE_DHCP_ROUTER | WIRE_DHCP_DNS_SERVERS |
                   WIRE_DHCP_LEASE | WIRE_DHCP_SERVER_ID,
        .subnet_mask = {{255, 255, 255, 0}},
        .router = there,
        .dns_count = 2,
        .dns = {there, there},
        .lease_s = 3600,
        .server_id = there,
    };
    return wire_dhcp_emit(out, &offer);
}

// --- flow ----------------------------------------------------------------------------

// Whose frame it is must be what the slow reference says, for whatever filter.
static void run_flow(const uint8_t *bytes, size_t len)
{
    uint64_t seed = 1;
    struct core_flow_key key;
    uint8_t *frame = fixture_exact(bytes, len);
    const bool has_key = core_flow_key(frame, (uint32_t)len, CORE_FLOW_IN, our_mac.b, &key);
    for (int i = 0; i < 8; i++) {
        struct core_flow_rule rule;
        const struct core_flow_filter filter = reference_filter(&seed);
        exo_assert(flow_compile(&filter, &rule));
        exo_assert((has_key && core_flow_matches(&rule, &key)) ==
                   reference_matches(&filter, frame, (uint32_t)len, our_mac.b));
    }
    free(frame);
}

static size_t seed_flow(uint8_t *out)
{
    uint64_t seed = 1;
    const struct reference_frame frame = reference_frame(&seed, our_mac.b, peer_mac.b);
    memcpy(out, frame.bytes, sizeof frame.bytes);
    return sizeof frame.bytes;
}

const struct fuzz_target fuzz_targets[] = {
    {"ip4", run_ip4, seed_ip4},
    {"tcp", run_tcp, seed_tcp},
    {"udp", run_udp, seed_udp},
    {"icmp", run_icmp, seed_icmp},
    {"arp", run_arp, seed_arp},
    {"dhcp", run_dhcp, seed_dhcp},
    {"acpi", fuzz_run_acpi, fuzz_seed_acpi},
    {"mp", fuzz_run_mp, fuzz_seed_mp},
    {"flow", run_flow, seed_flow},
    {"http", fuzz_run_http, fuzz_seed_http},
    {"talk", fuzz_run_talk, fuzz_seed_talk},
};

const size_t fuzz_target_count = EXO_COUNT(fuzz_targets);
