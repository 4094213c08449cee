// SPDX-License-Identifier: MIT
// test_open.c - how connections begin: RFC 9293 §3.5, §3.10.7.2, §3.10.7.3.
#include "test/packet/script.h"

#include "exo/err.h"

SCRIPT(syn_is_answered_with_our_options)
{
    peer_listens_for_us(s);
    send_syn(s, 1460, 7);
    expect(s, SYN | ACK, 0, 1, 0);
    ck_assert_uint_eq(s->last.options, WIRE_TCP_MSS | WIRE_TCP_WSCALE);
    ck_assert_uint_eq(s->last.mss, 1460);
    ck_assert_uint_eq(s->last.window, 32768);
    expect_nothing(s);
}

SCRIPT(syn_without_scale_gets_none_back)
{
    peer_listens_for_us(s);
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    ck_assert_uint_eq(s->last.options, WIRE_TCP_MSS);
}

SCRIPT(third_segment_makes_it_acceptable)
{
    struct socket *sock;
    peer_listens_for_us(s);
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    ck_assert_int_eq(socket_accept(s->listener, &sock), -EXO_EAGAIN);
    ck_assert_ptr_null(net_ready(s->net));
    send_segment(s, ACK, 1, 1, 0);
    ck_assert_ptr_eq(net_ready(s->net), s->listener);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_WRITABLE);
    ck_assert_uint_eq(socket_peer(s->sock).port, 4000);
}

SCRIPT(third_segment_may_carry_data_and_fin)
{
    peer_listens_for_us(s);
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, ACK | FIN, 1, 1, 100);
    expect(s, ACK, 1, 102, 0);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
    app_reads(s, 1, 100);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_READABLE | SOCKET_HUP | SOCKET_WRITABLE);
}

SCRIPT(data_on_a_syn_is_not_acknowledged)
{
    peer_listens_for_us(s);
    send_segment(s, SYN, 0, 0, 10);
    expect(s, SYN | ACK, 0, 1, 0);
}

SCRIPT(repeated_syn_gets_the_same_answer)
{
    peer_listens_for_us(s);
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    const uint32_t iss = s->our_iss;
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    ck_assert_uint_eq(s->our_iss, iss);
    send_segment(s, ACK, 1, 1, 0);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
    app_sends(s, 1, 3 * MSS); // our answer was lost: a slow start, and no sample from it
    expect(s, ACK, 1, 1, MSS);
    expect_nothing(s);
}

SCRIPT(syn_ack_is_repeated_and_given_up)
{
    peer_listens_for_us(s);
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    static const uint32_t when[] = {1000, 3000, 7000, 15000, 31000, 63000, 123000};
    at(s, 400000);
    for (uint32_t i = 0; i < EXO_COUNT(when); i++) {
        expect(s, SYN | ACK, 0, 1, 0);
        ck_assert_uint_eq(sent_ms(s), when[i]);
    }
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
}

SCRIPT(wrong_ack_of_a_syn_ack_is_reset)
{
    peer_listens_for_us(s);
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, ACK, 1, 2, 0);
    expect_rst(s, 2);
    send_segment(s, ACK, 1, 0, 0);
    expect_rst(s, 0);
    send_segment(s, ACK, 1, 1, 0); // the right one still counts
    expect_nothing(s);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
}

SCRIPT(rst_returns_a_half_open_one_to_listen)
{
    peer_listens_for_us(s);
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, RST, 1, 0, 0);
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
}

SCRIPT(nobody_listens)
{
    send_syn(s, 1460, 255); // group 1: RST+ACK, seq 0, ack = seq + len
    s->our_iss = 0;
    expect(s, RST | ACK, 0, 1, 0);
    send_segment(s, SYN, 0, 0, 10);
    expect(s, RST | ACK, 0, 11, 0);
    send_segment(s, ACK, 50, 77, 10);
    expect_rst(s, 77); // with an ACK: seq = its ack, no ACK flag
    send_segment(s, FIN, 50, 0, 3);
    expect(s, RST | ACK, 0, 54, 0);
    send_segment(s, RST, 50, 0, 0);
    send_segment(s, RST | ACK, 50, 1, 0);
    expect_nothing(s);
}

SCRIPT(listener_resets_what_is_no_syn)
{
    peer_listens_for_us(s);
    s->our_iss = 0;
    send_segment(s, ACK, 1, 9, 0);
    expect_rst(s, 9);
    send_segment(s, SYN | ACK, 1, 9, 0);
    expect_rst(s, 9);
    send_segment(s, RST, 1, 0, 0);
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
}

// RFC 9293 §3.10.7.2: neither RST nor ACK nor SYN: "drop the segment and return". A RST tells
// whoever scans the port.
SCRIPT(listener_is_silent_to_segments_without_meaning)
{
    peer_listens_for_us(s);
    static const uint8_t flags[] = {0, FIN, PSH | URG, FIN | PSH | URG, SYN | FIN};
    for (uint32_t i = 0; i < EXO_COUNT(flags); i++)
        send_segment(s, flags[i], 1, 0, 10);
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 0);
}

SCRIPT(bad_checksum_is_dropped)
{
    uint8_t bytes[20];
    peer_listens_for_us(s);
    const struct wire_tcp h = {
        .src_port = 4000, .dst_port = 80, .seq = s->peer_iss, .flags = SYN, .window = 1000};
    wire_tcp_emit(bytes, &h);
    const uint64_t before = net_stats(s->net).drop_tcp;
    send_bytes(s, bytes, 20);
    expect(s, SYN | ACK, 0, 1, 0);
    // The same again, one bit off behind the seal.
    struct pkt *pkt = pkt_alloc(net_pkts(s->net), PKT_FOR_RX);
    const struct wire_eth eth = {.dst = {{2, 0, 0, 0, 0, 1}}, .type = WIRE_ETH_IP4};
    const struct wire_ip4 ip = wire_ip4_of(s->tuple.peer, s->tuple.local, WIRE_IP4_TCP, 20);
    wire_eth_emit(pkt_put(pkt, 14), &eth);
    wire_ip4_emit(pkt_put(pkt, 20), &ip);
    bytes[5] ^= 1;
    memcpy(pkt_put(pkt, 20), bytes, 20);
    s->in[s->in_count++] = pkt;
    poll(s);
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).drop_tcp, before + 1);
}

SCRIPT(options_may_be_garbage)
{
    static const uint8_t options[][8] = {
        {2, 0, 5, 180, 0, 0, 0, 0},   {2, 1, 5, 180, 0, 0, 0, 0},
        {2, 200, 5, 180, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1, 1, 2},
        {254, 3, 9, 2, 4, 5, 180, 0}, {3, 3, 255, 2, 4, 0, 0, 0},
        {30, 255, 0, 0, 0, 0, 0, 0},  {255, 255, 255, 255, 255, 255, 255, 255},
    };
    peer_listens_for_us(s);
    for (uint32_t i = 0; i < EXO_COUNT(options); i++) {
        uint8_t bytes[28];
        const struct wire_tcp h = {.src_port = (uint16_t)(5000 + i),
                                   .dst_port = 80,
                                   .seq = s->peer_iss,
                                   .flags = SYN,
                                   .window = 1000};
        wire_tcp_emit(bytes, &h);
        bytes[12] = 7 << 4;
        memcpy(bytes + 20, options[i], 8);
        send_bytes(s, bytes, 28);
        expect(s, SYN | ACK, 0, 1, 0);
    }
}

static void check_mss(struct script *s, uint16_t offered, uint32_t used)
{
    establish_with(s, offered, 255, 65535);
    app_sends(s, 1, 3000);
    expect(s, ACK, 1, 1, used);
}

SCRIPT(no_mss_option_means_536)
{
    check_mss(s, 0, 536);
}
SCRIPT(mss_of_the_peer_is_kept)
{
    check_mss(s, 1000, 1000);
}
SCRIPT(mss_never_exceeds_our_link)
{
    check_mss(s, 9000, 1460);
}
SCRIPT(tiny_mss_meets_a_floor)
{
    check_mss(s, 1, 216);
}

SCRIPT(window_of_a_syn_is_not_scaled)
{
    establish_with(s, 1460, 4, 2000); // the ACK of the handshake: 2000 << 4
    app_sends(s, 1, 4 * 1460);
    for (uint32_t i = 0; i < 4; i++)
        expect(s, ACK, 1 + i * 1460, 1, 1460);
}

SCRIPT(large_windows_are_scaled_behind_the_syn)
{
    s->config.rx_window_bytes = 1u << 20;
    script_restart(s);
    peer_listens_for_us(s);
    send_syn(s, 1460, 0);
    expect(s, SYN | ACK, 0, 1, 0);
    ck_assert_uint_eq(s->last.wscale, 5);
    ck_assert_uint_eq(s->last.window, 65535);
    send_segment(s, ACK, 1, 1, 0);
    send_segment(s, ACK, 1, 1, 1000);
    at(s, 40);
    expect(s, ACK, 1, 1001, 0);
    ck_assert_uint_eq(s->last.window, ((1u << 20) - 1000) >> 5);
}

SCRIPT(large_windows_need_a_peer_that_scales)
{
    s->config.rx_window_bytes = 1u << 20;
    script_restart(s);
    peer_listens_for_us(s);
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, ACK, 1, 1, 0);
    send_segment(s, ACK, 1, 1, 1000);
    at(s, 40);
    expect(s, ACK, 1, 1001, 0);
    ck_assert_uint_eq(s->last.window, 65535);
}

// --- active open -----------------------------------------------------------------------

SCRIPT(connect_completes)
{
    connect_done(s);
    expect_nothing(s);
    ck_assert_ptr_eq(net_ready(s->net), s->sock);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_WRITABLE);
}

SCRIPT(syn_backs_off_and_times_out)
{
    connect_begin(s);
    static const uint32_t when[] = {1000, 3000, 7000, 15000, 31000, 63000, 123000};
    for (uint32_t i = 0; i < EXO_COUNT(when); i++) {
        at(s, when[i] - 1);
        expect_nothing(s);
        at(s, when[i]);
        expect(s, SYN, 0, 0, 0);
    }
    at(s, 200000);
    ck_assert_int_eq(socket_error(s->sock), -EXO_ETIMEDOUT);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_READABLE | SOCKET_ERROR);
}

SCRIPT(rst_refuses_a_connect)
{
    connect_begin(s);
    send_segment(s, RST, 0, 0, 0); // without an ACK anybody could have sent it
    send_segment(s, RST | ACK, 0, 2, 0);
    expect_nothing(s);
    ck_assert_int_eq(socket_error(s->sock), 0);
    send_segment(s, RST | ACK, 0, 1, 0);
    expect_nothing(s);
    ck_assert_int_eq(socket_error(s->sock), -EXO_ECONNREFUSED);
}

SCRIPT(wrong_ack_in_syn_sent_is_reset_and_the_open_goes_on)
{
    connect_begin(s);
    send_segment(s, ACK, 0, 2, 0);
    expect_rst(s, 2);
    send_segment(s, SYN | ACK, 0, 0, 0);
    expect_rst(s, 0);
    send_segment(s, SYN | ACK, 0, 1, 0);
    expect(s, ACK, 1, 1, 0);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_WRITABLE);
}

SCRIPT(data_on_a_syn_ack_is_not_acknowledged)
{
    connect_begin(s);
    send_segment(s, SYN | ACK, 0, 1, 20);
    expect(s, ACK, 1, 1, 0);
    send_segment(s, ACK, 1, 1, 20);
    at(s, 1000);
    expect(s, ACK, 1, 21, 0);
    app_reads(s, 1, 20);
}

SCRIPT(both_open_at_once)
{
    connect_begin(s);
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, SYN | ACK, 0, 1, 0);
    expect_nothing(s);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_WRITABLE);
    app_sends(s, 1, 10);
    expect(s, ACK | PSH, 1, 1, 10);
}

SCRIPT(a_lost_syn_starts_slowly)
{
    connect_begin(s);
    at(s, 1000);
    expect(s, SYN, 0, 0, 0);
    const struct wire_tcp h = {.seq = s->peer_iss,
                               .ack = s->our_iss + 1,
                               .window = 65535,
                               .flags = SYN | ACK,
                               .options = WIRE_TCP_MSS,
                               .mss = MSS};
    send_raw(s, &h, NULL, 0);
    expect(s, ACK, 1, 1, 0);
    app_sends(s, 1, 3 * MSS);
    expect(s, ACK, 1, 1, MSS); // one segment (RFC 5681 §3.1)
    expect_nothing(s);
    at(s, 3999);
    expect_nothing(s);
    at(s, 4000); // and 3 s before it is sent again (RFC 6298 rule 5.7)
    expect(s, ACK, 1, 1, MSS);
}

SCRIPT(connect_refuses_impossible_peers)
{
    struct socket *sock;
    const struct ip4 bad[] = {ip4_of(255, 255, 255, 255), ip4_of(224, 0, 0, 1),
                              ip4_of(10, 0, 0, 255), ip4_of(0, 0, 0, 0)};
    for (uint32_t i = 0; i < EXO_COUNT(bad); i++)
        ck_assert_int_eq(socket_connect(s->net, (struct endpoint){bad[i], 80}, s->now, &sock),
                         -EXO_EINVAL);
    ck_assert_int_eq(
        socket_connect(s->net, (struct endpoint){ip4_of(8, 8, 8, 8), 80}, s->now, &sock),
        -EXO_ENETUNREACH);
}

// --- too many --------------------------------------------------------------------------

static void flood(struct script *s, uint32_t syns)
{
    for (uint16_t i = 0; i < syns; i++) {
        s->tuple.peer_port = (uint16_t)(5000 + i);
        send_syn(s, 1000, 7);
        expect(s, SYN | ACK, 0, 1, 0);
    }
}

SCRIPT(syns_beyond_the_backlog_get_cookies)
{
    peer_listens_for_us(s); // backlog 8
    flood(s, 20);
    ck_assert_uint_eq(s->last.options, WIRE_TCP_MSS); // no scale: nobody would remember it
    ck_assert_uint_eq(net_stats(s->net).tcp_conns, 8);
    ck_assert_uint_eq(net_stats(s->net).tcp_cookies_sent, 12);
    send_segment(s, ACK, 1, 1, 100);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
    app_reads(s, 1, 100);
    app_sends(s, 1, 2500);
    expect(s, ACK, 1, 101, 536); // the table's next below 1000
}

SCRIPT(cookie_expires)
{
    peer_listens_for_us(s);
    flood(s, 9);
    const uint32_t cookie = s->our_iss;
    at(s, 100000);
    skip_all(s);
    s->tuple.peer_port = 7000; // the flood goes on
    send_syn(s, 1000, 7);
    expect(s, SYN | ACK, 0, 1, 0);
    at(s, 130000);
    skip_all(s);
    s->tuple.peer_port = 5008;
    s->our_iss = cookie;
    send_segment(s, ACK, 1, 1, 0);
    expect_rst(s, 1);
}

SCRIPT(forged_cookies_are_refused)
{
    peer_listens_for_us(s);
    flood(s, 9);
    send_segment(s, ACK, 1, 2, 0);
    expect_rst(s, 2);
    send_segment(s, ACK, 2, 1, 0); // another initial number of the peer's
    expect_rst(s, 1);
    s->tuple.peer_port++; // another port
    send_segment(s, ACK, 1, 1, 0);
    expect_rst(s, 1);
    s->tuple.peer_port--;
    send_segment(s, ACK, 1, 1, 0);
    expect_nothing(s);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
}

// The peer believes that it is connected, and the app is only slow: no reason for a RST.
SCRIPT(cookie_waits_for_a_place_in_the_accept_queue)
{
    peer_listens_for_us(s);
    flood(s, 9);
    const uint32_t cookie = s->our_iss;
    for (uint16_t i = 0; i < 8; i++) {
        s->tuple.peer_port = (uint16_t)(5000 + i);
        send_syn(s, 1000, 7);
        expect(s, SYN | ACK, 0, 1, 0);
        send_segment(s, ACK, 1, 1, 0);
    }
    s->tuple.peer_port = 5008;
    s->our_iss = cookie;
    send_segment(s, ACK, 1, 1, 0);
    expect_nothing(s);
    for (uint32_t i = 0; i < 8; i++) {
        ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
        socket_abort(s->sock);
    }
    poll(s);
    skip_all(s);
    send_segment(s, ACK, 1, 1, 100);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
    app_reads(s, 1, 100);
}

SCRIPT(no_cookie_counts_without_a_flood)
{
    peer_listens_for_us(s);
    struct wire_tcp cookie;
    const struct wire_tcp syn = {.seq = s->peer_iss};
    tcp_cookie_answer(&cookie, &s->net->tcp, &s->tuple, &syn, s->now);
    s->our_iss = cookie.seq;
    send_segment(s, ACK, 1, 1, 0);
    expect_rst(s, 1);
}

SCRIPT(full_accept_queue_drops_syns)
{
    peer_listens_for_us(s);
    for (uint16_t i = 0; i < 8; i++) {
        s->tuple.peer_port = (uint16_t)(5000 + i);
        send_syn(s, 1460, 255);
        expect(s, SYN | ACK, 0, 1, 0);
        send_segment(s, ACK, 1, 1, 0);
    }
    s->tuple.peer_port = 6000;
    send_syn(s, 1460, 255);
    expect_nothing(s);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
    send_syn(s, 1460, 255);
    expect(s, SYN | ACK, 0, 1, 0);
}

CHECK_MAIN("packet.open", syn_is_answered_with_our_options, syn_without_scale_gets_none_back,
           third_segment_makes_it_acceptable, third_segment_may_carry_data_and_fin,
           data_on_a_syn_is_not_acknowledged, repeated_syn_gets_the_same_answer,
           syn_ack_is_repeated_and_given_up, wrong_ack_of_a_syn_ack_is_reset,
           rst_returns_a_half_open_one_to_listen, nobody_listens, listener_resets_what_is_no_syn,
           bad_checksum_is_dropped, options_may_be_garbage, no_mss_option_means_536,
           mss_of_the_peer_is_kept, mss_never_exceeds_our_link, tiny_mss_meets_a_floor,
           window_of_a_syn_is_not_scaled, large_windows_are_scaled_behind_the_syn,
           large_windows_need_a_peer_that_scales, connect_completes, syn_backs_off_and_times_out,
           rst_refuses_a_connect, wrong_ack_in_syn_sent_is_reset_and_the_open_goes_on,
           listener_is_silent_to_segments_without_meaning, data_on_a_syn_ack_is_not_acknowledged,
           both_open_at_once, a_lost_syn_starts_slowly, connect_refuses_impossible_peers,
           syns_beyond_the_backlog_get_cookies, cookie_expires, forged_cookies_are_refused,
           cookie_waits_for_a_place_in_the_accept_queue, no_cookie_counts_without_a_flood,
           full_accept_queue_drops_syns)
