// SPDX-License-Identifier: MIT
// test_path.c - what the way to the peer does to connections: a neighbour that is silent
// (RFC 1122 §2.3.2.2), a link that takes less than ours (RFC 1191, RFC 5927 §7).
#include "test/packet/script.h"

#include "exo/err.h"

// --- neighbours ------------------------------------------------------------------------

// The peer is gone from the link, and from the table of neighbours.
static void peer_vanishes(struct script *s)
{
    s->deaf = true;
    at(s, 100000);
    s->begin = s->now;
}

SCRIPT(connect_to_a_silent_neighbour_ends_when_arp_gives_up)
{
    peer_vanishes(s);
    const struct endpoint to = {s->tuple.peer, 9000};
    ck_assert_int_eq(socket_connect(s->net, to, s->now, &s->sock), 0);
    at(s, 2999);
    ck_assert_int_eq(socket_error(s->sock), 0);
    at(s, 3000);
    ck_assert_int_eq(socket_error(s->sock), -EXO_EHOSTUNREACH);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_timed_out, 1);
    expect_nothing(s);
}

SCRIPT(connection_outlives_a_neighbour_that_comes_back)
{
    establish(s);
    peer_vanishes(s);
    app_sends(s, 1, 100);
    at(s, 20000); // ARP has given up several times
    expect_nothing(s);
    ck_assert_int_eq(socket_error(s->sock), 0);
    s->deaf = false;
    at(s, 60000);
    expect(s, ACK | PSH, 1, 1, 100);
    send_segment(s, ACK, 1, 101, 0);
    skip_all(s);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_WRITABLE);
}

SCRIPT(silent_neighbour_is_the_reason_of_a_timeout)
{
    establish(s);
    peer_vanishes(s);
    app_sends(s, 1, 100);
    at(s, 99000);
    ck_assert_int_eq(socket_error(s->sock), 0);
    at(s, 170000);
    ck_assert_int_eq(socket_error(s->sock), -EXO_EHOSTUNREACH);
}

SCRIPT(silent_neighbour_is_nothing_to_those_who_reach_others)
{
    const struct endpoint silent = {ip4_of(10, 0, 0, 9), 9000};
    struct socket *other;
    establish(s);
    app_sends(s, 1, 100);
    expect(s, ACK, 1, 1, 100);
    ck_assert_int_eq(socket_connect(s->net, silent, s->now, &other), 0);
    at(s, 3000);
    ck_assert_int_eq(socket_error(other), -EXO_EHOSTUNREACH);
    ck_assert_int_eq(flow_of(s->sock)->conn.soft_error, 0);
    socket_close(other);
}

// --- path MTU --------------------------------------------------------------------------

static uint32_t mss_of(const struct script *s)
{
    return flow_of(s->sock)->conn.snd_mss;
}

SCRIPT(too_big_segments_are_cut_and_sent_again_at_once)
{
    establish(s);
    app_sends(s, 1, 3 * MSS);
    for (uint32_t i = 0; i < 3; i++)
        expect(s, ACK, 1 + i * MSS, 1, MSS);
    send_too_big(s, 1400, 1, MSS);
    for (uint32_t i = 0; i < 3; i++) {
        expect(s, ACK, 1 + i * MSS, 1, 1360);
        expect(s, ACK, 1 + i * MSS + 1360, 1, 100);
    }
    expect_nothing(s);
    // The router dropped all three, and says so three times: that is one piece of news.
    send_too_big(s, 1400, 1 + MSS, MSS);
    send_too_big(s, 1400, 1 + 2 * MSS, MSS);
    expect_nothing(s);
    // No sign of congestion (RFC 1191 §6.4).
    const struct tcp_conn *c = &flow_of(s->sock)->conn;
    ck_assert_uint_eq(c->cc.cwnd, 10 * MSS);
    ck_assert_uint_gt(c->cc.ssthresh, 10 * MSS);
    ck_assert_uint_eq(c->cc.smss, 1360);
    ck_assert_uint_eq(net_stats(s->net).tcp_rto + net_stats(s->net).tcp_fast_retransmits, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_path_mtu, 1);

    send_segment(s, ACK, 1, 1 + 3 * MSS, 0);
    app_sends(s, 1 + 3 * MSS, 2 * 1360);
    expect(s, ACK, 1 + 3 * MSS, 1, 1360);
    expect(s, ACK | PSH, 1 + 3 * MSS + 1360, 1, 1360);
}

SCRIPT(too_big_news_reaches_what_waits_to_be_sent)
{
    establish(s);
    app_sends(s, 1, 20 * MSS);
    ck_assert_uint_eq(skip_all(s), 10);
    send_too_big(s, 1006, 1, MSS);
    uint32_t next = 1;
    while (next < 1 + 20 * MSS) {
        ck_assert_uint_gt(skip_all(s), 0);
        ck_assert_uint_le(s->last_len, 966);
        next = s->last.seq - s->our_iss + s->last_len;
        send_segment(s, ACK, 1, next, 0);
    }
    ck_assert_uint_eq(net_stats(s->net).tcp_rto, 0);
}

SCRIPT(too_big_with_a_fin_keeps_it_last)
{
    establish(s);
    app_sends(s, 1, MSS);
    skip_all(s);
    send_segment(s, ACK, 1, 1 + MSS, 0);
    socket_set_nagle(s->sock, false);
    ck_assert_int_eq(socket_send(s->sock, (uint8_t[MSS]){0}, MSS), MSS);
    ck_assert_int_eq(socket_shutdown(s->sock), 0);
    poll(s);
    ck_assert_uint_eq(skip_all(s), 1);
    ck_assert_uint_eq(s->last.flags, ACK | PSH | FIN);
    send_too_big(s, 1400, 1 + MSS, MSS);
    ck_assert_uint_eq(skip_all(s), 2);
    ck_assert_uint_eq(s->last.flags, ACK | PSH | FIN);
    ck_assert_uint_eq(s->last_len, 100);
    ck_assert_uint_eq(s->last.seq - s->our_iss, 1 + MSS + 1360);
}

SCRIPT(too_big_is_believed_only_of_what_is_in_flight)
{
    establish(s);
    app_sends(s, 1, MSS);
    skip_all(s);
    send_segment(s, ACK, 1, 1 + MSS, 0);
    app_sends(s, 1 + MSS, MSS);
    expect(s, ACK, 1 + MSS, 1, MSS);
    send_too_big(s, 1000, 1, MSS);           // acknowledged
    send_too_big(s, 1000, MSS, MSS);         // its last byte
    send_too_big(s, 1000, 1 + 2 * MSS, MSS); // not sent
    send_too_big(s, 1000, 0x80000000u, MSS); // a guess
    send_too_big(s, 1000, 1 + MSS, 960);     // would have fitted
    expect_nothing(s);
    ck_assert_uint_eq(mss_of(s), MSS);
    send_too_big(s, 1000, 2 * MSS, MSS); // the last byte in flight
    ck_assert_uint_eq(mss_of(s), 960);
}

SCRIPT(too_big_never_raises_and_stops_at_the_floor)
{
    establish(s);
    app_sends(s, 1, MSS);
    send_too_big(s, 1200, 1, MSS);
    ck_assert_uint_eq(mss_of(s), 1160);
    send_too_big(s, 1499, 1, MSS);
    send_too_big(s, 65535, 1, MSS);
    ck_assert_uint_eq(mss_of(s), 1160);
    send_too_big(s, 68, 1, 1160); // nobody cuts us into crumbs
    ck_assert_uint_eq(mss_of(s), 576 - 40);
    send_too_big(s, 1, 1, 536);
    send_too_big(s, 0, 1, 536);
    ck_assert_uint_eq(mss_of(s), 576 - 40);
    skip_all(s);
    send_segment(s, ACK, 1, 1 + MSS, 0);
    expect_nothing(s);
}

// RFC 1191 §5: a router of before it names no size; the next of the usual ones is tried.
SCRIPT(too_big_without_a_size_steps_down)
{
    static const struct {
        uint32_t quoted, mss;
    } steps[] = {{1460, 1452}, {1460, 1452}, {1452, 966}, {966, 536}, {536, 536}};
    establish(s);
    app_sends(s, 1, MSS);
    for (uint32_t i = 0; i < EXO_COUNT(steps); i++) {
        send_too_big(s, 0, 1, steps[i].quoted);
        ck_assert_uint_eq(mss_of(s), steps[i].mss);
    }
    skip_all(s);
}

SCRIPT(too_big_about_a_syn_means_nothing)
{
    connect_begin(s);
    send_too_big(s, 576, 0, MSS);
    const struct wire_tcp h = {.seq = s->peer_iss,
                               .ack = s->our_iss + 1,
                               .window = 65535,
                               .flags = SYN | ACK,
                               .options = WIRE_TCP_MSS,
                               .mss = MSS};
    send_raw(s, &h, NULL, 0);
    expect(s, ACK, 1, 1, 0);
    ck_assert_uint_eq(mss_of(s), MSS);
}

SCRIPT(too_big_while_the_link_still_holds_the_frames)
{
    establish(s);
    s->hold = true;
    app_sends(s, 1, 2 * MSS);
    ck_assert_uint_eq(skip_all(s), 2);
    send_too_big(s, 1400, 1, MSS);
    expect_nothing(s);
    ck_assert_uint_eq(s->held[0]->len, 14 + 40 + MSS); // the link's view is untouched
    ck_assert_uint_eq(s->held[0]->data[54 + MSS - 1], script_byte(MSS));
    for (uint32_t i = 0; i < s->held_count; i++)
        pkt_free(s->held[i]);
    s->held_count = 0;
    s->hold = false;
    at(s, 200);
    expect(s, ACK, 1, 1, 1360);
    send_segment(s, ACK, 1, 1361, 0);
    expect(s, ACK, 1361, 1, 100);
    expect(s, ACK, 1 + MSS, 1, 1360);
    send_segment(s, ACK, 1, 1 + MSS, 0);
    expect(s, ACK | PSH, 1 + MSS + 1360, 1, 100);
}

SCRIPT(too_big_in_recovery_ends_it)
{
    establish(s);
    app_sends(s, 1, 10 * MSS);
    skip_all(s);
    for (uint32_t i = 0; i < 3; i++)
        send_segment(s, ACK, 1, 1, 0);
    expect(s, ACK, 1, 1, MSS);
    send_too_big(s, 1400, 1, MSS); // the way has changed, and all is lost
    expect(s, ACK, 1, 1, 1360);
    expect(s, ACK, 1361, 1, 100);
    skip_all(s);
    for (uint32_t i = 0; i < 6; i++)
        send_segment(s, ACK, 1, 1, 0); // answers to what was sent before
    send_segment(s, ACK, 1, 1 + 10 * MSS, 0);
    skip_all(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_fast_retransmits, 1);
    ck_assert_uint_eq(net_stats(s->net).tcp_rto, 0);
}

CHECK_MAIN("packet.path", connect_to_a_silent_neighbour_ends_when_arp_gives_up,
           connection_outlives_a_neighbour_that_comes_back,
           silent_neighbour_is_the_reason_of_a_timeout,
           silent_neighbour_is_nothing_to_those_who_reach_others,
           too_big_segments_are_cut_and_sent_again_at_once,
           too_big_news_reaches_what_waits_to_be_sent, too_big_with_a_fin_keeps_it_last,
           too_big_is_believed_only_of_what_is_in_flight,
           too_big_never_raises_and_stops_at_the_floor, too_big_without_a_size_steps_down,
           too_big_about_a_syn_means_nothing, too_big_while_the_link_still_holds_the_frames,
           too_big_in_recovery_ends_it)
