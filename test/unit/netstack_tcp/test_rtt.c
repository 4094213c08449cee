// SPDX-License-Identifier: MIT
#include "netstack/tcp/tcp_rtt.h"
#include "test/support/check_main.h"

START_TEST(first_timeout_is_one_second)
{
    struct tcp_rtt rtt;
    tcp_rtt_init(&rtt);
    ck_assert_uint_eq(tcp_rtt_rto_ns(&rtt), EXO_S(1));
}
END_TEST

START_TEST(first_sample_sets_mean_and_variation)
{
    struct tcp_rtt rtt;
    tcp_rtt_init(&rtt);
    tcp_rtt_sample(&rtt, EXO_MS(400));
    ck_assert_uint_eq(rtt.srtt_ns, EXO_MS(400));
    ck_assert_uint_eq(rtt.rttvar_ns, EXO_MS(200));
    ck_assert_uint_eq(tcp_rtt_rto_ns(&rtt), EXO_MS(1200)); // SRTT + 4 RTTVAR
}
END_TEST

START_TEST(later_samples_are_weighed)
{
    struct tcp_rtt rtt;
    tcp_rtt_init(&rtt);
    tcp_rtt_sample(&rtt, EXO_MS(400));
    tcp_rtt_sample(&rtt, EXO_MS(800));
    ck_assert_uint_eq(rtt.rttvar_ns, EXO_MS(250)); // 3/4 200 + 1/4 400
    ck_assert_uint_eq(rtt.srtt_ns, EXO_MS(450));   // 7/8 400 + 1/8 800
    ck_assert_uint_eq(tcp_rtt_rto_ns(&rtt), EXO_MS(1450));
}
END_TEST

START_TEST(timeout_stays_in_its_bounds)
{
    struct tcp_rtt rtt;
    tcp_rtt_init(&rtt);
    for (int i = 0; i < 100; i++)
        tcp_rtt_sample(&rtt, 0); // a coarse clock
    ck_assert_uint_eq(tcp_rtt_rto_ns(&rtt), TCP_RTO_MIN_NS);
    tcp_rtt_sample(&rtt, EXO_S(1000));
    ck_assert_uint_eq(tcp_rtt_rto_ns(&rtt), TCP_RTO_MAX_NS);
}
END_TEST

START_TEST(back_off_doubles_to_a_limit_and_a_sample_ends_it)
{
    struct tcp_rtt rtt;
    tcp_rtt_init(&rtt);
    tcp_rtt_sample(&rtt, EXO_MS(1));
    exo_ns expected = EXO_MS(200);
    for (int i = 0; i < 300; i++) {
        ck_assert_uint_eq(tcp_rtt_rto_ns(&rtt), expected);
        tcp_rtt_back_off(&rtt);
        expected = expected * 2 > EXO_S(60) ? EXO_S(60) : expected * 2;
    }
    tcp_rtt_sample(&rtt, EXO_MS(1));
    ck_assert_uint_eq(tcp_rtt_rto_ns(&rtt), EXO_MS(200));
}
END_TEST

START_TEST(lost_syn_without_a_sample_means_three_seconds)
{
    struct tcp_rtt rtt;
    tcp_rtt_init(&rtt);
    tcp_rtt_back_off(&rtt);
    tcp_rtt_syn_was_lost(&rtt);
    ck_assert_uint_eq(tcp_rtt_rto_ns(&rtt), EXO_S(3));
}
END_TEST

CHECK_MAIN("tcp.rtt", first_timeout_is_one_second, first_sample_sets_mean_and_variation,
           later_samples_are_weighed, timeout_stays_in_its_bounds,
           back_off_doubles_to_a_limit_and_a_sample_ends_it,
           lost_syn_without_a_sample_means_three_seconds)
