// SPDX-License-Identifier: MIT
// test_forge.c - segments of somebody who guesses: RFC 5961, RFC 9293 §3.10.7.4, RFC 5927.
#include "test/packet/script.h"

#include "exo/err.h"

#define WINDOW 32768u // our receive window

SCRIPT(rst_exactly_at_rcv_nxt_resets)
{
    establish(s);
    send_segment(s, RST, 1, 0, 0);
    expect_nothing(s);
    ck_assert_int_eq(socket_error(s->sock), -EXO_ECONNRESET);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
}

SCRIPT(rst_elsewhere_in_the_window_is_questioned)
{
    establish(s);
    send_segment(s, RST, 2, 0, 0);
    expect(s, ACK, 1, 1, 0);
    send_segment(s, RST | ACK, WINDOW, 1, 0); // the last number of the window
    expect(s, ACK, 1, 1, 0);
    ck_assert_int_eq(socket_error(s->sock), 0);
}

SCRIPT(rst_outside_the_window_is_dropped)
{
    establish(s);
    send_segment(s, RST, 0, 0, 0);
    send_segment(s, RST, WINDOW + 1, 0, 0);
    send_segment(s, RST | ACK, 0x80000000u, 1, 0);
    expect_nothing(s);
    ck_assert_int_eq(socket_error(s->sock), 0);
}

SCRIPT(rst_with_payload_counts_by_its_first_number)
{
    establish(s);
    send_segment(s, RST, 0, 0, 5); // its tail is in the window
    expect_nothing(s);
    ck_assert_int_eq(socket_error(s->sock), 0);
    send_segment(s, RST, 1, 0, 5);
    ck_assert_int_eq(socket_error(s->sock), -EXO_ECONNRESET);
}

SCRIPT(syn_never_ends_a_connection)
{
    establish(s);
    const uint32_t seqs[] = {0, 1, 100, WINDOW + 5, 0x80000000u};
    for (uint32_t i = 0; i < EXO_COUNT(seqs); i++) {
        send_segment(s, SYN, seqs[i], 0, 0);
        expect(s, ACK, 1, 1, 0);
    }
    ck_assert_int_eq(socket_error(s->sock), 0);
}

SCRIPT(challenges_are_limited_per_connection)
{
    establish(s);
    for (uint32_t i = 0; i < 50; i++)
        send_segment(s, SYN, 0, 0, 0);
    ck_assert_uint_eq(skip_all(s), 5);
    at(s, 1000);
    for (uint32_t i = 0; i < 50; i++)
        send_segment(s, RST, 2, 0, 0);
    ck_assert_uint_eq(skip_all(s), 5);
}

SCRIPT(ack_of_unsent_data_is_answered_and_dropped)
{
    establish(s);
    send_segment(s, ACK, 1, 2, 10);
    expect(s, ACK, 1, 1, 0);
    ck_assert_uint_eq(socket_events(s->sock) & SOCKET_READABLE, 0);
}

SCRIPT(ack_from_too_far_back_is_questioned)
{
    establish_with(s, MSS, 255, 5000);       // MAX.SND.WND
    send_segment(s, ACK, 1, 1u - 5000u, 10); // the oldest that is believable
    at(s, 200);
    expect(s, ACK, 1, 11, 0);
    send_segment(s, ACK, 11, 1u - 5001u, 10);
    expect(s, ACK, 1, 11, 0);
    app_reads(s, 1, 10);
}

SCRIPT(segment_without_ack_is_dropped)
{
    establish(s);
    send_segment(s, 0, 1, 0, 10);
    send_segment(s, FIN, 1, 0, 10);
    send_segment(s, PSH | URG, 1, 0, 10);
    at(s, 1000);
    expect_nothing(s);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_WRITABLE);
}

SCRIPT(data_outside_the_window_is_answered_and_dropped)
{
    establish(s);
    send_segment(s, ACK, WINDOW + 1, 1, 10);
    expect(s, ACK, 1, 1, 0);
    send_segment(s, ACK, 1u - 10u, 1, 10);
    expect(s, ACK, 1, 1, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_out_of_order, 0);
}

SCRIPT(data_is_cut_to_the_window)
{
    establish(s);
    send_segment(s, ACK, WINDOW - 9, 1, 100); // ten bytes fit, out of order
    expect(s, ACK, 1, 1, 0);
    for (uint32_t at_seq = 1; at_seq < WINDOW - 9; at_seq += 1024)
        send_segment(s, ACK, at_seq, 1, at_seq + 1024 > WINDOW - 9 ? WINDOW - 9 - at_seq : 1024);
    skip_all(s);
    ck_assert_uint_eq(s->last.ack - s->peer_iss, WINDOW + 1);
    ck_assert_uint_eq(s->last.window, 0);
    app_reads(s, 1, WINDOW);
}

SCRIPT(urgent_pointer_moves_nothing)
{
    establish(s);
    static const uint16_t pointers[] = {0, 1, 10, 11, 65535};
    uint8_t payload[10];
    uint32_t seq = 1;
    for (uint32_t i = 0; i < EXO_COUNT(pointers); i++) {
        for (uint32_t k = 0; k < 10; k++)
            payload[k] = script_byte(seq + k);
        const struct wire_tcp h = {.seq = s->peer_iss + seq,
                                   .ack = s->our_iss + 1,
                                   .window = 65535,
                                   .urgent = pointers[i],
                                   .flags = ACK | URG};
        send_raw(s, &h, payload, 10);
        seq += 10;
    }
    at(s, 1000);
    skip_all(s);
    ck_assert_uint_eq(s->last.ack - s->peer_iss, 51);
    app_reads(s, 1, 50);
}

// --- addresses (RFC 9293 MUST-46, MUST-57, MUST-63; RFC 1122 §3.2.1.3) -------------------

SCRIPT(syns_from_nobody_and_to_all_are_dropped)
{
    static const struct ip4 no_hosts[] = {
        {{10, 0, 0, 1}}, // the "land" of 1997: we are to talk to ourselves
        {{10, 0, 0, 255}}, {{255, 255, 255, 255}}, {{0, 0, 0, 0}},  {{0, 0, 0, 5}},
        {{127, 0, 0, 1}},  {{224, 0, 0, 1}},       {{240, 0, 0, 1}}};
    static const struct ip4 not_us[] = {{{10, 0, 0, 255}},
                                        {{255, 255, 255, 255}},
                                        {{224, 0, 0, 1}},
                                        {{127, 0, 0, 1}},
                                        {{10, 0, 0, 9}}};
    const struct tcp_tuple real = s->tuple;
    peer_listens_for_us(s);
    for (uint32_t i = 0; i < EXO_COUNT(no_hosts); i++) {
        s->tuple.peer = no_hosts[i];
        send_syn(s, MSS, 255);
        send_segment(s, ACK, 1, 1, 0); // nor is it reset
    }
    s->tuple = real;
    for (uint32_t i = 0; i < EXO_COUNT(not_us); i++) {
        s->tuple.local = not_us[i];
        send_syn(s, MSS, 255);
        send_segment(s, ACK, 1, 1, 0);
    }
    s->tuple = real;
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
}

// RFC 3168 §6.1.1: a SYN that offers ECN, and reserved bits beside it, is a SYN.
SCRIPT(ecn_is_offered_and_not_taken)
{
    peer_listens_for_us(s);
    send_segment(s, SYN | 0xc0, 0, 0, 0);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, ACK, 1, 1, 0);
    ck_assert_uint_eq(socket_events(s->listener), SOCKET_READABLE);
}

// --- ICMP (RFC 5927) -------------------------------------------------------------------

SCRIPT(port_unreachable_refuses_a_connect)
{
    connect_begin(s);
    send_icmp(s, 3, 3, 5); // a number that is not in flight
    ck_assert_int_eq(socket_error(s->sock), 0);
    send_icmp(s, 3, 1, 0); // host unreachable may pass
    ck_assert_int_eq(socket_error(s->sock), 0);
    send_icmp(s, 3, 3, 0);
    ck_assert_int_eq(socket_error(s->sock), -EXO_ECONNREFUSED);
}

SCRIPT(no_icmp_ends_an_established_connection)
{
    establish(s);
    app_sends(s, 1, 100);
    expect(s, ACK, 1, 1, 100);
    for (uint8_t code = 0; code < 16; code++)
        send_icmp(s, 3, code, 1);
    send_icmp(s, 4, 0, 1);
    send_icmp(s, 11, 0, 1);
    send_icmp(s, 12, 0, 1);
    ck_assert_int_eq(socket_error(s->sock), 0);
    send_segment(s, ACK, 1, 101, 0);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_WRITABLE);
}

SCRIPT(soft_error_is_the_reason_of_a_timeout)
{
    connect_begin(s);
    send_icmp(s, 3, 1, 0);
    at(s, 300000);
    skip_all(s);
    ck_assert_int_eq(socket_error(s->sock), -EXO_EHOSTUNREACH);
}

CHECK_MAIN("packet.forge", rst_exactly_at_rcv_nxt_resets, rst_elsewhere_in_the_window_is_questioned,
           rst_outside_the_window_is_dropped, rst_with_payload_counts_by_its_first_number,
           syn_never_ends_a_connection, challenges_are_limited_per_connection,
           ack_of_unsent_data_is_answered_and_dropped, ack_from_too_far_back_is_questioned,
           segment_without_ack_is_dropped, data_outside_the_window_is_answered_and_dropped,
           data_is_cut_to_the_window, urgent_pointer_moves_nothing,
           syns_from_nobody_and_to_all_are_dropped, ecn_is_offered_and_not_taken,
           port_unreachable_refuses_a_connect, no_icmp_ends_an_established_connection,
           soft_error_is_the_reason_of_a_timeout)
