// SPDX-License-Identifier: MIT
// test_persist.c - windows that shut, shrink and open again: RFC 9293 §3.8.6, §3.8.6.1.
#include "test/packet/script.h"

#include "exo/bits.h"
#include "exo/err.h"

// Everything is out and acknowledged, the window is shut, and `len` bytes from `k` on wait.
static void shut_window(struct script *s, uint32_t k, uint32_t len)
{
    s->peer_window = 0;
    send_segment(s, ACK, 1, k, 0);
    app_sends(s, k, len);
    expect_nothing(s);
}

// MUST-34, MUST-35: what was sent is beyond the edge now; only a probe may find out more.
SCRIPT(window_that_shrinks_to_zero_is_probed)
{
    establish_with(s, MSS, 255, 4 * MSS);
    app_sends(s, 1, 2 * MSS);
    skip_all(s);
    s->peer_window = 0;
    send_segment(s, ACK, 1, 1, 0); // nothing of it was kept
    at(s, 1000);
    expect(s, ACK, 1, 1, 1);
    for (uint32_t ms = 2000; ms <= 200000; ms += 1000) { // MUST-37: as long as it is answered
        send_segment(s, ACK, 1, 1, 0);
        at(s, ms);
        skip_all(s);
    }
    ck_assert_int_eq(socket_error(s->sock), 0);
    s->peer_window = 4 * MSS;
    send_segment(s, ACK, 1, 1, 0);
    expect(s, ACK, 1, 1, MSS);
}

// The same with a window that has room, but for less than the oldest segment.
SCRIPT(window_that_shrinks_below_a_segment_is_used)
{
    establish_with(s, MSS, 255, 4 * MSS);
    app_sends(s, 1, 2 * MSS);
    skip_all(s);
    s->peer_window = 100;
    send_segment(s, ACK, 1, 1, 0);
    at(s, 999); // the timeout, and the wait for a better window
    expect(s, ACK, 1, 1, 100);
    expect_nothing(s);
    send_segment(s, ACK, 1, 101, 0);
    at(s, 1999);
    expect(s, ACK, 101, 1, 100);
}

// The byte of a probe was refused. A peer with its window shut takes ACKs at RCV.NXT only,
// so an ACK behind that byte would never arrive, and both would wait for ever.
SCRIPT(acks_between_probes_stand_before_the_probed_byte)
{
    establish(s);
    shut_window(s, 1, 100);
    at(s, 200);
    expect(s, ACK, 1, 1, 1);
    send_segment(s, ACK, 1, 1, 0);
    send_segment(s, ACK, 1, 1, 50);
    at(s, 240);
    expect(s, ACK, 1, 51, 0);
    app_reads(s, 1, 50);
}

// A RST behind the byte that was refused would lie beyond the window, and who checks RSTs as
// RFC 5961 §3.2 says would keep the connection.
SCRIPT(reset_behind_a_shut_window_stands_before_the_probed_byte)
{
    establish(s);
    shut_window(s, 1, 100);
    at(s, 200);
    expect(s, ACK, 1, 1, 1);
    send_segment(s, ACK, 1, 1, 0);
    socket_abort(s->sock);
    s->sock = NULL;
    poll(s);
    expect(s, RST | ACK, 1, 1, 0);
}

// What the window has left behind as it shrank is refused, and so is an ACK behind it.
SCRIPT(ack_does_not_stand_beyond_a_window_that_shrank)
{
    establish_with(s, MSS, 255, 4 * MSS);
    app_sends(s, 1, 4 * MSS);
    skip_all(s);
    s->peer_window = MSS;
    send_segment(s, ACK, 1, 1, 0);
    send_segment(s, ACK, 1, 1, MSS);
    send_segment(s, ACK, 1 + MSS, 1, MSS);
    expect(s, ACK, 1 + MSS, 1 + 2 * MSS, 0);
    app_reads(s, 1, 2 * MSS);
}

// RFC 7323 §2.4: a scaled field is rounded down, and the edge moves back by less than one unit.
// The peer honours what it promised before and may have taken all of it: an ACK or a RST at the
// rounded edge would stand before its RCV.NXT, and be old.
SCRIPT(edge_that_rounding_moves_back_is_no_window_that_shrank)
{
    establish_with(s, MSS, 4, 4 * MSS / 16);
    app_sends(s, 1, 4 * MSS);
    skip_all(s);
    s->peer_window = 3 * MSS / 16;
    send_segment(s, ACK, 1, 1 + MSS, 0);
    send_segment(s, ACK, 1, 1 + MSS, MSS);
    send_segment(s, ACK, 1 + MSS, 1 + MSS, MSS);
    expect(s, ACK, 1 + 4 * MSS, 1 + 2 * MSS, 0);
    socket_abort(s->sock);
    s->sock = NULL;
    poll(s);
    expect(s, RST | ACK, 1 + 4 * MSS, 1 + 2 * MSS, 0);
}

// The other side of it: the peer has sent all that our window takes, the first segment of it
// was lost, and its ACKs stand at the edge. Table 6 would have none of them before the gap is
// filled, but they say what they say.
SCRIPT(ack_at_the_edge_of_the_window_counts)
{
    const uint32_t window = s->config.rx_window_bytes;
    establish(s);
    app_sends(s, 1, 100);
    expect(s, ACK, 1, 1, 100);
    for (uint32_t k = 1 + MSS; k < 1 + window; k += MSS)
        send_segment(s, ACK, k, 1, EXO_MIN(MSS, 1 + window - k));
    skip_all(s);
    send_segment(s, ACK, 1 + window, 101, 0);
    expect_nothing(s);
    send_segment(s, ACK, 2 + window, 101, 0); // this one is out of place
    expect(s, ACK, 101, 1, 0);
    at(s, 5000);
    expect_nothing(s); // the data is acknowledged, and not sent again
}

SCRIPT(answers_to_probes_are_no_duplicate_acks)
{
    establish(s);
    shut_window(s, 1, 4 * MSS);
    at(s, 200);
    skip_all(s);
    for (uint32_t i = 0; i < 5; i++)
        send_segment(s, ACK, 1, 1, 0);
    s->peer_window = 4 * MSS;
    send_segment(s, ACK, 1, 1, 0);
    ck_assert_uint_eq(skip_all(s), 4);
    send_segment(s, ACK, 1, 1, 0); // the first duplicate is no loss yet
    expect_nothing(s);
    ck_assert_uint_eq(net_stats(s->net).tcp_fast_retransmits, 0);
}

// A probe is due, there is no buffer for it, and meanwhile the peer takes all there is.
SCRIPT(probe_that_has_become_needless_is_not_sent)
{
    struct pkt *all[256];
    uint32_t n = 0;
    establish(s);
    shut_window(s, 1, 1);
    at(s, 200);
    expect(s, ACK, 1, 1, 1);
    while ((all[n] = pkt_alloc(net_pkts(s->net), PKT_FOR_STACK)))
        n++;
    at(s, 650);
    expect_nothing(s);
    while (n)
        pkt_free(all[--n]);
    send_segment(s, ACK, 1, 2, 0);
    at(s, 5000);
    expect_nothing(s); // above all no FIN that nobody asked for
    ck_assert_int_eq(socket_error(s->sock), 0);
}

CHECK_MAIN("packet.persist", window_that_shrinks_to_zero_is_probed,
           window_that_shrinks_below_a_segment_is_used,
           acks_between_probes_stand_before_the_probed_byte,
           reset_behind_a_shut_window_stands_before_the_probed_byte,
           ack_does_not_stand_beyond_a_window_that_shrank,
           edge_that_rounding_moves_back_is_no_window_that_shrank,
           ack_at_the_edge_of_the_window_counts, answers_to_probes_are_no_duplicate_acks,
           probe_that_has_become_needless_is_not_sent)
