// SPDX-License-Identifier: MIT
// test_loss.c - what is lost is sent again: RFC 6298, RFC 5681, RFC 6582, RFC 9293 §3.8.3.
#include "test/packet/script.h"

#include "exo/err.h"

// The handshake took no time, so the timeout begins at its floor of 200 ms.

SCRIPT(timeout_doubles_each_time)
{
    establish(s);
    app_sends(s, 1, 100);
    expect(s, ACK, 1, 1, 100);
    static const uint32_t when[] = {200, 600, 1400, 3000, 6200, 12600};
    for (uint32_t i = 0; i < EXO_COUNT(when); i++) {
        at(s, when[i] - 1);
        expect_nothing(s);
        at(s, when[i]);
        expect(s, ACK | PSH, 1, 1, 100);
        expect_nothing(s);
    }
    send_segment(s, ACK, 1, 101, 0);
    at(s, 30000);
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_rto, 6);
}

SCRIPT(back_off_stays_until_a_segment_is_timed)
{
    establish(s);
    app_sends(s, 1, 100);
    at(s, 600); // sent at 0, 200 and 600: the timeout is 800 now
    skip_all(s);
    send_segment(s, ACK, 1, 101, 0); // no sample: an answer to which of them? (Karn)
    app_sends(s, 101, 100);
    expect(s, ACK, 101, 1, 100);
    at(s, 1399);
    expect_nothing(s);
    at(s, 1400);
    expect(s, ACK | PSH, 101, 1, 100);
    send_segment(s, ACK, 1, 201, 0);
    app_sends(s, 201, 100); // answered at once: a sample, and the floor again
    expect(s, ACK, 201, 1, 100);
    send_segment(s, ACK, 1, 301, 0);
    app_sends(s, 301, 100);
    expect(s, ACK, 301, 1, 100);
    at(s, 1599);
    expect_nothing(s);
    at(s, 1600);
    expect(s, ACK | PSH, 301, 1, 100);
}

SCRIPT(timer_restarts_with_new_acks_and_stops_with_the_last)
{
    establish(s);
    app_sends(s, 1, 2 * MSS);
    skip_all(s);
    at(s, 150);
    send_segment(s, ACK, 1, 1 + MSS, 0);
    at(s, 300);
    expect_nothing(s); // 200 ms from the ACK on, or more: a sample of 150 ms was taken
    send_segment(s, ACK, 1, 1 + 2 * MSS, 0);
    ck_assert_uint_eq(net_deadline(s->net) > s->now + EXO_S(5), true);
    at(s, 5000);
    expect_nothing(s);
}

SCRIPT(after_a_timeout_one_segment_then_slow_start)
{
    establish(s);
    app_sends(s, 1, 10 * MSS);
    for (uint32_t i = 0; i < 10; i++)
        expect(s, ACK, 1 + i * MSS, 1, MSS);
    at(s, 200);
    expect(s, ACK, 1, 1, MSS);
    expect_nothing(s);
    send_segment(s, ACK, 1, 1 + MSS, 0);
    expect(s, ACK, 1 + MSS, 1, MSS);
    expect(s, ACK, 1 + 2 * MSS, 1, MSS);
    expect_nothing(s);
    send_segment(s, ACK, 1, 1 + 10 * MSS, 0); // the rest was there after all
    expect_nothing(s);
    at(s, 5000);
    expect_nothing(s);
}

SCRIPT(no_progress_for_100_s_gives_up)
{
    establish(s);
    app_sends(s, 1, 100);
    at(s, 99000);
    skip_all(s);
    ck_assert_int_eq(socket_error(s->sock), 0);
    at(s, 170000);
    skip_all(s);
    ck_assert_int_eq(socket_error(s->sock), -EXO_ETIMEDOUT);
}

SCRIPT(third_duplicate_ack_sends_again)
{
    uint32_t next = 1;
    establish(s);
    grow_cwnd(s, &next, 10);
    app_sends(s, next, 8 * MSS);
    for (uint32_t i = 0; i < 8; i++)
        expect(s, ACK, next + i * MSS, 1, MSS);
    send_segment(s, ACK, 1, next, 0);
    send_segment(s, ACK, 1, next, 0);
    expect_nothing(s);
    send_segment(s, ACK, 1, next, 0);
    expect(s, ACK, next, 1, MSS);
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_fast_retransmits, 1);
    send_segment(s, ACK, 1, next + 8 * MSS, 0);
    expect_nothing(s);
}

// RFC 5681 §2: what is no duplicate ACK in the strict sense must not count as one.
SCRIPT(similar_segments_are_no_duplicate_acks)
{
    establish(s);
    app_sends(s, 1, 8 * MSS);
    skip_all(s);
    for (uint32_t i = 0; i < 6; i++)
        send_segment(s, ACK, 1 + i * 10, 1, 10); // with data
    for (uint32_t i = 0; i < 6; i++) {
        s->peer_window--; // with another window
        send_segment(s, ACK, 61, 1, 0);
    }
    skip_all(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_fast_retransmits, 0);
    send_segment(s, ACK, 61, 1 + 8 * MSS, 0);
    for (uint32_t i = 0; i < 6; i++)
        send_segment(s, ACK, 61, 1 + 8 * MSS, 0); // with nothing outstanding
    ck_assert_uint_eq(net_stats(s->net).tcp_fast_retransmits, 0);
}

SCRIPT(first_two_duplicates_let_new_segments_out)
{
    establish(s);
    app_sends(s, 1, 20 * MSS);
    for (uint32_t i = 0; i < 10; i++)
        expect(s, ACK, 1 + i * MSS, 1, MSS);
    expect_nothing(s);
    for (uint32_t i = 0; i < 2; i++) { // RFC 3042
        send_segment(s, ACK, 1, 1, 0);
        expect(s, ACK, 1 + (10 + i) * MSS, 1, MSS);
        expect_nothing(s);
    }
    send_segment(s, ACK, 1, 1, 0);
    expect(s, ACK, 1, 1, MSS);
}

// RFC 5681 §3.2 step 2: what limited transmit let out does not count into ssthresh.
SCRIPT(limited_transmit_does_not_raise_ssthresh)
{
    establish(s);
    app_sends(s, 1, 30 * MSS);
    skip_all(s);
    for (uint32_t i = 0; i < 7; i++)
        send_segment(s, ACK, 1, 1, 0);
    skip_all(s);
    ck_assert_uint_eq(flow_of(s->sock)->conn.cc.ssthresh, 5 * MSS);
}

SCRIPT(partial_ack_sends_the_next_hole)
{
    establish(s);
    app_sends(s, 1, 10 * MSS); // the first and the fifth get lost
    skip_all(s);
    for (uint32_t i = 0; i < 3; i++)
        send_segment(s, ACK, 1, 1, 0);
    expect(s, ACK, 1, 1, MSS);
    expect_nothing(s);
    send_segment(s, ACK, 1, 1 + 4 * MSS, 0); // partial
    expect(s, ACK, 1 + 4 * MSS, 1, MSS);
    expect_nothing(s);
    send_segment(s, ACK, 1, 1 + 10 * MSS, 0); // full
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_fast_retransmits, 1);
    ck_assert_uint_eq(net_stats(s->net).tcp_rto, 0);
    // cwnd = min(ssthresh 5, flight 0 + 1 + 1) segments
    app_sends(s, 1 + 10 * MSS, 10 * MSS);
    expect(s, ACK, 1 + 10 * MSS, 1, MSS);
    expect(s, ACK, 1 + 11 * MSS, 1, MSS);
    expect_nothing(s);
}

SCRIPT(only_the_first_partial_ack_restarts_the_timer)
{
    establish(s);
    app_sends(s, 1, 10 * MSS);
    skip_all(s);
    at(s, 150);
    for (uint32_t i = 0; i < 3; i++)
        send_segment(s, ACK, 1, 1, 0);
    expect(s, ACK, 1, 1, MSS);
    at(s, 190);
    send_segment(s, ACK, 1, 1 + 4 * MSS, 0);
    expect(s, ACK, 1 + 4 * MSS, 1, MSS);
    at(s, 300); // past the 200 ms of the first flight: restarted
    expect_nothing(s);
    send_segment(s, ACK, 1, 1 + 6 * MSS, 0);
    expect(s, ACK, 1 + 6 * MSS, 1, MSS);
    at(s, 389);
    expect_nothing(s);
    at(s, 390);
    expect(s, ACK, 1 + 6 * MSS, 1, MSS);
    ck_assert_uint_eq(net_stats(s->net).tcp_rto, 1);
}

SCRIPT(each_duplicate_in_recovery_lets_one_out)
{
    establish(s);
    app_sends(s, 1, 30 * MSS);
    skip_all(s); // ten are out
    for (uint32_t i = 0; i < 3; i++)
        send_segment(s, ACK, 1, 1, 0);
    skip_all(s); // twelve, and the first again; cwnd = 5 + 3
    for (uint32_t i = 0; i < 4; i++) {
        send_segment(s, ACK, 1, 1, 0);
        expect_nothing(s);
    }
    send_segment(s, ACK, 1, 1, 0); // cwnd 13: one more
    expect(s, ACK, 1 + 12 * MSS, 1, MSS);
    expect_nothing(s);
}

SCRIPT(duplicates_after_a_timeout_start_no_recovery)
{
    establish(s);
    app_sends(s, 1, 10 * MSS);
    skip_all(s);
    at(s, 200);
    expect(s, ACK, 1, 1, MSS);
    for (uint32_t i = 0; i < 5; i++)
        send_segment(s, ACK, 1, 1, 0);
    ck_assert_uint_eq(net_stats(s->net).tcp_fast_retransmits, 0);
}

SCRIPT(loss_of_two_gigabytes_ago_hides_none_of_today)
{
    establish(s);
    flow_of(s->sock)->conn.recover -= 0x7fffff00 - MSS;
    for (uint32_t i = 0; i < 2; i++) { // the second of these is the one too many
        app_sends(s, 1 + i * MSS, MSS);
        send_segment(s, ACK, 1, 1 + (i + 1) * MSS, 0);
    }
    app_sends(s, 1 + 2 * MSS, 8 * MSS);
    skip_all(s);
    for (uint32_t i = 0; i < 3; i++)
        send_segment(s, ACK, 1, 1 + 2 * MSS, 0);
    expect(s, ACK, 1 + 2 * MSS, 1, MSS);
}

SCRIPT(idle_connection_starts_with_its_initial_window)
{
    uint32_t next = 1;
    establish(s);
    grow_cwnd(s, &next, 10);
    grow_cwnd(s, &next, 10);
    at(s, 60000);
    app_sends(s, next, 30 * MSS);
    ck_assert_uint_eq(skip_all(s), 10);
}

SCRIPT(unused_window_does_not_grow)
{
    uint32_t next = 1;
    establish(s);
    for (uint32_t i = 0; i < 40; i++)
        grow_cwnd(s, &next, 1); // one segment at a time
    app_sends(s, next, 30 * MSS);
    ck_assert_uint_eq(skip_all(s), 10);
}

SCRIPT(one_ack_grows_the_window_by_two_segments_at_most)
{
    establish(s);
    app_sends(s, 1, 40 * MSS);
    ck_assert_uint_eq(skip_all(s), 10);
    send_segment(s, ACK, 1, 1 + 10 * MSS, 0); // all ten by one ACK
    ck_assert_uint_eq(skip_all(s), 12);
}

SCRIPT(segment_that_has_not_left_is_not_sent_twice)
{
    establish(s);
    s->hold = true;
    app_sends(s, 1, 2 * MSS);
    expect(s, ACK, 1, 1, MSS);
    expect(s, ACK, 1 + MSS, 1, MSS);
    at(s, 3000); // many timeouts, and the link has not let go
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_rto, 0);
    for (uint32_t i = 0; i < s->held_count; i++)
        pkt_free(s->held[i]);
    s->held_count = 0;
    s->hold = false;
    at(s, 3400);
    expect(s, ACK, 1, 1, MSS);
}

SCRIPT(segments_behind_a_lost_one_that_have_not_left_are_not_sent_twice)
{
    establish(s);
    app_sends(s, 1, MSS); // gets lost
    skip_all(s);
    s->hold = true;
    app_sends(s, 1 + MSS, 2 * MSS); // stay in the link
    ck_assert_uint_eq(skip_all(s), 2);
    s->hold = false;
    at(s, 200);
    expect(s, ACK, 1, 1, MSS);
    send_segment(s, ACK, 1, 1 + MSS, 0);
    expect_nothing(s);
    for (uint32_t i = 0; i < s->held_count; i++)
        pkt_free(s->held[i]);
    s->held_count = 0;
    at(s, 5000); // they did not arrive, it turns out
    expect(s, ACK, 1 + MSS, 1, MSS);
}

SCRIPT(part_of_a_segment_acknowledged_while_the_link_holds_it)
{
    establish(s);
    s->hold = true;
    app_sends(s, 1, MSS);
    skip_all(s);
    send_segment(s, ACK, 1, 501, 0);
    const struct pkt *frame = s->held[0];
    ck_assert_uint_eq(frame->len, 14 + 20 + 20 + MSS); // the link's view is untouched
    ck_assert_uint_eq(frame->data[54], script_byte(1));
    pkt_free(s->held[0]);
    s->held_count = 0;
    s->hold = false;
    at(s, 1000);
    expect(s, ACK | PSH, 501, 1, 960);
}

CHECK_MAIN("packet.loss", timeout_doubles_each_time, back_off_stays_until_a_segment_is_timed,
           timer_restarts_with_new_acks_and_stops_with_the_last,
           after_a_timeout_one_segment_then_slow_start, no_progress_for_100_s_gives_up,
           third_duplicate_ack_sends_again, similar_segments_are_no_duplicate_acks,
           first_two_duplicates_let_new_segments_out, limited_transmit_does_not_raise_ssthresh,
           partial_ack_sends_the_next_hole, each_duplicate_in_recovery_lets_one_out,
           only_the_first_partial_ack_restarts_the_timer,
           duplicates_after_a_timeout_start_no_recovery,
           loss_of_two_gigabytes_ago_hides_none_of_today,
           idle_connection_starts_with_its_initial_window, unused_window_does_not_grow,
           one_ack_grows_the_window_by_two_segments_at_most,
           segment_that_has_not_left_is_not_sent_twice,
           segments_behind_a_lost_one_that_have_not_left_are_not_sent_twice,
           part_of_a_segment_acknowledged_while_the_link_holds_it)
