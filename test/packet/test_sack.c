// SPDX-License-Identifier: MIT
// test_sack.c - the peer hears what came before its turn, and what came twice: RFC 2018, 2883.
#include "test/packet/script.h"

// The last segment carried exactly these blocks: pairs of numbers, in this order.
static void told(const struct script *s, uint32_t count, const uint32_t (*blocks)[2])
{
    ck_assert_uint_eq(s->last.sack_count, count);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_uint_eq(s->last.sacks[i].left - s->peer_iss, blocks[i][0]);
        ck_assert_uint_eq(s->last.sacks[i].right - s->peer_iss, blocks[i][1]);
    }
}

#define TOLD(s, ...)                                                                               \
    do {                                                                                           \
        static const uint32_t blocks[][2] = {__VA_ARGS__};                                         \
        told(s, EXO_COUNT(blocks), blocks);                                                        \
    } while (0)

// A segment of the peer's, and the ACK that it must evoke.
static void send_and_expect(struct script *s, uint32_t seq, uint32_t len, uint32_t ack)
{
    send_segment(s, ACK, seq, 1, len);
    expect(s, ACK, 1, ack, 0);
    expect_nothing(s);
}

SCRIPT(sack_is_offered_back_only_to_who_offers_it)
{
    peer_listens_for_us(s);
    s->offers_sack = true;
    send_syn(s, 1460, 7);
    expect(s, SYN | ACK, 0, 1, 0);
    ck_assert_uint_eq(s->last.options, WIRE_TCP_MSS | WIRE_TCP_WSCALE | WIRE_TCP_SACK_PERMITTED);
    s->tuple.peer_port++;
    s->offers_sack = false;
    send_syn(s, 1460, 7);
    s->our_iss = 0;
    expect(s, SYN | ACK, 0, 1, 0);
    ck_assert_uint_eq(s->last.options, WIRE_TCP_MSS | WIRE_TCP_WSCALE);
}

// What came twice before the connection is open waits until it may be told.
SCRIPT(syn_ack_reports_nothing)
{
    peer_listens_for_us(s);
    s->offers_sack = true;
    send_syn(s, 1460, 7);
    expect(s, SYN | ACK, 0, 1, 0);
    s->quiet = true;
    send_segment(s, ACK, 1u - 100, 1, 100);
    send_syn(s, 1460, 7);
    poll(s);
    expect(s, SYN | ACK, 0, 1, 0);
    told(s, 0, NULL);
}

SCRIPT(our_syn_offers_sack)
{
    s->offers_sack = true;
    connect_begin(s);
    ck_assert(s->last.options & WIRE_TCP_SACK_PERMITTED);
}

SCRIPT(our_connection_reports_if_the_peer_took_the_offer)
{
    s->offers_sack = true;
    connect_done(s);
    send_and_expect(s, 11, 10, 1);
    TOLD(s, {11, 21});
}

SCRIPT(nothing_is_reported_to_a_peer_without_sack)
{
    establish(s);
    send_and_expect(s, 11, 10, 1);
    told(s, 0, NULL);
    send_and_expect(s, 11, 10, 1);
    told(s, 0, NULL);
    send_and_expect(s, 1, 10, 21);
    send_and_expect(s, 1, 10, 21);
    told(s, 0, NULL);
}

SCRIPT(block_of_the_latest_segment_comes_first)
{
    establish_with_sack(s);
    send_and_expect(s, 101, 100, 1);
    TOLD(s, {101, 201});
    send_and_expect(s, 301, 100, 1);
    TOLD(s, {301, 401}, {101, 201});
    send_and_expect(s, 501, 100, 1);
    TOLD(s, {501, 601}, {301, 401}, {101, 201});
    send_and_expect(s, 201, 50, 1); // grows the oldest
    TOLD(s, {101, 251}, {501, 601}, {301, 401});
    send_and_expect(s, 251, 50, 1); // joins two
    TOLD(s, {101, 401}, {501, 601});
    send_and_expect(s, 1, 100, 401); // the first gap is filled
    TOLD(s, {501, 601});
    send_and_expect(s, 401, 100, 601);
    told(s, 0, NULL);
    app_reads(s, 1, 600);
}

SCRIPT(four_blocks_are_reported_and_the_fifth_oldest_is_not)
{
    establish_with_sack(s);
    for (uint32_t i = 0; i < 5; i++)
        send_and_expect(s, 101 + i * 200, 100, 1);
    TOLD(s, {901, 1001}, {701, 801}, {501, 601}, {301, 401});
    send_and_expect(s, 151, 60, 1); // what was left out comes back whole
    TOLD(s, {101, 211}, {901, 1001}, {701, 801}, {501, 601});
}

SCRIPT(every_ack_reports_while_there_is_a_gap)
{
    establish_with_sack(s);
    send_and_expect(s, 1001, 100, 1);
    send_segment(s, ACK, 1, 1, 100); // in order, and the gap stays
    expect(s, ACK, 1, 101, 0);
    TOLD(s, {1001, 1101});
    app_sends(s, 1, 10); // and so do segments with data
    expect(s, ACK, 1, 101, 10);
    TOLD(s, {1001, 1101});
}

// RFC 6691: options and data share the segment, and what was cut stays cut.
SCRIPT(full_segments_leave_the_report_to_an_ack)
{
    establish_with_sack(s);
    s->quiet = true;
    send_segment(s, ACK, 1001, 1, 100);
    s->quiet = false;
    app_sends(s, 1, MSS);
    expect(s, ACK, 1, 1, MSS);
    told(s, 0, NULL);
    expect(s, ACK, 1 + MSS, 1, 0);
    TOLD(s, {1001, 1101});
    expect_nothing(s);
}

SCRIPT(data_has_room_for_some_blocks)
{
    establish_with_sack(s);
    for (uint32_t i = 0; i < 3; i++)
        send_and_expect(s, 101 + i * 200, 100, 1);
    app_sends(s, 1, MSS - 27); // four bytes and two blocks; for three it takes 28
    expect(s, ACK, 1, 1, MSS - 27);
    TOLD(s, {501, 601}, {301, 401});
}

SCRIPT(segment_that_comes_again_is_reported_once)
{
    establish_with_sack(s);
    send_segment(s, ACK, 1, 1, 100);
    send_and_expect(s, 1, 100, 101);
    TOLD(s, {1, 101});
    send_and_expect(s, 201, 100, 101);
    TOLD(s, {201, 301});
    send_and_expect(s, 51, 50, 101); // RFC 2883 §4.1.2: the report, then the news
    TOLD(s, {51, 101}, {201, 301});
}

SCRIPT(segment_that_comes_again_partly)
{
    establish_with_sack(s);
    send_segment(s, ACK, 1, 1, 100);
    send_segment(s, ACK, 51, 1, 100);
    at(s, 40); // with the delayed ACK
    expect(s, ACK, 1, 151, 0);
    TOLD(s, {51, 101});
    app_reads(s, 1, 150);
}

SCRIPT(out_of_order_segment_that_comes_again_is_reported_with_its_block)
{
    establish_with_sack(s);
    send_and_expect(s, 501, 100, 1);
    send_and_expect(s, 101, 100, 1);
    send_and_expect(s, 201, 100, 1);
    send_and_expect(s, 501, 100, 1);
    TOLD(s, {501, 601}, {501, 601}, {101, 301}); // RFC 2883 §4.2
    send_and_expect(s, 151, 100, 1);
    TOLD(s, {151, 251}, {101, 301}, {501, 601});
    send_and_expect(s, 251, 100, 1); // not all of it had come
    TOLD(s, {101, 351}, {501, 601});
}

SCRIPT(repeated_segment_without_data_has_nothing_to_report)
{
    establish_with_sack(s);
    send_segment(s, ACK | FIN, 1, 1, 0);
    expect(s, ACK, 1, 2, 0);
    send_segment(s, ACK | FIN, 1, 1, 0);
    expect(s, ACK, 1, 2, 0);
    told(s, 0, NULL);
    send_segment(s, ACK, 1, 1, 0); // as keep-alive probes are
    expect(s, ACK, 1, 2, 0);
    told(s, 0, NULL);
}

SCRIPT(strangers_numbers_are_not_reported)
{
    establish_with_sack(s);
    send_segment(s, ACK, 70000, 1, 100); // beyond the window
    expect(s, ACK, 1, 1, 0);
    told(s, 0, NULL);
}

SCRIPT(what_is_dropped_for_want_of_buffers_is_no_longer_reported)
{
    establish_with_sack(s);
    send_and_expect(s, 1001, 100, 1);
    TOLD(s, {1001, 1101});
    struct pkt *taken[SCRIPT_FRAMES];
    uint32_t n = 0;
    while (pkt_pool_spare(&s->net->pool, PKT_FOR_RX) > 1)
        taken[n++] = pkt_alloc(&s->net->pool, PKT_FOR_STACK);
    send_segment(s, ACK, 1, 1, 100); // neither this one nor the other is kept
    skip_all(s);
    while (n)
        pkt_free(taken[--n]);
    send_and_expect(s, 2001, 100, 1);
    TOLD(s, {2001, 2101});
}

CHECK_MAIN("packet.sack", sack_is_offered_back_only_to_who_offers_it, syn_ack_reports_nothing,
           our_syn_offers_sack, our_connection_reports_if_the_peer_took_the_offer,
           nothing_is_reported_to_a_peer_without_sack, block_of_the_latest_segment_comes_first,
           four_blocks_are_reported_and_the_fifth_oldest_is_not,
           every_ack_reports_while_there_is_a_gap, full_segments_leave_the_report_to_an_ack,
           data_has_room_for_some_blocks, segment_that_comes_again_is_reported_once,
           segment_that_comes_again_partly,
           out_of_order_segment_that_comes_again_is_reported_with_its_block,
           repeated_segment_without_data_has_nothing_to_report, strangers_numbers_are_not_reported,
           what_is_dropped_for_want_of_buffers_is_no_longer_reported)
