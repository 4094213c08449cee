// SPDX-License-Identifier: MIT
#include "netstack/tcp/tcp_cc.h"
#include "test/support/check_main.h"

#define M 1000u // SMSS

static struct tcp_cc fresh(void)
{
    struct tcp_cc cc;
    tcp_cc_init(&cc, M, false);
    return cc;
}

START_TEST(initial_window_follows_rfc_6928)
{
    static const uint32_t expected[][2] = {
        {536, 5360}, {1460, 14600}, {4000, 14600}, {9000, 18000}};
    struct tcp_cc cc;
    for (size_t i = 0; i < 4; i++) {
        tcp_cc_init(&cc, expected[i][0], false);
        ck_assert_uint_eq(cc.cwnd, expected[i][1]);
    }
    tcp_cc_init(&cc, 1460, true);
    ck_assert_uint_eq(cc.cwnd, 1460);
}
END_TEST

START_TEST(slow_start_grows_by_what_was_acknowledged)
{
    struct tcp_cc cc = fresh();
    tcp_cc_acked(&cc, 300, 10 * M);
    ck_assert_uint_eq(cc.cwnd, 10 * M + 300);
    tcp_cc_acked(&cc, 9 * M, 10 * M);
    ck_assert_uint_eq(cc.cwnd, 12 * M + 300); // two segments at most
}
END_TEST

START_TEST(avoidance_grows_one_segment_a_window)
{
    struct tcp_cc cc = fresh();
    cc.ssthresh = cc.cwnd = 10 * M;
    for (int i = 0; i < 9; i++)
        tcp_cc_acked(&cc, M, 10 * M);
    ck_assert_uint_eq(cc.cwnd, 10 * M);
    tcp_cc_acked(&cc, M, 10 * M);
    ck_assert_uint_eq(cc.cwnd, 11 * M);
}
END_TEST

START_TEST(window_that_is_not_used_does_not_grow)
{
    struct tcp_cc cc = fresh();
    tcp_cc_acked(&cc, M, 4 * M);
    ck_assert_uint_eq(cc.cwnd, 10 * M);
    cc.ssthresh = cc.cwnd;
    for (int i = 0; i < 100; i++)
        tcp_cc_acked(&cc, M, 8 * M);
    ck_assert_uint_eq(cc.cwnd, 10 * M);
}
END_TEST

START_TEST(recovery_halves_and_ends_without_a_burst)
{
    struct tcp_cc cc = fresh();
    cc.cwnd = 20 * M;
    tcp_cc_recovery_begin(&cc, 22 * M); // limited transmit's two segments do not count
    ck_assert_uint_eq(cc.ssthresh, 10 * M);
    ck_assert_uint_eq(cc.cwnd, 13 * M);
    tcp_cc_recovery_dupack(&cc);
    ck_assert_uint_eq(cc.cwnd, 14 * M);
    tcp_cc_recovery_partial(&cc, 3 * M);
    ck_assert_uint_eq(cc.cwnd, 12 * M);
    tcp_cc_recovery_end(&cc, 2 * M);
    ck_assert_uint_eq(cc.cwnd, 3 * M);
    cc = fresh();
    cc.cwnd = 20 * M;
    tcp_cc_recovery_begin(&cc, 20 * M);
    tcp_cc_recovery_end(&cc, 20 * M);
    ck_assert_uint_eq(cc.cwnd, 10 * M);
}
END_TEST

START_TEST(threshold_never_falls_below_two_segments)
{
    struct tcp_cc cc = fresh();
    tcp_cc_recovery_begin(&cc, M);
    ck_assert_uint_eq(cc.ssthresh, 2 * M);
    tcp_cc_timeout(&cc, 0, true);
    ck_assert_uint_eq(cc.ssthresh, 2 * M);
}
END_TEST

START_TEST(timeout_collapses_and_repeats_keep_the_threshold)
{
    struct tcp_cc cc = fresh();
    tcp_cc_timeout(&cc, 10 * M, true);
    ck_assert_uint_eq(cc.cwnd, M);
    ck_assert_uint_eq(cc.ssthresh, 5 * M);
    tcp_cc_timeout(&cc, M, false);
    ck_assert_uint_eq(cc.ssthresh, 5 * M);
    tcp_cc_acked(&cc, 5 * M, M); // one segment an ACK from here on (RFC 3465)
    ck_assert_uint_eq(cc.cwnd, 2 * M);
}
END_TEST

START_TEST(tail_that_was_lost_halves_and_begins_avoidance_anew)
{
    struct tcp_cc cc = fresh();
    cc.ssthresh = cc.cwnd;
    tcp_cc_acked(&cc, 4 * M, 10 * M);
    tcp_cc_tail_lost(&cc, 8 * M);
    ck_assert_uint_eq(cc.ssthresh, 4 * M);
    ck_assert_uint_eq(cc.cwnd, 4 * M);
    tcp_cc_acked(&cc, M, 4 * M); // what was acknowledged before counts no more
    ck_assert_uint_eq(cc.cwnd, 4 * M);
    cc.cwnd = M; // after a timeout: it does not grow by a loss
    tcp_cc_tail_lost(&cc, M);
    ck_assert_uint_eq(cc.ssthresh, 2 * M);
    ck_assert_uint_eq(cc.cwnd, M);
}
END_TEST

START_TEST(window_has_a_ceiling)
{
    struct tcp_cc cc = fresh();
    cc.cwnd = (1u << 30) - 1;
    tcp_cc_acked(&cc, 2 * M, 1u << 30);
    ck_assert_uint_eq(cc.cwnd, 1u << 30);
}
END_TEST

CHECK_MAIN("tcp.cc", initial_window_follows_rfc_6928, slow_start_grows_by_what_was_acknowledged,
           avoidance_grows_one_segment_a_window, window_that_is_not_used_does_not_grow,
           recovery_halves_and_ends_without_a_burst, threshold_never_falls_below_two_segments,
           timeout_collapses_and_repeats_keep_the_threshold,
           tail_that_was_lost_halves_and_begins_avoidance_anew, window_has_a_ceiling)
