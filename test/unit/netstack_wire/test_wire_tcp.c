// SPDX-License-Identifier: MIT
// test_wire_tcp.c - TCP segments: headers, options and checksum.
#include "exo/bits.h"
#include "netstack/wire/tcp.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

static const struct ip4 here = {{10, 0, 2, 15}};
static const struct ip4 there = {{192, 168, 7, 9}};

static void assert_same(const struct wire_tcp *x, const struct wire_tcp *y)
{
    ck_assert_uint_eq(x->src_port, y->src_port);
    ck_assert_uint_eq(x->dst_port, y->dst_port);
    ck_assert_uint_eq(x->seq, y->seq);
    ck_assert_uint_eq(x->ack, y->ack);
    ck_assert_uint_eq(x->window, y->window);
    ck_assert_uint_eq(x->urgent, y->urgent);
    ck_assert_uint_eq(x->flags, y->flags);
    ck_assert_uint_eq(x->options, y->options);
    if (x->options & WIRE_TCP_MSS)
        ck_assert_uint_eq(x->mss, y->mss);
    if (x->options & WIRE_TCP_WSCALE)
        ck_assert_uint_eq(x->wscale, y->wscale);
    if (x->options & WIRE_TCP_TIMESTAMPS) {
        ck_assert_uint_eq(x->tsval, y->tsval);
        ck_assert_uint_eq(x->tsecr, y->tsecr);
    }
    ck_assert_uint_eq(x->sack_count, y->sack_count);
    ck_assert_mem_eq(x->sacks, y->sacks, x->sack_count * sizeof x->sacks[0]);
}

static struct wire_tcp random_segment(struct fixture_rng *rng)
{
    struct wire_tcp tcp;
    fixture_random(rng, &tcp, sizeof tcp);
    tcp.window &= 0xffff;
    tcp.wscale %= 15;
    tcp.options &= WIRE_TCP_MSS | WIRE_TCP_WSCALE | WIRE_TCP_SACK_PERMITTED | WIRE_TCP_TIMESTAMPS;
    tcp.sack_count %= 5;
    if (tcp.flags & WIRE_TCP_SYN)
        tcp.sack_count = 0; // would not all fit, and nobody has anything to report yet
    else
        tcp.options &= WIRE_TCP_TIMESTAMPS;
    if (tcp.options & WIRE_TCP_TIMESTAMPS && tcp.sack_count == 4)
        tcp.sack_count = 3;
    return tcp;
}

START_TEST(tcp_comes_back_with_every_combination_of_options)
{
    struct fixture_rng rng = {1};
    for (int round = 0; round < 4000; round++) {
        const struct wire_tcp tcp = random_segment(&rng);
        const size_t len = wire_tcp_length(&tcp);
        uint8_t *bytes = malloc(len); // emit may write this much and no more
        struct wire_tcp back;
        ck_assert_uint_eq(wire_tcp_emit(bytes, &tcp), len);
        ck_assert(wire_tcp_parse(&back, bytes, len));
        ck_assert_uint_eq(back.header_len, len);
        assert_same(&tcp, &back);
        free(bytes);
    }
}
END_TEST

// Every data offset against every segment of 0 … 80 bytes.
START_TEST(tcp_data_offset_lies_inside_or_is_refused)
{
    for (unsigned offset = 0; offset < 256; offset++)
        for (size_t len = 0; len <= 80; len++) {
            uint8_t bytes[80] = {0};
            bytes[12] = (uint8_t)offset;
            uint8_t *exact = fixture_exact(bytes, len);
            struct wire_tcp tcp;
            const size_t header_len = (offset >> 4) * 4;
            const bool good = len >= 20 && header_len >= 20 && header_len <= len;
            ck_assert_int_eq(wire_tcp_parse(&tcp, exact, len), good);
            free(exact);
        }
}
END_TEST

// A segment of these flags whose header holds these options (padded with zeros, which
// end the list) and nothing else.
static bool parse_options(struct wire_tcp *tcp, uint8_t flags, const uint8_t *options, size_t len)
{
    uint8_t bytes[60] = {0};
    const size_t header_len = 20 + (len + 3) / 4 * 4;
    bytes[12] = (uint8_t)(header_len / 4 << 4);
    bytes[13] = flags;
    memcpy(bytes + 20, options, len);
    uint8_t *exact = fixture_exact(bytes, header_len);
    const bool ok = wire_tcp_parse(tcp, exact, header_len);
    free(exact);
    return ok;
}

// Every kind with every length, in each room from two bytes to ten words; ends in time.
START_TEST(tcp_survives_every_option_kind_and_length)
{
    uint32_t most_sacks = 0;
    for (size_t room = 2; room <= 40; room += 2) {
        uint8_t *options = malloc(room); // exactly: one more byte is not there
        memset(options, 1, room);
        for (unsigned kind = 0; kind < 256; kind++)
            for (unsigned len = 0; len < 256; len++) {
                struct wire_tcp tcp = {.flags = WIRE_TCP_SYN};
                options[room - 2] = (uint8_t)kind;
                options[room - 1] = (uint8_t)len;
                wire_tcp_parse_options(&tcp, options, room);
                most_sacks = EXO_MAX(most_sacks, tcp.sack_count);
            }
        free(options);
    }
    ck_assert_uint_eq(most_sacks, 0); // a block needs more room than its own option has here
}
END_TEST

START_TEST(tcp_options_cut_at_each_byte_lose_only_the_cut_one)
{
    static const uint8_t options[] = {2, 4,  0x05, 0xb4, 1, 3, 3, 7, 4, 2,
                                      8, 10, 0,    0,    0, 1, 0, 0, 0, 2};
    for (size_t len = 0; len <= sizeof options; len++) {
        uint8_t *cut = fixture_exact(options, len);
        struct wire_tcp tcp = {.flags = WIRE_TCP_SYN};
        wire_tcp_parse_options(&tcp, cut, len);
        const unsigned expected = (len >= 4 ? WIRE_TCP_MSS : 0) | (len >= 8 ? WIRE_TCP_WSCALE : 0) |
                                  (len >= 10 ? WIRE_TCP_SACK_PERMITTED : 0) |
                                  (len >= 20 ? WIRE_TCP_TIMESTAMPS : 0);
        ck_assert_uint_eq(tcp.options, expected);
        free(cut);
    }
}
END_TEST

START_TEST(tcp_options_come_in_any_order_and_alignment)
{
    static const uint8_t odd[] = {1,   8,   10,  0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 254, 5,
                                  'a', 'b', 'c', 3,    3,    9,    4,    2, 2, 4, 2, 0x18};
    struct wire_tcp tcp;
    ck_assert(parse_options(&tcp, WIRE_TCP_SYN, odd, sizeof odd));
    ck_assert_uint_eq(tcp.options, WIRE_TCP_MSS | WIRE_TCP_WSCALE | WIRE_TCP_SACK_PERMITTED |
                                       WIRE_TCP_TIMESTAMPS);
    ck_assert_uint_eq(tcp.tsval, 0xdeadbeef);
    ck_assert_uint_eq(tcp.tsecr, 0x01020304);
    ck_assert_uint_eq(tcp.wscale, 9);
    ck_assert_uint_eq(tcp.mss, 0x218);
}
END_TEST

START_TEST(tcp_options_of_a_syn_count_only_there)
{
    static const uint8_t options[] = {2, 4, 5, 0xb4, 3, 3, 7, 4, 2};
    struct wire_tcp tcp;
    ck_assert(parse_options(&tcp, WIRE_TCP_ACK, options, sizeof options));
    ck_assert_uint_eq(tcp.options, 0);
}
END_TEST

START_TEST(tcp_illegal_option_ends_the_list_and_keeps_what_came_before)
{
    struct wire_tcp tcp;
    for (unsigned bad = 0; bad < 2; bad++) {
        const uint8_t options[] = {2, 4, 5, 0xb4, 9, (uint8_t)bad, 3, 3, 7};
        ck_assert(parse_options(&tcp, WIRE_TCP_SYN, options, sizeof options));
        ck_assert_uint_eq(tcp.options, WIRE_TCP_MSS);
    }
    // The wrong length for its kind: skipped like an unknown one.
    static const uint8_t wrong[] = {2, 5, 5, 0xb4, 0, 3, 3, 7};
    ck_assert(parse_options(&tcp, WIRE_TCP_SYN, wrong, sizeof wrong));
    ck_assert_uint_eq(tcp.options, WIRE_TCP_WSCALE);
}
END_TEST

START_TEST(tcp_window_scale_is_at_most_14)
{
    for (unsigned shift = 0; shift < 256; shift++) {
        const uint8_t options[] = {3, 3, (uint8_t)shift};
        struct wire_tcp tcp;
        ck_assert(parse_options(&tcp, WIRE_TCP_SYN, options, sizeof options));
        ck_assert_uint_eq(tcp.wscale, shift < 14 ? shift : 14);
    }
}
END_TEST

START_TEST(tcp_sack_blocks_are_whole_and_at_most_four)
{
    for (uint8_t len = 2; len <= 40; len++) {
        uint8_t options[40] = {5, len};
        struct wire_tcp tcp;
        for (uint8_t i = 2; i < len; i++)
            options[i] = i;
        ck_assert(parse_options(&tcp, WIRE_TCP_ACK, options, sizeof options));
        ck_assert_uint_eq(tcp.sack_count, (len - 2) % 8 == 0 ? (len - 2u) / 8 : 0);
        if (tcp.sack_count != 0)
            ck_assert_uint_eq(tcp.sacks[0].right, 0x06070809);
    }
    // Several SACK options in one header do not add up beyond the four.
    uint8_t many[40] = {5, 18};
    many[18] = 5;
    many[19] = 18;
    struct wire_tcp tcp;
    ck_assert(parse_options(&tcp, WIRE_TCP_ACK, many, sizeof many));
    ck_assert_uint_eq(tcp.sack_count, 4);

    // A header has no room for more than four, but the array does not rely on it.
    uint8_t longer[52] = {5, 50};
    struct wire_tcp *exact = malloc(sizeof *exact);
    *exact = (struct wire_tcp){.flags = WIRE_TCP_ACK};
    wire_tcp_parse_options(exact, longer, sizeof longer);
    ck_assert_uint_eq(exact->sack_count, 4);
    free(exact);
}
END_TEST

START_TEST(tcp_urgent_pointer_is_taken_as_it_comes)
{
    static const uint16_t pointers[] = {0, 1, 7, 8, 65535};
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        const struct wire_tcp tcp = {.flags = WIRE_TCP_URG, .urgent = pointers[i]};
        uint8_t bytes[20];
        struct wire_tcp back;
        wire_tcp_emit(bytes, &tcp);
        ck_assert(wire_tcp_parse(&back, bytes, sizeof bytes));
        ck_assert_uint_eq(back.urgent, pointers[i]);
    }
}
END_TEST

START_TEST(tcp_reserved_bits_are_sent_as_zero)
{
    const struct wire_tcp tcp = {.flags = 0xff};
    uint8_t bytes[20];
    wire_tcp_emit(bytes, &tcp);
    ck_assert_uint_eq(bytes[12], 0x50);
}
END_TEST

START_TEST(tcp_seal_covers_header_payload_and_addresses)
{
    struct fixture_rng rng = {2};
    for (uint16_t payload = 0; payload < 60; payload++) {
        uint8_t bytes[80];
        const uint16_t len = (uint16_t)(20 + payload);
        fixture_random(&rng, bytes, sizeof bytes);
        wire_tcp_emit(bytes, &(struct wire_tcp){.seq = 7, .flags = WIRE_TCP_ACK});
        wire_tcp_seal(bytes, len, here, there);
        uint8_t *exact = fixture_exact(bytes, len);
        ck_assert(wire_tcp_verify(exact, len, here, there));
        ck_assert(!wire_tcp_verify(exact, len, here, here));
        for (size_t bit = 0; bit < 8u * len; bit++) {
            exact[bit / 8] ^= (uint8_t)(1u << bit % 8);
            ck_assert(!wire_tcp_verify(exact, len, here, there));
            exact[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        free(exact);
    }
    for (uint16_t len = 0; len < 20; len++) {
        uint8_t *exact = calloc(1, len ? len : 1);
        ck_assert(!wire_tcp_verify(exact, len, here, there));
        free(exact);
    }
}
END_TEST

static void emit_window_too_wide(void *out)
{
    wire_tcp_emit(out, &(struct wire_tcp){.window = 65536});
}

static void emit_too_many_sacks(void *out)
{
    wire_tcp_emit(out, &(struct wire_tcp){.options = WIRE_TCP_TIMESTAMPS, .sack_count = 4});
}

START_TEST(tcp_emit_of_the_impossible_is_misuse)
{
    uint8_t bytes[100];
    ck_assert(fixture_dies(emit_window_too_wide, bytes));
    ck_assert(fixture_dies(emit_too_many_sacks, bytes));
}
END_TEST

CHECK_MAIN("netstack.wire.tcp", tcp_comes_back_with_every_combination_of_options,
           tcp_data_offset_lies_inside_or_is_refused, tcp_survives_every_option_kind_and_length,
           tcp_options_cut_at_each_byte_lose_only_the_cut_one,
           tcp_options_come_in_any_order_and_alignment, tcp_options_of_a_syn_count_only_there,
           tcp_illegal_option_ends_the_list_and_keeps_what_came_before,
           tcp_window_scale_is_at_most_14, tcp_sack_blocks_are_whole_and_at_most_four,
           tcp_urgent_pointer_is_taken_as_it_comes, tcp_reserved_bits_are_sent_as_zero,
           tcp_seal_covers_header_payload_and_addresses, tcp_emit_of_the_impossible_is_misuse)
