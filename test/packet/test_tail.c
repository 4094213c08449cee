// SPDX-License-Identifier: MIT
// test_tail.c - the end of a flight is probed for before the timeout: RFC 8985 §7.
#include "test/packet/script.h"

#include "exo/err.h"

// The handshake took no time: the timeout is 200 ms, the wait for a probe 50 ms where the
// peer may delay its ACK and 10 ms where it may not. A round trip of no time counts as 1 ns,
// and two of them come on top.

static struct tcp_conn *conn(struct script *s)
{
    return &flow_of(s->sock)->conn;
}

static uint64_t probes(const struct script *s)
{
    return net_stats(s->net).tcp_tail_probes;
}

// An ACK that reports the numbers `left` to `right` as received: as having come twice, if they
// lie below `ack` or in the `second` block (null: there is none).
static void send_sacks(struct script *s, uint32_t ack, uint32_t left, uint32_t right,
                       const struct wire_tcp_sack *second)
{
    struct wire_tcp_sack more = second ? *second : (struct wire_tcp_sack){0, 0};
    const struct wire_tcp h = {
        .seq = s->peer_iss + 1,
        .ack = s->our_iss + ack,
        .window = s->peer_window,
        .flags = ACK,
        .sack_count = second ? 2 : 1,
        .sacks = {{s->our_iss + left, s->our_iss + right},
                  {s->our_iss + more.left, s->our_iss + more.right}},
    };
    send_raw(s, &h, NULL, 0);
}

static void send_sack(struct script *s, uint32_t ack, uint32_t left, uint32_t right)
{
    send_sacks(s, ack, left, right, NULL);
}

SCRIPT(lone_segment_is_repeated_once_and_then_times_out)
{
    establish_with_sack(s);
    app_sends(s, 1, 100);
    expect(s, ACK | PSH, 1, 1, 100);
    at(s, 49);
    expect_nothing(s);
    at(s, 51);
    expect(s, ACK | PSH, 1, 1, 100);
    ck_assert_uint_eq(net_stats(s->net).tcp_rto, 0);
    at(s, 249); // a whole timeout after the probe, not backed off
    expect_nothing(s);
    at(s, 251);
    expect(s, ACK | PSH, 1, 1, 100);
    at(s, 649); // from here on as ever: no probe in recovery
    expect_nothing(s);
    at(s, 651);
    expect(s, ACK | PSH, 1, 1, 100);
    expect_nothing(s);
    ck_assert_uint_eq(probes(s), 1);
    ck_assert_uint_eq(net_stats(s->net).tcp_rto, 2);
}

SCRIPT(peer_without_sack_is_not_probed)
{
    establish(s);
    app_sends(s, 1, 100);
    expect(s, ACK, 1, 1, 100);
    at(s, 199);
    expect_nothing(s);
    at(s, 200);
    expect(s, ACK, 1, 1, 100);
    ck_assert_uint_eq(probes(s), 0);
}

SCRIPT(two_full_segments_are_acknowledged_without_delay)
{
    establish_with_sack(s);
    app_sends(s, 1, 2 * MSS);
    ck_assert_uint_eq(skip_all(s), 2);
    at(s, 9);
    expect_nothing(s);
    at(s, 11);
    expect(s, ACK, 1 + MSS, 1, MSS); // the last one, not the first
    expect_nothing(s);
}

SCRIPT(wait_is_two_round_trips_and_more)
{
    establish_with_sack(s);
    app_sends(s, 1, 100);
    skip_all(s);
    at(s, 16);
    send_segment(s, ACK, 1, 101, 0); // srtt: from 0 to 2 ms
    app_sends(s, 101, 100);
    expect(s, ACK, 101, 1, 100);
    at(s, 69);
    expect_nothing(s);
    at(s, 71);
    expect(s, ACK, 101, 1, 100);
}

SCRIPT(long_round_trips_are_probed_at_their_timeout)
{
    peer_listens_for_us(s);
    s->offers_sack = true;
    send_syn(s, MSS, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    at(s, 400);
    send_segment(s, ACK, 1, 1, 0);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
    for (uint32_t k = 0; k < 8; k++) { // until it is sure: SRTT + 4 RTTVAR below 2 SRTT
        app_sends(s, 1 + k, 1);
        at(s, 400 * (k + 2));
        send_segment(s, ACK, 1, 2 + k, 0);
    }
    skip_all(s);
    const exo_ns rto = tcp_rtt_rto_ns(&conn(s)->rtt);
    ck_assert_uint_lt(rto, EXO_MS(600));
    app_sends(s, 9, 1);
    skip_all(s);
    const uint32_t sent = 400 * 9;
    at(s, sent + (uint32_t)(rto / EXO_MS(1)) + 1);
    ck_assert_uint_eq(skip_all(s), 1);
    ck_assert_uint_eq(probes(s), 1);
    at(s, sent + 2 * (uint32_t)(rto / EXO_MS(1)) + 2);
    ck_assert_uint_eq(skip_all(s), 1);
    ck_assert_uint_eq(net_stats(s->net).tcp_rto, 1);
}

// §5.7 of RFC 6298: no sample, because the SYN-ACK was sent twice. 1 s, not the 3 s of the RTO.
SCRIPT(without_a_sample_it_waits_one_second)
{
    peer_listens_for_us(s);
    s->offers_sack = true;
    send_syn(s, MSS, 255);
    at(s, 1000);
    expect(s, SYN | ACK, 0, 1, 0);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, ACK, 1, 1, 0);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
    app_sends(s, 1, 100);
    skip_all(s);
    at(s, 1999);
    expect_nothing(s);
    at(s, 2000);
    expect(s, ACK, 1, 1, 100);
    at(s, 4999);
    expect_nothing(s);
    at(s, 5000);
    expect(s, ACK, 1, 1, 100);
}

SCRIPT(new_data_goes_out_instead_though_cwnd_is_full)
{
    establish_with_sack(s);
    app_sends(s, 1, 12 * MSS);
    ck_assert_uint_eq(skip_all(s), 10);
    at(s, 11);
    expect(s, ACK, 1 + 10 * MSS, 1, MSS);
    expect_nothing(s);
    at(s, 209);
    expect_nothing(s);
    at(s, 211);
    expect(s, ACK, 1, 1, MSS);
    ck_assert_uint_eq(conn(s)->cc.cwnd, MSS);
}

SCRIPT(new_data_that_nagle_holds_is_the_probe)
{
    establish_with_sack(s);
    app_sends(s, 1, 100);
    skip_all(s);
    app_sends(s, 101, 100);
    expect_nothing(s);
    at(s, 51);
    expect(s, ACK | PSH, 101, 1, 100);
    expect_nothing(s);
}

SCRIPT(new_data_beyond_the_window_is_not_the_probe)
{
    establish_with(s, MSS, 255, 65535);
    conn(s)->sack.on = true;
    s->peer_window = 3 * MSS;
    send_segment(s, ACK, 1, 1, 0);
    app_sends(s, 1, 4 * MSS);
    ck_assert_uint_eq(skip_all(s), 3);
    at(s, 11);
    expect(s, ACK, 1 + 2 * MSS, 1, MSS);
    expect_nothing(s);
}

SCRIPT(window_that_shut_over_the_flight_is_not_probed_this_way)
{
    establish_with_sack(s);
    app_sends(s, 1, 2 * MSS);
    skip_all(s);
    s->peer_window = MSS;
    send_segment(s, ACK, 1, 1, 0);
    at(s, 199);
    expect_nothing(s);
    at(s, 200); // the timeout is where it was
    expect(s, ACK, 1, 1, MSS);
    ck_assert_uint_eq(probes(s), 0);
}

SCRIPT(fin_is_repeated_alone_or_with_its_data)
{
    establish_with_sack(s);
    app_sends(s, 1, 100);
    skip_all(s);
    ck_assert_int_eq(socket_shutdown(s->sock), 0);
    poll(s);
    expect(s, ACK | FIN, 101, 1, 0);
    at(s, 51);
    expect(s, ACK | FIN | PSH, 1, 1, 100);
    send_segment(s, ACK, 1, 101, 0); // all but the FIN
    at(s, 249);
    expect_nothing(s);
    at(s, 251);
    expect(s, ACK | FIN, 101, 1, 0);
    ck_assert_uint_eq(probes(s), 1);
}

SCRIPT(lone_fin_is_probed_for)
{
    establish_with_sack(s);
    ck_assert_int_eq(socket_shutdown(s->sock), 0);
    poll(s);
    expect(s, ACK | FIN, 1, 1, 0);
    at(s, 51);
    expect(s, ACK | FIN, 1, 1, 0);
    expect_nothing(s);
    ck_assert_uint_eq(probes(s), 1);
}

SCRIPT(each_segment_and_each_ack_begins_the_wait_again)
{
    establish_with_sack(s);
    app_sends(s, 1, MSS);
    skip_all(s);
    at(s, 30);
    app_sends(s, 1 + MSS, MSS); // from now on 10 ms
    skip_all(s);
    at(s, 39);
    expect_nothing(s);
    send_segment(s, ACK, 1, 1 + MSS, 0); // srtt 0 … 5 ms, one segment out
    at(s, 88);
    expect_nothing(s);
    at(s, 110);
    expect(s, ACK, 1 + MSS, 1, MSS);
}

// An app that sends a little now and then pushes the probe away, but never the timeout.
SCRIPT(wait_ends_with_the_timeout_whatever_is_sent)
{
    establish_with_sack(s);
    conn(s)->nagle = false;
    for (uint32_t i = 0; i < 6; i++) {
        at(s, i * 40);
        if (i < 5)
            app_sends(s, 1 + i * 10, 10);
    }
    ck_assert_uint_eq(skip_all(s), 6);
    ck_assert_uint_eq(sent_ms(s), 200);
    ck_assert_uint_eq(probes(s), 1);
}

SCRIPT(segment_that_has_not_left_is_not_probed_for)
{
    establish_with_sack(s);
    s->hold = true;
    app_sends(s, 1, 100);
    skip_all(s);
    at(s, 300);
    expect_nothing(s);
    ck_assert_uint_eq(probes(s), 0);
    s->hold = false;
    for (uint32_t i = 0; i < s->held_count; i++)
        pkt_free(s->held[i]);
    s->held_count = 0;
    at(s, 400); // the timer of retransmission watches on
    expect(s, ACK, 1, 1, 100);
    ck_assert_uint_eq(net_stats(s->net).tcp_rto, 1);
}

SCRIPT(ack_before_the_probe_leaves_takes_it_back)
{
    establish_with_sack(s);
    app_sends(s, 1, 2 * MSS);
    skip_all(s);
    s->now = s->begin + EXO_MS(60);
    tcp_tick(conn(s), s->now);
    ck_assert(tcp_wants_output(conn(s)));
    send_segment(s, ACK, 1, 1 + MSS, 0);
    expect_nothing(s);
    ck_assert_uint_eq(probes(s), 0);
}

// The probe arrived, so what is missing is not late but lost.
SCRIPT(one_duplicate_ack_after_a_probe_begins_recovery)
{
    establish_with_sack(s);
    app_sends(s, 1, 4 * MSS); // the second and the last get lost
    skip_all(s);
    send_segment(s, ACK, 1, 1 + MSS, 0);
    at(s, 11);
    expect(s, ACK, 1 + 3 * MSS, 1, MSS);
    send_sack(s, 1 + MSS, 1 + 2 * MSS, 1 + 4 * MSS);
    expect(s, ACK, 1 + MSS, 1, MSS);
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_fast_retransmits, 1);
    send_segment(s, ACK, 1, 1 + 4 * MSS, 0);
    at(s, 5000);
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_rto, 0);
}

SCRIPT(recovery_after_a_probe_halves_once)
{
    establish_with_sack(s);
    app_sends(s, 1, 10 * MSS); // the first and the last get lost
    skip_all(s);
    at(s, 11);
    expect(s, ACK, 1 + 9 * MSS, 1, MSS);
    send_sack(s, 1, 1 + MSS, 1 + 10 * MSS);
    expect(s, ACK, 1, 1, MSS);
    send_segment(s, ACK, 1, 1 + 10 * MSS, 0);
    app_sends(s, 1 + 10 * MSS, 2 * MSS);
    skip_all(s);
    send_segment(s, ACK, 1, 1 + 12 * MSS, 0);
    ck_assert_uint_eq(conn(s)->cc.ssthresh, 5 * MSS);
}

SCRIPT(duplicate_ack_before_a_probe_needs_two_more)
{
    establish_with_sack(s);
    app_sends(s, 1, 4 * MSS);
    skip_all(s);
    send_sack(s, 1, 1 + MSS, 1 + 2 * MSS);
    send_sack(s, 1, 1 + MSS, 1 + 3 * MSS);
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_fast_retransmits, 0);
}

SCRIPT(report_of_a_repetition_is_no_duplicate_ack)
{
    establish_with_sack(s);
    app_sends(s, 1, MSS);
    send_segment(s, ACK, 1, 1 + MSS, 0);
    app_sends(s, 1 + MSS, 8 * MSS);
    skip_all(s);
    for (uint32_t i = 0; i < 4; i++)
        send_sack(s, 1 + MSS, 1, 1 + MSS);
    const struct wire_tcp_sack whole = {1 + 2 * MSS, 1 + 6 * MSS};
    for (uint32_t i = 0; i < 4; i++)
        send_sacks(s, 1 + MSS, 1 + (2 + i) * MSS, 1 + (3 + i) * MSS, &whole);
    ck_assert_uint_eq(net_stats(s->net).tcp_fast_retransmits, 0);
    for (uint32_t i = 0; i < 3; i++)
        send_sack(s, 1 + MSS, 1 + 2 * MSS, 1 + (3 + i) * MSS);
    ck_assert_uint_eq(net_stats(s->net).tcp_fast_retransmits, 1);
}

// A flight of ten, probed for and acknowledged.
static void probed_flight(struct script *s)
{
    establish_with_sack(s);
    app_sends(s, 1, 10 * MSS);
    skip_all(s);
    at(s, 11);
    ck_assert_uint_eq(skip_all(s), 1);
    ck_assert_uint_eq(conn(s)->cc.cwnd, 10 * MSS);
    send_segment(s, ACK, 1, 1 + 10 * MSS, 0);
    ck_assert_uint_eq(conn(s)->cc.cwnd, 12 * MSS);
}

// §7.4.2: the ACKs of the first and of the repeated segment look alike until more is sent.
SCRIPT(probe_that_repaired_a_loss_halves_the_window_as_recovery_would)
{
    probed_flight(s);
    app_sends(s, 1 + 10 * MSS, 8 * MSS);
    skip_all(s);
    send_segment(s, ACK, 1, 1 + 12 * MSS, 0); // nothing came twice
    ck_assert_uint_eq(conn(s)->cc.ssthresh, 4 * MSS);
    ck_assert_uint_le(conn(s)->cc.cwnd, 5 * MSS);
    send_segment(s, ACK, 1, 1 + 18 * MSS, 0); // and only once
    ck_assert_uint_eq(conn(s)->cc.ssthresh, 4 * MSS);
}

SCRIPT(probe_that_came_twice_costs_nothing)
{
    probed_flight(s);
    send_sack(s, 1 + 10 * MSS, 1 + 9 * MSS, 1 + 10 * MSS);
    app_sends(s, 1 + 10 * MSS, 8 * MSS);
    skip_all(s);
    send_segment(s, ACK, 1, 1 + 18 * MSS, 0);
    ck_assert_uint_ge(conn(s)->cc.cwnd, 12 * MSS);
}

SCRIPT(other_repetitions_do_not_excuse_the_probe)
{
    probed_flight(s);
    send_sack(s, 1 + 10 * MSS, 1 + 5 * MSS, 1 + 6 * MSS);
    app_sends(s, 1 + 10 * MSS, 8 * MSS);
    skip_all(s);
    send_segment(s, ACK, 1, 1 + 18 * MSS, 0);
    ck_assert_uint_eq(conn(s)->cc.ssthresh, 4 * MSS);
}

SCRIPT(probe_with_new_data_hides_no_loss)
{
    establish_with_sack(s);
    app_sends(s, 1, 11 * MSS);
    skip_all(s);
    at(s, 11);
    expect(s, ACK, 1 + 10 * MSS, 1, MSS);
    send_segment(s, ACK, 1, 1 + 11 * MSS, 0);
    app_sends(s, 1 + 11 * MSS, MSS);
    send_segment(s, ACK, 1, 1 + 12 * MSS, 0);
    ck_assert_uint_ge(conn(s)->cc.cwnd, 12 * MSS);
    skip_all(s);
}

SCRIPT(every_flight_has_its_probe_and_an_unexplained_one_counts)
{
    probed_flight(s);
    app_sends(s, 1 + 10 * MSS, 8 * MSS);
    skip_all(s);
    at(s, 60); // its last one is lost as well
    expect(s, ACK, 1 + 17 * MSS, 1, MSS);
    ck_assert_uint_eq(probes(s), 2);
    ck_assert_uint_eq(conn(s)->cc.ssthresh, 4 * MSS);
    expect_nothing(s);
}

SCRIPT(timeout_forgets_the_probe)
{
    establish_with_sack(s);
    app_sends(s, 1, 4 * MSS);
    skip_all(s);
    at(s, 11);
    expect(s, ACK, 1 + 3 * MSS, 1, MSS);
    at(s, 211);
    expect(s, ACK, 1, 1, MSS);
    ck_assert(!conn(s)->tail.out && !conn(s)->tail.doubtful);
    send_segment(s, ACK, 1, 1 + 4 * MSS, 0);
    app_sends(s, 1 + 4 * MSS, MSS); // recovery is over, and the timeout's back-off stays
    expect(s, ACK, 1 + 4 * MSS, 1, MSS);
    at(s, 262);
    expect(s, ACK, 1 + 4 * MSS, 1, MSS);
    ck_assert_uint_eq(probes(s), 2);
}

CHECK_MAIN("packet.tail", lone_segment_is_repeated_once_and_then_times_out,
           peer_without_sack_is_not_probed, two_full_segments_are_acknowledged_without_delay,
           wait_is_two_round_trips_and_more, long_round_trips_are_probed_at_their_timeout,
           without_a_sample_it_waits_one_second, new_data_goes_out_instead_though_cwnd_is_full,
           new_data_that_nagle_holds_is_the_probe, new_data_beyond_the_window_is_not_the_probe,
           window_that_shut_over_the_flight_is_not_probed_this_way,
           fin_is_repeated_alone_or_with_its_data, lone_fin_is_probed_for,
           each_segment_and_each_ack_begins_the_wait_again,
           wait_ends_with_the_timeout_whatever_is_sent, segment_that_has_not_left_is_not_probed_for,
           ack_before_the_probe_leaves_takes_it_back,
           one_duplicate_ack_after_a_probe_begins_recovery, recovery_after_a_probe_halves_once,
           duplicate_ack_before_a_probe_needs_two_more, report_of_a_repetition_is_no_duplicate_ack,
           probe_that_repaired_a_loss_halves_the_window_as_recovery_would,
           probe_that_came_twice_costs_nothing, other_repetitions_do_not_excuse_the_probe,
           probe_with_new_data_hides_no_loss,
           every_flight_has_its_probe_and_an_unexplained_one_counts, timeout_forgets_the_probe)
