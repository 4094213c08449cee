// SPDX-License-Identifier: MIT
// test_data.c - bytes both ways, ACKs, windows and probes: RFC 9293 §3.7, §3.8; RFC 5681 §4.2.
#include "test/packet/script.h"

#include "exo/err.h"

#define WINDOW 32768u // our receive window

// --- acknowledging -----------------------------------------------------------------------

SCRIPT(single_segment_is_acknowledged_late)
{
    establish(s);
    send_segment(s, ACK, 1, 1, 100);
    at(s, 39);
    expect_nothing(s);
    at(s, 40);
    expect(s, ACK, 1, 101, 0);
    app_reads(s, 1, 100);
}

SCRIPT(every_second_full_segment_is_acknowledged_at_once)
{
    establish(s);
    for (uint32_t i = 0; i < 6; i += 2) {
        send_segment(s, ACK, 1 + i * MSS, 1, MSS);
        expect_nothing(s);
        send_segment(s, ACK, 1 + (i + 1) * MSS, 1, MSS);
        expect(s, ACK, 1, 1 + (i + 2) * MSS, 0);
    }
    app_reads(s, 1, 6 * MSS);
}

SCRIPT(answer_carries_the_ack)
{
    establish(s);
    send_segment(s, ACK | PSH, 1, 1, 100);
    app_reads(s, 1, 100);
    app_sends(s, 1, 50);
    expect(s, ACK | PSH, 1, 101, 50);
    at(s, 150);
    expect_nothing(s);
}

SCRIPT(gap_is_reported_at_once_and_for_each_segment)
{
    establish(s);
    send_segment(s, ACK, 101, 1, 100);
    expect(s, ACK, 1, 1, 0);
    send_segment(s, ACK, 301, 1, 100);
    expect(s, ACK, 1, 1, 0);
    send_segment(s, ACK, 201, 1, 100);
    expect(s, ACK, 1, 1, 0);
    send_segment(s, ACK, 1, 1, 100); // fills it
    expect(s, ACK, 1, 401, 0);
    app_reads(s, 1, 400);
}

SCRIPT(overlaps_are_trimmed)
{
    establish(s);
    send_segment(s, ACK, 51, 1, 100);  // 51..150
    send_segment(s, ACK, 101, 1, 100); // 101..200
    send_segment(s, ACK, 41, 1, 20);   // 41..60
    send_segment(s, ACK, 301, 1, 10);  // 301..310
    send_segment(s, ACK, 251, 1, 200); // 251..450 covers it
    skip_all(s);
    send_segment(s, ACK, 1, 1, 45);
    expect(s, ACK, 1, 201, 0);
    send_segment(s, ACK, 150, 1, 120); // old, new, and known already
    expect(s, ACK, 1, 451, 0);
    app_reads(s, 1, 450);
}

SCRIPT(repeated_segment_is_acknowledged_at_once)
{
    establish(s);
    send_segment(s, ACK, 1, 1, 100);
    at(s, 40);
    expect(s, ACK, 1, 101, 0);
    send_segment(s, ACK, 1, 1, 100);
    expect(s, ACK, 1, 101, 0);
    app_reads(s, 1, 100);
}

SCRIPT(one_byte_segments_backwards_stay_cheap)
{
    establish(s);
    const uint32_t before = net_stats(s->net).pkts_free;
    for (uint32_t seq = 3000; seq > 1; seq--)
        send_segment(s, ACK, seq, 1, 1), skip_all(s);
    ck_assert_uint_le(before - net_stats(s->net).pkts_free, 128);
    for (uint32_t seq = 1; seq <= 3000; seq++) // whatever was kept, the stream is right
        send_segment(s, ACK, seq, 1, 1), skip_all(s);
    ck_assert_uint_le(before - net_stats(s->net).pkts_free, 8);
    app_reads(s, 1, 3000);
}

// --- receive window ----------------------------------------------------------------------

static void fill_window(struct script *s)
{
    for (uint32_t seq = 1; seq < 1 + WINDOW; seq += 1024)
        send_segment(s, ACK, seq, 1, 1024);
    skip_all(s);
    at(s, 200);
    skip_all(s);
    ck_assert_uint_eq(s->last.ack - s->peer_iss, 1 + WINDOW);
    ck_assert_uint_eq(s->last.window, 0);
}

SCRIPT(closed_window_still_takes_acks_and_probes)
{
    establish(s);
    app_sends(s, 1, 10);
    expect(s, ACK, 1, 1, 10);
    fill_window(s);
    send_segment(s, ACK, 1 + WINDOW, 6, 0); // a pure ACK is in place and wants no answer
    expect_nothing(s);
    send_segment(s, ACK, 1 + WINDOW, 11, 1); // a probe with an ACK in it
    expect(s, ACK, 11, 1 + WINDOW, 0);
    at(s, 3000);
    expect_nothing(s); // our data counts as acknowledged
    send_segment(s, RST, 1 + WINDOW, 0, 0);
    ck_assert_int_eq(socket_error(s->sock), -EXO_ECONNRESET);
}

SCRIPT(window_opens_in_worthwhile_steps)
{
    establish(s);
    fill_window(s);
    app_reads_some(s, 1, 1000);
    expect_nothing(s);
    send_segment(s, ACK, 1 + WINDOW, 1, 1); // a probe hears of no crumbs either
    expect(s, ACK, 1, 1 + WINDOW, 0);
    ck_assert_uint_eq(s->last.window, 0);
    app_reads_some(s, 1001, 1900);
    expect_nothing(s);
    app_reads_some(s, 2901, 100); // now 3000 >= 2 MSS
    expect(s, ACK, 1, 1 + WINDOW, 0);
    ck_assert_uint_eq(s->last.window, 3000);
}

SCRIPT(right_edge_never_moves_back)
{
    establish(s);
    uint32_t edge = 1 + WINDOW;
    for (uint32_t seq = 1; seq < 20000; seq += 700) {
        send_segment(s, ACK, seq, 1, 700);
        app_reads_some(s, seq, 350);
        app_reads_some(s, seq + 350, 350);
        at(s, 60 + seq);
        skip_all(s);
        const uint32_t now = s->last.ack - s->peer_iss + s->last.window;
        ck_assert_uint_ge(now, edge);
        edge = now;
    }
}

// --- send window -------------------------------------------------------------------------

SCRIPT(nothing_is_sent_beyond_the_window)
{
    establish_with(s, MSS, 255, 4 * MSS);
    app_sends(s, 1, 8 * MSS);
    for (uint32_t i = 0; i < 4; i++)
        expect(s, ACK, 1 + i * MSS, 1, MSS);
    expect_nothing(s);
    send_segment(s, ACK, 1, 1 + 2 * MSS, 0);
    expect(s, ACK, 1 + 4 * MSS, 1, MSS);
    expect(s, ACK, 1 + 5 * MSS, 1, MSS);
    expect_nothing(s);
}

SCRIPT(initial_window_is_ten_segments)
{
    establish(s);
    app_sends(s, 1, 20 * MSS);
    for (uint32_t i = 0; i < 10; i++)
        expect(s, ACK, 1 + i * MSS, 1, MSS);
    expect_nothing(s);
}

SCRIPT(zero_window_is_probed_with_one_byte)
{
    establish_with(s, MSS, 255, 1000);
    app_sends(s, 1, 3000);
    expect(s, ACK, 1, 1, 1000); // idle and half of the largest window: worth it
    s->peer_window = 0;
    send_segment(s, ACK, 1, 1001, 0);
    const uint32_t t0 = 0;
    static const uint32_t when[] = {200,   600,   1400,  3000,   6200,
                                    12600, 25400, 51000, 102200, 162200};
    for (uint32_t i = 0; i < EXO_COUNT(when); i++) {
        at(s, t0 + when[i] - 1);
        expect_nothing(s);
        at(s, t0 + when[i]);
        expect(s, ACK, 1001, 1, 1);
        expect_nothing(s);
        send_segment(s, ACK, 1, 1001, 0); // answered: so it goes on (MUST-37)
    }
    ck_assert_int_eq(socket_error(s->sock), 0);
    s->peer_window = 65535;
    send_segment(s, ACK, 1, 1001, 0);
    expect(s, ACK, 1001, 1, 460); // what the first cut left of its segment
    expect(s, ACK, 1461, 1, 1460);
    at(s, 162399);
    expect_nothing(s);
    at(s, 162400); // and the timer is that of a retransmission again
    expect(s, ACK, 1001, 1, 460);
}

SCRIPT(probe_that_is_taken_counts)
{
    establish_with(s, MSS, 255, 1000);
    app_sends(s, 1, 1500);
    expect(s, ACK, 1, 1, 1000);
    s->peer_window = 0;
    send_segment(s, ACK, 1, 1001, 0);
    at(s, 200);
    expect(s, ACK, 1001, 1, 1);
    s->peer_window = 5000;
    send_segment(s, ACK, 1, 1002, 0);
    expect(s, ACK, 1002, 1, 459);
    send_segment(s, ACK, 1, 1461, 0);
    expect(s, ACK | PSH, 1461, 1, 40);
}

SCRIPT(unanswered_probes_end_the_connection)
{
    establish_with(s, MSS, 255, 1000);
    app_sends(s, 1, 1500);
    s->peer_window = 0;
    send_segment(s, ACK, 1, 1001, 0);
    at(s, 400000);
    skip_all(s);
    ck_assert_int_eq(socket_error(s->sock), -EXO_ETIMEDOUT);
}

SCRIPT(fin_waits_for_the_window_and_is_the_probe)
{
    establish_with(s, MSS, 255, 1000);
    app_sends(s, 1, 1000);
    expect(s, ACK | PSH, 1, 1, 1000);
    ck_assert_int_eq(socket_shutdown(s->sock), 0);
    s->peer_window = 0;
    send_segment(s, ACK, 1, 1001, 0);
    expect_nothing(s);
    at(s, 200);
    expect(s, ACK | FIN, 1001, 1, 0);
    send_segment(s, ACK, 1, 1002, 0);
    send_segment(s, ACK | FIN, 1, 1002, 0);
    expect(s, ACK, 1002, 2, 0);
}

SCRIPT(fin_does_not_travel_beyond_the_window)
{
    uint8_t bytes[1000];
    for (uint32_t i = 0; i < sizeof bytes; i++)
        bytes[i] = script_byte(1 + i);
    establish_with(s, MSS, 255, 1000);
    ck_assert_int_eq(socket_send(s->sock, bytes, sizeof bytes), sizeof bytes);
    ck_assert_int_eq(socket_shutdown(s->sock), 0);
    poll(s);
    expect(s, ACK | PSH, 1, 1, 1000);
    expect_nothing(s);
    send_segment(s, ACK, 1, 1001, 0);
    expect(s, ACK | FIN, 1001, 1, 0);
}

SCRIPT(small_window_is_not_filled_with_crumbs)
{
    establish_with(s, MSS, 255, 4 * MSS);
    app_sends(s, 1, 6 * MSS);
    for (uint32_t i = 0; i < 4; i++)
        expect(s, ACK, 1 + i * MSS, 1, MSS);
    s->peer_window = 500;
    send_segment(s, ACK, 1, 1 + 4 * MSS, 0);
    expect_nothing(s);
    at(s, 199);
    expect_nothing(s);
    at(s, 200); // the override timeout
    expect(s, ACK, 1 + 4 * MSS, 1, 500);
    s->peer_window = 2 * MSS + 500;
    send_segment(s, ACK, 1, 1 + 4 * MSS + 500, 0);
    expect(s, ACK, 1 + 4 * MSS + 500, 1, 960);
    expect(s, ACK | PSH, 1 + 5 * MSS, 1, 1460);
}

SCRIPT(old_segment_brings_no_old_window_back)
{
    establish(s);
    s->peer_window = 10000;
    send_segment(s, ACK, 101, 1, 100); // came first, was sent last
    s->peer_window = 1000;
    send_segment(s, ACK, 1, 1, 100);
    skip_all(s);
    app_sends(s, 1, 3 * MSS);
    expect(s, ACK, 1, 201, MSS);
    expect(s, ACK, 1 + MSS, 201, MSS);
}

SCRIPT(stalled_peers_do_not_keep_the_buffers)
{
    struct socket *stalled[2];
    const uint8_t bytes[4096] = {0};
    struct pkt *taken[256];
    uint32_t n = 0;
    peer_listens_for_us(s);
    for (uint16_t i = 0; i < 2; i++) {
        s->tuple.peer_port = (uint16_t)(5000 + i);
        s->peer_window = 1000;
        send_syn(s, 216, 255);
        expect(s, SYN | ACK, 0, 1, 0);
        s->peer_window = 0;
        send_segment(s, ACK, 1, 1, 0);
        ck_assert_int_eq(socket_accept(s->listener, &stalled[i]), 0);
        while (socket_send(stalled[i], bytes, sizeof bytes) > 0)
            ;
    }
    s->peer_window = 65535;
    s->tuple.peer_port = 6000;
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, ACK, 1, 1, 0);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
    while (pkt_pool_spare(net_pkts(s->net), PKT_FOR_APP)) // and others hold the rest
        taken[n++] = pkt_alloc(net_pkts(s->net), PKT_FOR_APP);
    ck_assert_int_eq(socket_send(s->sock, bytes, 100), -EXO_EAGAIN);
    ck_assert_uint_eq(socket_events(s->sock), 0);
    at(s, 30000);
    skip_all(s);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_WRITABLE);
    ck_assert_int_eq(socket_error(stalled[0]), -EXO_ETIMEDOUT);
    ck_assert_int_eq(socket_error(stalled[1]), 0); // one was enough
    socket_abort(stalled[0]);
    socket_abort(stalled[1]);
    while (n)
        pkt_free(taken[--n]);
    poll(s);
    skip_all(s);
}

SCRIPT(shrunken_window_is_survived)
{
    establish_with(s, MSS, 255, 4 * MSS);
    app_sends(s, 1, 4 * MSS);
    skip_all(s);
    s->peer_window = MSS; // three segments are beyond it now
    send_segment(s, ACK, 1, 1, 0);
    expect_nothing(s);
    send_segment(s, ACK, 1, 1 + 4 * MSS, 0);
    app_sends(s, 1 + 4 * MSS, MSS);
    expect(s, ACK | PSH, 1 + 4 * MSS, 1, MSS);
}

// --- small segments ------------------------------------------------------------------------

SCRIPT(nagle_keeps_one_small_segment_out)
{
    establish(s);
    app_sends(s, 1, 10);
    expect(s, ACK | PSH, 1, 1, 10);
    app_sends(s, 11, 10);
    app_sends(s, 21, 10);
    expect_nothing(s);
    send_segment(s, ACK, 1, 11, 0);
    expect(s, ACK | PSH, 11, 1, 20);
    app_sends(s, 31, MSS + 5); // a full one need not wait
    expect(s, ACK, 31, 1, MSS);
    expect_nothing(s);
}

SCRIPT(nagle_can_be_turned_off)
{
    establish(s);
    socket_set_nagle(s->sock, false);
    for (uint32_t i = 0; i < 5; i++) {
        app_sends(s, 1 + i * 10, 10);
        expect(s, ACK | PSH, 1 + i * 10, 1, 10);
    }
}

SCRIPT(fin_does_not_wait_for_nagle)
{
    establish(s);
    app_sends(s, 1, 10);
    app_sends(s, 11, 10);
    expect(s, ACK | PSH, 1, 1, 10);
    ck_assert_int_eq(socket_shutdown(s->sock), 0);
    poll(s);
    expect(s, ACK | PSH | FIN, 11, 1, 10);
}

SCRIPT(push_marks_what_empties_the_queue)
{
    establish(s);
    app_sends(s, 1, 2 * MSS + 100);
    expect(s, ACK, 1, 1, MSS);
    ck_assert_uint_eq(s->last.flags & PSH, 0);
    expect(s, ACK, 1 + MSS, 1, MSS);
    ck_assert_uint_eq(s->last.flags & PSH, 0);
    send_segment(s, ACK, 1, 1 + 2 * MSS, 0);
    expect(s, ACK | PSH, 1 + 2 * MSS, 1, 100);
}

SCRIPT(input_of_one_turn_is_acknowledged_once)
{
    establish(s);
    s->tx_limit = 0; // the link is busy while four segments come
    for (uint32_t i = 0; i < 4; i++)
        send_segment(s, ACK, 1 + i * MSS, 1, MSS);
    s->tx_limit = 100;
    poll(s);
    ck_assert_uint_le(skip_all(s), 2);
    ck_assert_uint_eq(s->last.ack - s->peer_iss, 1 + 4 * MSS);
}

// Four duplicates are owed when the gap is filled. Sent now they would repeat a new number,
// and the peer would take them for a loss.
SCRIPT(filled_gap_takes_back_the_duplicates_it_owes)
{
    establish(s);
    s->quiet = true;
    for (uint32_t i = 1; i < 5; i++)
        send_segment(s, ACK, 1 + i * MSS, 1, MSS);
    send_segment(s, ACK, 1, 1, MSS);
    s->quiet = false;
    poll(s);
    expect(s, ACK, 1, 1 + 5 * MSS, 0);
    expect_nothing(s);
    app_reads(s, 1, 5 * MSS);
}

SCRIPT(link_that_takes_nothing_loses_nothing)
{
    establish(s);
    s->tx_limit = 0;
    app_sends(s, 1, 10 * MSS);
    expect_nothing(s);
    s->tx_limit = 3;
    poll(s);
    s->tx_limit = 100;
    poll(s);
    for (uint32_t i = 0; i < 10; i++)
        expect(s, ACK, 1 + i * MSS, 1, MSS);
    ck_assert_uint_eq(net_stats(s->net).tcp_retransmits, 0);
}

SCRIPT(full_link_makes_many_connections_wait)
{
    struct socket *socks[14];
    const uint8_t bytes[10 * MSS] = {0};
    peer_listens_for_us(s);
    for (uint16_t i = 0; i < 14; i++) {
        s->tuple.peer_port = (uint16_t)(5000 + i);
        send_syn(s, 1460, 255);
        expect(s, SYN | ACK, 0, 1, 0);
        send_segment(s, ACK, 1, 1, 0);
        ck_assert_int_eq(socket_accept(s->listener, &socks[i]), 0);
    }
    s->tx_limit = 0;
    for (uint32_t i = 0; i < 14; i++)
        ck_assert_int_eq(socket_send(socks[i], bytes, sizeof bytes), sizeof bytes);
    poll(s);
    ck_assert_uint_le(net_deadline(s->net), s->now); // it wants to go on at once
    s->tx_limit = UINT32_MAX;
    poll(s);
    ck_assert_uint_eq(skip_all(s), 140);
    for (uint32_t i = 0; i < 14; i++)
        socket_abort(socks[i]);
    poll(s);
    skip_all(s);
}

// A segment comes when only `free` buffers are left.
static void send_in_need(struct script *s, uint32_t seq, uint32_t ack, uint32_t free_count)
{
    struct pkt *taken[256];
    uint32_t n = 0;
    s->quiet = true;
    send_segment(s, ACK, seq, ack, 100);
    s->quiet = false;
    while (net_stats(s->net).pkts_free > free_count)
        taken[n++] = pkt_alloc(net_pkts(s->net), PKT_FOR_STACK);
    poll(s);
    while (n)
        pkt_free(taken[--n]);
}

SCRIPT(data_gives_way_when_buffers_are_short_and_acks_do_not)
{
    const uint32_t reserve = 2 * net_pkts(s->net)->reserve;
    establish(s);
    app_sends(s, 1, 100);
    expect(s, ACK, 1, 1, 100);
    send_in_need(s, 201, 101, reserve - 1); // out of order: not kept, its ACK counts
    ck_assert_uint_eq(net_stats(s->net).tcp_out_of_order, 0);
    ck_assert_uint_eq(net_stats(s->net).drop_no_pkt, 1);
    send_in_need(s, 1, 101, reserve + 1); // one to spare: taken
    send_segment(s, ACK, 201, 101, 100);
    skip_all(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_out_of_order, 1);
    send_in_need(s, 101, 101, reserve); // none, and what waits goes
    at(s, 1000);
    expect_nothing(s); // nothing of ours is sent again
    send_segment(s, ACK, 101, 101, 100);
    at(s, 2000);
    expect(s, ACK, 101, 201, 0);
    app_reads(s, 1, 200);
}

SCRIPT(readiness_is_told_once_for_each_time_it_begins)
{
    establish(s);
    ck_assert_ptr_eq(net_ready(s->net), s->listener);
    ck_assert_ptr_eq(net_ready(s->net), s->sock);
    ck_assert_ptr_null(net_ready(s->net));
    for (uint32_t seq = 1; seq < 301; seq += 100) {
        send_segment(s, ACK, seq, 1, 50);
        send_segment(s, ACK, seq + 50, 1, 50); // more of the same is no news
        ck_assert_ptr_eq(net_ready(s->net), s->sock);
        ck_assert_ptr_null(net_ready(s->net));
        app_reads(s, seq, 100);
        ck_assert_ptr_null(net_ready(s->net));
    }
    skip_all(s);
}

CHECK_MAIN("packet.data", single_segment_is_acknowledged_late,
           every_second_full_segment_is_acknowledged_at_once, answer_carries_the_ack,
           gap_is_reported_at_once_and_for_each_segment, overlaps_are_trimmed,
           repeated_segment_is_acknowledged_at_once, one_byte_segments_backwards_stay_cheap,
           closed_window_still_takes_acks_and_probes, window_opens_in_worthwhile_steps,
           right_edge_never_moves_back, nothing_is_sent_beyond_the_window,
           initial_window_is_ten_segments, zero_window_is_probed_with_one_byte,
           probe_that_is_taken_counts, unanswered_probes_end_the_connection,
           fin_waits_for_the_window_and_is_the_probe, fin_does_not_travel_beyond_the_window,
           full_link_makes_many_connections_wait, readiness_is_told_once_for_each_time_it_begins,
           data_gives_way_when_buffers_are_short_and_acks_do_not,
           small_window_is_not_filled_with_crumbs, shrunken_window_is_survived,
           old_segment_brings_no_old_window_back, stalled_peers_do_not_keep_the_buffers,
           nagle_keeps_one_small_segment_out, nagle_can_be_turned_off, fin_does_not_wait_for_nagle,
           push_marks_what_empties_the_queue, input_of_one_turn_is_acknowledged_once,
           filled_gap_takes_back_the_duplicates_it_owes, link_that_takes_nothing_loses_nothing)
