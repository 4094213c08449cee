// SPDX-License-Identifier: MIT
// test_close.c - how connections end: RFC 9293 §3.6, RFC 1337, RFC 2525 §2.17.
#include "test/packet/script.h"

#include "exo/err.h"

static void close_ours(struct script *s)
{
    socket_close(s->sock);
    s->sock = NULL;
    poll(s);
}

static void into_time_wait(struct script *s)
{
    establish(s);
    close_ours(s);
    expect(s, ACK | FIN, 1, 1, 0);
    send_segment(s, ACK, 1, 2, 0);
    send_segment(s, ACK | FIN, 1, 2, 0);
    expect(s, ACK, 2, 2, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 1);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
}

SCRIPT(who_closes_first_waits_for_two_msl)
{
    into_time_wait(s);
    at(s, 59999);
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 1);
    at(s, 60000);
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 0);
    expect_nothing(s);
}

SCRIPT(fin_with_the_ack_of_ours_in_one_segment)
{
    establish(s);
    close_ours(s);
    expect(s, ACK | FIN, 1, 1, 0);
    send_segment(s, ACK | FIN, 1, 2, 0);
    expect(s, ACK, 2, 2, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 1);
}

SCRIPT(repeated_fin_is_acknowledged_and_waits_anew)
{
    into_time_wait(s);
    at(s, 30000);
    send_segment(s, ACK | FIN, 1, 2, 0);
    expect(s, ACK, 2, 2, 0);
    at(s, 89999);
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 1);
    at(s, 90000);
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 0);
}

SCRIPT(rst_does_not_end_time_wait)
{
    into_time_wait(s);
    send_segment(s, RST, 2, 0, 0);
    send_segment(s, RST | ACK, 2, 2, 0);
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 1);
}

SCRIPT(old_duplicates_in_time_wait)
{
    into_time_wait(s);
    send_segment(s, ACK, 1, 2, 0); // a pure ACK is not answered
    expect_nothing(s);
    send_segment(s, SYN, 0, 0, 0); // our peer's old SYN
    expect(s, ACK, 2, 2, 0);
    send_segment(s, ACK, 1, 2, 10);
    expect(s, ACK, 2, 2, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 1);
}

SCRIPT(newer_syn_reopens)
{
    into_time_wait(s);
    const uint32_t old_nxt = s->our_iss + 2;
    s->peer_iss += 1000;
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    ck_assert(seq_lt(old_nxt, s->our_iss));
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 0);
    send_segment(s, ACK, 1, 1, 0);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
}

SCRIPT(time_wait_table_recycles_its_oldest)
{
    peer_listens_for_us(s);
    for (uint16_t i = 0; i < 6; i++) { // the table holds four
        s->tuple.peer_port = (uint16_t)(5000 + i);
        send_syn(s, 1460, 255);
        expect(s, SYN | ACK, 0, 1, 0);
        send_segment(s, ACK, 1, 1, 0);
        ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
        close_ours(s);
        expect(s, ACK | FIN, 1, 1, 0);
        send_segment(s, ACK | FIN, 1, 2, 0);
        expect(s, ACK, 2, 2, 0);
    }
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 4);
}

SCRIPT(who_closes_second_is_done_with_the_last_ack)
{
    establish(s);
    send_segment(s, ACK | FIN, 1, 1, 0);
    expect(s, ACK, 1, 2, 0);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_READABLE | SOCKET_HUP | SOCKET_WRITABLE);
    close_ours(s);
    expect(s, ACK | FIN, 1, 2, 0);
    send_segment(s, ACK, 2, 2, 0);
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 0);
}

SCRIPT(both_close_at_once)
{
    establish(s);
    close_ours(s);
    expect(s, ACK | FIN, 1, 1, 0);
    send_segment(s, ACK | FIN, 1, 1, 0); // crossed ours: CLOSING
    expect(s, ACK, 2, 2, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 0);
    send_segment(s, ACK, 2, 2, 0);
    expect_nothing(s); // its FIN is acknowledged already
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 1);
}

SCRIPT(every_close_in_order_is_counted)
{
    establish(s);
    close_ours(s);
    send_segment(s, ACK | FIN, 1, 2, 0);
    skip_all(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_closed, 1);
}

// RFC 9293 MUST-13: above the largest number that was used, and the FIN's was the largest.
SCRIPT(next_number_reopens)
{
    into_time_wait(s);
    s->peer_iss += 2;
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
}

// With nobody to reopen for, a newer SYN is as unacceptable as any other (§3.10.7.4).
SCRIPT(newer_syn_without_a_listener_is_acknowledged)
{
    into_time_wait(s);
    socket_close(s->listener);
    s->listener = NULL;
    send_segment(s, SYN, 1000, 0, 0);
    expect(s, ACK, 2, 2, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_time_wait, 1);
}

SCRIPT(lost_fin_is_sent_again)
{
    establish(s);
    close_ours(s);
    expect(s, ACK | FIN, 1, 1, 0);
    at(s, 200);
    expect(s, ACK | FIN, 1, 1, 0);
    at(s, 600);
    expect(s, ACK | FIN, 1, 1, 0);
}

SCRIPT(half_closed_by_us_still_receives)
{
    establish(s);
    ck_assert_int_eq(socket_shutdown(s->sock), 0);
    poll(s);
    expect(s, ACK | FIN, 1, 1, 0);
    struct span room;
    ck_assert_int_eq(socket_reserve(s->sock, &room), -EXO_EPIPE);
    send_segment(s, ACK, 1, 2, 0);
    send_segment(s, ACK, 1, 2, 1000);
    send_segment(s, ACK, 1001, 2, 1000);
    skip_all(s);
    app_reads(s, 1, 2000);
    send_segment(s, ACK | FIN, 2001, 2, 0);
    skip_all(s);
    ck_assert_uint_eq(s->last.ack - s->peer_iss, 2002);
    char byte;
    ck_assert_int_eq(socket_recv(s->sock, &byte, 1), 0);
}

SCRIPT(half_closed_by_the_peer_still_sends)
{
    establish(s);
    send_segment(s, ACK | FIN, 1, 1, 10);
    expect(s, ACK, 1, 12, 0);
    app_sends(s, 1, 100);
    expect(s, ACK | PSH, 1, 12, 100);
    send_segment(s, ACK, 12, 101, 0);
    app_reads(s, 1, 10);
    ck_assert_int_eq(socket_shutdown(s->sock), 0);
    poll(s);
    expect(s, ACK | FIN, 101, 12, 0);
}

SCRIPT(fin_out_of_order_waits_for_the_gap)
{
    establish(s);
    send_segment(s, ACK | FIN, 101, 1, 50);
    expect(s, ACK, 1, 1, 0);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_WRITABLE);
    send_segment(s, ACK, 151, 1, 20); // beyond the FIN: nothing can be there
    skip_all(s);
    send_segment(s, ACK, 1, 1, 100);
    expect(s, ACK, 1, 152, 0);
    app_reads(s, 1, 150);
    ck_assert_uint_eq(socket_events(s->sock) & SOCKET_HUP, SOCKET_HUP);
}

// Nothing comes behind a FIN. What a liar has sent there waits for nobody, and is no unread data
// that would turn our close into a reset.
SCRIPT(data_beyond_a_fin_is_nobodys)
{
    establish_with_sack(s);
    send_segment(s, ACK, 201, 1, 100);
    expect(s, ACK, 1, 1, 0);
    send_segment(s, FIN | ACK, 1, 1, 100);
    expect(s, ACK, 1, 102, 0);
    ck_assert_uint_eq(s->last.sack_count, 0);
    app_reads(s, 1, 100);
    ck_assert_uint_eq(net_stats(s->net).pkts_free, s->config.pkts);
    socket_close(s->sock);
    s->sock = NULL;
    poll(s);
    expect(s, FIN | ACK, 1, 102, 0);
}

SCRIPT(data_committed_before_close_is_delivered)
{
    establish(s);
    app_sends(s, 1, 2 * MSS);
    skip_all(s);
    app_sends(s, 1 + 2 * MSS, 100); // Nagle holds it
    close_ours(s);
    expect(s, ACK | FIN | PSH, 1 + 2 * MSS, 1, 100);
}

SCRIPT(close_with_unread_data_resets)
{
    establish(s);
    send_segment(s, ACK, 1, 1, 10);
    close_ours(s);
    expect(s, RST | ACK, 1, 11, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
}

SCRIPT(data_after_close_resets)
{
    establish(s);
    close_ours(s);
    expect(s, ACK | FIN, 1, 1, 0);
    send_segment(s, ACK, 1, 2, 10);
    expect(s, RST | ACK, 2, 1, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
}

SCRIPT(silent_peer_does_not_keep_fin_wait_2)
{
    establish(s);
    close_ours(s);
    expect(s, ACK | FIN, 1, 1, 0);
    send_segment(s, ACK, 1, 2, 0);
    at(s, 59999);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 1);
    at(s, 60000);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
}

SCRIPT(orphan_behind_a_closed_window_is_given_up)
{
    establish(s);
    s->peer_window = 0;
    send_segment(s, ACK, 1, 1, 0);
    app_sends(s, 1, 1000);
    close_ours(s);
    for (uint32_t ms = 1000; ms < 400000; ms += 1000) { // a peer that answers every probe
        at(s, ms);
        if (skip_all(s))
            send_segment(s, ACK, 1, 1, 0);
    }
    skip_all(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
}

SCRIPT(abort_resets_at_once)
{
    establish(s);
    app_sends(s, 1, 100);
    expect(s, ACK, 1, 1, 100);
    socket_abort(s->sock);
    s->sock = NULL;
    poll(s);
    expect(s, RST | ACK, 101, 1, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
}

SCRIPT(closing_a_listener_resets_what_waits)
{
    peer_listens_for_us(s);
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, ACK, 1, 1, 0);
    socket_close(s->listener);
    s->listener = NULL;
    poll(s);
    expect(s, RST | ACK, 1, 1, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
}

SCRIPT(close_before_the_answer_forgets_the_connect)
{
    connect_begin(s);
    close_ours(s);
    expect_nothing(s);
    send_segment(s, SYN | ACK, 0, 1, 0);
    expect_rst(s, 1);
}

SCRIPT(data_before_a_reset_can_still_be_read)
{
    establish(s);
    send_segment(s, ACK, 1, 1, 10);
    struct cspan lent;
    ck_assert_int_eq(socket_peek(s->sock, &lent), 1);
    send_segment(s, RST, 11, 0, 0);
    ck_assert_uint_eq(lent.ptr[9], script_byte(10)); // a view that was lent stays good
    socket_consume(s->sock, 10);
    ck_assert_int_eq(socket_peek(s->sock, &lent), -EXO_ECONNRESET);
}

CHECK_MAIN("packet.close", who_closes_first_waits_for_two_msl,
           fin_with_the_ack_of_ours_in_one_segment, repeated_fin_is_acknowledged_and_waits_anew,
           rst_does_not_end_time_wait, old_duplicates_in_time_wait, newer_syn_reopens,
           time_wait_table_recycles_its_oldest, who_closes_second_is_done_with_the_last_ack,
           both_close_at_once, every_close_in_order_is_counted, next_number_reopens,
           newer_syn_without_a_listener_is_acknowledged, lost_fin_is_sent_again,
           half_closed_by_us_still_receives, half_closed_by_the_peer_still_sends,
           fin_out_of_order_waits_for_the_gap, data_beyond_a_fin_is_nobodys,
           data_committed_before_close_is_delivered, close_with_unread_data_resets,
           data_after_close_resets, silent_peer_does_not_keep_fin_wait_2,
           orphan_behind_a_closed_window_is_given_up, abort_resets_at_once,
           closing_a_listener_resets_what_waits, close_before_the_answer_forgets_the_connect,
           data_before_a_reset_can_still_be_read)
