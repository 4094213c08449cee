// SPDX-License-Identifier: MIT
// test_wire_ip.c - the codecs of Ethernet, ARP, IPv4, ICMP and UDP.
#include "netstack/wire/arp.h"
#include "netstack/wire/eth.h"
#include "netstack/wire/icmp4.h"
#include "netstack/wire/ip4.h"
#include "netstack/wire/udp.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

static const struct ip4 here = {{10, 0, 2, 15}};
static const struct ip4 there = {{192, 168, 7, 9}};

// --- Ethernet and ARP --------------------------------------------------------------

START_TEST(eth_comes_back_and_short_frames_do_not)
{
    const struct wire_eth eth = {
        .dst = {{1, 2, 3, 4, 5, 6}}, .src = {{7, 8, 9, 10, 11, 12}}, .type = WIRE_ETH_IP4};
    uint8_t bytes[WIRE_ETH_BYTES];
    struct wire_eth back;
    ck_assert_uint_eq(wire_eth_emit(bytes, &eth), wire_eth_length(&eth));
    for (size_t len = 0; len < sizeof bytes; len++) {
        uint8_t *exact = fixture_exact(bytes, len);
        ck_assert(!wire_eth_parse(&back, exact, len));
        free(exact);
    }
    ck_assert(wire_eth_parse(&back, bytes, sizeof bytes));
    ck_assert_mem_eq(&back, &eth, sizeof eth);
}
END_TEST

START_TEST(eth_pad_is_zeros_even_in_a_used_buffer)
{
    struct pkt_pool pool;
    fixture_pool_init(&pool, 1);
    for (uint32_t len = 0; len <= 61; len++) {
        struct pkt *pkt = pkt_alloc(&pool, PKT_FOR_STACK);
        memset(pkt->buf, 0xaa, PKT_BUF_BYTES); // what the last packet left
        pkt_put(pkt, len);
        wire_eth_pad(pkt);
        ck_assert_uint_eq(pkt->len, len < 60 ? 60 : len);
        for (uint32_t i = len; i < pkt->len; i++)
            ck_assert_uint_eq(pkt->data[i], 0);
        pkt_free(pkt);
    }
    ck_assert(fixture_pool_fini(&pool));
}
END_TEST

static const struct wire_arp an_arp = {
    .op = WIRE_ARP_REQUEST,
    .sender_mac = {{2, 0, 0, 0, 0, 1}},
    .sender_addr = {{10, 0, 2, 2}},
    .target_addr = {{10, 0, 2, 15}},
};

START_TEST(arp_comes_back_and_every_truncation_is_refused)
{
    uint8_t bytes[WIRE_ARP_BYTES];
    struct wire_arp back;
    ck_assert_uint_eq(wire_arp_emit(bytes, &an_arp), wire_arp_length(&an_arp));
    for (size_t len = 0; len < sizeof bytes; len++) {
        uint8_t *exact = fixture_exact(bytes, len);
        ck_assert(!wire_arp_parse(&back, exact, len));
        free(exact);
    }
    ck_assert(wire_arp_parse(&back, bytes, sizeof bytes));
    ck_assert_mem_eq(&back, &an_arp, sizeof back);
}
END_TEST

START_TEST(arp_of_other_kinds_is_refused)
{
    // RFC 826: hardware, protocol, their lengths and the operation must all be ours.
    static const size_t checked[] = {0, 1, 2, 3, 4, 5, 6};
    struct wire_arp back;
    for (size_t i = 0; i < sizeof checked / sizeof checked[0]; i++)
        for (unsigned flip = 1; flip < 256; flip <<= 1) {
            uint8_t bytes[WIRE_ARP_BYTES];
            wire_arp_emit(bytes, &an_arp);
            bytes[checked[i]] ^= (uint8_t)flip;
            ck_assert(!wire_arp_parse(&back, bytes, sizeof bytes));
        }
    for (unsigned op = 0; op < 256; op++) {
        uint8_t bytes[WIRE_ARP_BYTES];
        wire_arp_emit(bytes, &an_arp);
        bytes[7] = (uint8_t)op;
        ck_assert_int_eq(wire_arp_parse(&back, bytes, sizeof bytes), op == 1 || op == 2);
    }
}
END_TEST

// --- IPv4 ----------------------------------------------------------------------------

static void ip4_seal(uint8_t *bytes, size_t header_len)
{
    memset(bytes + 10, 0, 2);
    const struct be16 sum = checksum_of(bytes, header_len);
    memcpy(bytes + 10, &sum, sizeof sum);
}

START_TEST(ip4_comes_back)
{
    struct fixture_rng rng = {1};
    for (int round = 0; round < 2000; round++) {
        const uint64_t r = fixture_draw(&rng);
        struct wire_ip4 ip = {
            .src = here,
            .dst = there,
            .total_len = (uint16_t)(20 + r % 1481),
            .id = (uint16_t)(r >> 16),
            .fragment_offset = (uint16_t)((r >> 32 & 0x0fff) * 8),
            .dont_fragment = r >> 45 & 1,
            .more_fragments = r >> 46 & 1,
            .header_len = WIRE_IP4_BYTES,
            .tos = (uint8_t)(r >> 48),
            .ttl = (uint8_t)(1 + (r >> 50) % 255),
            .proto = (uint8_t)(r >> 56),
        };
        uint8_t bytes[1500] = {0};
        struct wire_ip4 back;
        ck_assert_uint_eq(wire_ip4_emit(bytes, &ip), 20);
        ck_assert(wire_ip4_parse(&back, bytes, sizeof bytes));
        ck_assert_mem_eq(&back, &ip, sizeof ip);
    }
}
END_TEST

START_TEST(ip4_of_ours_has_df_id_zero_and_ttl_64)
{
    uint8_t bytes[28] = {0};
    const struct wire_ip4 ip = wire_ip4_of(here, there, WIRE_IP4_UDP, 8);
    wire_ip4_emit(bytes, &ip);
    static const uint8_t expected[] = {0x45, 0, 0, 28, 0, 0, 0x40, 0, 64, 17};
    ck_assert_mem_eq(bytes, expected, sizeof expected);
}
END_TEST

// Every version and header length against every packet of 0 … 80 bytes.
START_TEST(ip4_header_length_lies_inside_or_is_refused)
{
    for (unsigned first = 0; first < 256; first++)
        for (size_t len = 0; len <= 80; len++) {
            uint8_t *bytes = calloc(1, len ? len : 1);
            struct wire_ip4 ip;
            const size_t header_len = (first & 15) * 4;
            bytes[0] = (uint8_t)first;
            if (len >= 4)
                bytes[3] = (uint8_t)len;
            const bool good = len >= 20 && first >> 4 == 4 && header_len >= 20 && header_len <= len;
            if (good)
                ip4_seal(bytes, header_len);
            ck_assert_int_eq(wire_ip4_parse(&ip, bytes, len), good);
            if (good)
                ck_assert_uint_eq(wire_ip4_length(&ip), header_len);
            free(bytes);
        }
}
END_TEST

START_TEST(ip4_total_length_is_between_header_and_received)
{
    enum { RECEIVED = 60 };
    for (unsigned header_len = 20; header_len <= 60; header_len += 4)
        for (unsigned total = 0; total <= RECEIVED + 8; total++) {
            uint8_t bytes[RECEIVED] = {0};
            struct wire_ip4 ip;
            bytes[0] = (uint8_t)(0x40 | header_len / 4);
            bytes[3] = (uint8_t)total;
            ip4_seal(bytes, header_len);
            ck_assert_int_eq(wire_ip4_parse(&ip, bytes, sizeof bytes),
                             total >= header_len && total <= RECEIVED);
        }
}
END_TEST

START_TEST(ip4_checksum_guards_every_header_bit)
{
    uint8_t bytes[20];
    struct wire_ip4 ip = wire_ip4_of(here, there, WIRE_IP4_TCP, 0);
    wire_ip4_emit(bytes, &ip);
    for (size_t bit = 0; bit < 160; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert(!wire_ip4_parse(&ip, bytes, sizeof bytes));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert(wire_ip4_parse(&ip, bytes, sizeof bytes));
}
END_TEST

START_TEST(ip4_fragment_may_not_end_beyond_65535)
{
    uint8_t bytes[1500] = {0};
    struct wire_ip4 ip = wire_ip4_of(here, there, WIRE_IP4_UDP, 1480);
    ip.dont_fragment = false;
    ip.fragment_offset = 0x1fff * 8; // 65,528
    wire_ip4_emit(bytes, &ip);
    ck_assert(!wire_ip4_parse(&ip, bytes, sizeof bytes));
    ip = wire_ip4_of(here, there, WIRE_IP4_UDP, 7);
    ip.fragment_offset = 0x1fff * 8;
    wire_ip4_emit(bytes, &ip);
    ck_assert(wire_ip4_parse(&ip, bytes, sizeof bytes));
}
END_TEST

// Parses a 40-byte datagram whose twenty bytes of options begin with these.
static bool with_options(const uint8_t *options, size_t len, struct wire_ip4 *ip)
{
    uint8_t bytes[40] = {0x4a, 0, 0, 40};
    memcpy(bytes + 20, options, len);
    ip4_seal(bytes, sizeof bytes);
    uint8_t *exact = fixture_exact(bytes, sizeof bytes);
    const bool ok = wire_ip4_parse(ip, exact, sizeof bytes);
    free(exact);
    return ok;
}

START_TEST(ip4_options_are_skipped_and_their_lengths_checked)
{
    struct wire_ip4 ip;
    for (unsigned kind = 2; kind < 256; kind++)
        for (unsigned len = 0; len < 256; len++) {
            const uint8_t option[2] = {(uint8_t)kind, (uint8_t)len};
            ck_assert_int_eq(with_options(option, 2, &ip), len >= 2 && len <= 20);
        }
    static const uint8_t cut[20] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 7};
    ck_assert(!with_options(cut, sizeof cut, &ip)); // no room for its length
    static const uint8_t ended[3] = {0, 7, 0};      // after the end, anything
    ck_assert(with_options(ended, sizeof ended, &ip));
    ck_assert(!ip.source_route);
    ck_assert(with_options((const uint8_t[]){1, 131, 3, 4}, 4, &ip) && ip.source_route);
    ck_assert(with_options((const uint8_t[]){137, 3, 4}, 3, &ip) && ip.source_route);
}
END_TEST

// --- ICMP and UDP --------------------------------------------------------------------

START_TEST(icmp_comes_back_and_covers_its_body)
{
    const struct wire_icmp4 icmp = {.type = 8, .code = 0, .id = 0x1234, .seq = 0xffff};
    for (size_t body = 0; body < 70; body++) {
        uint8_t bytes[80];
        struct wire_icmp4 back;
        memset(bytes, (int)body, sizeof bytes);
        ck_assert_uint_eq(wire_icmp4_emit(bytes, &icmp, body), wire_icmp4_length(&icmp));
        uint8_t *exact = fixture_exact(bytes, 8 + body);
        ck_assert(wire_icmp4_parse(&back, exact, 8 + body));
        ck_assert_mem_eq(&back, &icmp, sizeof icmp);
        exact[7 + body] ^= 1;
        ck_assert(!wire_icmp4_parse(&back, exact, 8 + body));
        free(exact);
    }
}
END_TEST

START_TEST(icmp_shorter_than_its_header_is_refused)
{
    uint8_t bytes[8];
    struct wire_icmp4 icmp = {.type = 8};
    wire_icmp4_emit(bytes, &icmp, 0);
    for (size_t len = 0; len < 8; len++) {
        uint8_t *exact = fixture_exact(bytes, len);
        ck_assert(!wire_icmp4_parse(&icmp, exact, len));
        free(exact);
    }
}
END_TEST

START_TEST(udp_length_is_between_header_and_payload)
{
    enum { RECEIVED = 40 };
    for (size_t received = 0; received <= RECEIVED; received++)
        for (unsigned len = 0; len <= RECEIVED + 8; len++) {
            uint8_t bytes[RECEIVED] = {0, 1, 0, 2, 0, (uint8_t)len};
            struct wire_udp udp;
            uint8_t *exact = fixture_exact(bytes, received);
            const bool good = received >= 8 && len >= 8 && len <= received;
            ck_assert_int_eq(wire_udp_parse(&udp, exact, received), good);
            if (good) // reads what was received, however large the length was
                wire_udp_verify(exact, udp.len, here, there);
            free(exact);
        }
}
END_TEST

START_TEST(udp_comes_back_sealed)
{
    struct fixture_rng rng = {5};
    for (uint16_t payload = 0; payload < 100; payload++) {
        uint8_t bytes[108];
        fixture_random(&rng, bytes, sizeof bytes);
        const uint16_t len = (uint16_t)(8 + payload);
        const struct wire_udp udp = {.src_port = 53, .dst_port = 40000, .len = len};
        struct wire_udp back;
        ck_assert_uint_eq(wire_udp_emit(bytes, &udp), wire_udp_length(&udp));
        wire_udp_seal(bytes, len, here, there);
        ck_assert(wire_udp_parse(&back, bytes, len));
        ck_assert_mem_eq(&back, &udp, sizeof udp);
        ck_assert(wire_udp_verify(bytes, len, here, there));
        ck_assert(!wire_udp_verify(bytes, len, here, here)); // addresses are covered
        bytes[len - 1] ^= 0x10;
        ck_assert(!wire_udp_verify(bytes, len, here, there));
    }
}
END_TEST

START_TEST(udp_zero_checksum_means_none_and_is_never_sent)
{
    static const struct ip4 zero = {{0}};
    // The pseudo header sums to 17 + 8, the header to 8: the ports bring it to ffff.
    const struct wire_udp udp = {.src_port = 0xffff - 17 - 8 - 8, .dst_port = 0, .len = 8};
    uint8_t bytes[8];
    wire_udp_emit(bytes, &udp);
    ck_assert(wire_udp_verify(bytes, 8, here, there)); // zero so far: nothing to check
    wire_udp_seal(bytes, 8, zero, zero);
    ck_assert_mem_eq(bytes + 6, "\xff\xff", 2);
    ck_assert(wire_udp_verify(bytes, 8, zero, zero));
}
END_TEST

CHECK_MAIN("netstack.wire.ip", eth_comes_back_and_short_frames_do_not,
           eth_pad_is_zeros_even_in_a_used_buffer, arp_comes_back_and_every_truncation_is_refused,
           arp_of_other_kinds_is_refused, ip4_comes_back, ip4_of_ours_has_df_id_zero_and_ttl_64,
           ip4_header_length_lies_inside_or_is_refused,
           ip4_total_length_is_between_header_and_received, ip4_checksum_guards_every_header_bit,
           ip4_fragment_may_not_end_beyond_65535, ip4_options_are_skipped_and_their_lengths_checked,
           icmp_comes_back_and_covers_its_body, icmp_shorter_than_its_header_is_refused,
           udp_length_is_between_header_and_payload, udp_comes_back_sealed,
           udp_zero_checksum_means_none_and_is_never_sent)
