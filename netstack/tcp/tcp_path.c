// SPDX-License-Identifier: MIT
// tcp_path.c - what the way to the peer says about itself: ICMP errors, silent neighbours, and
// links that take less than ours (RFC 5927, RFC 5461, RFC 1191).
//
// Anybody can send an ICMP error. One is believed only if it quotes a number that is in flight,
// and then it can make a connection slower at worst.
#include "netstack/tcp/tcp_internal.h"

#define IP_TCP_BYTES 40u  // headers of a segment without options
#define MTU_FLOOR    576u // every host takes that much (RFC 791 §3.2)

static bool is_in_flight(const struct tcp_conn *c, uint32_t seq)
{
    return c->state != TCP_CLOSED && seq_in(seq, c->snd_una, c->snd_max - c->snd_una);
}

void tcp_unreachable(struct tcp_conn *c, uint32_t seq, bool hard)
{
    if (!is_in_flight(c, seq))
        return;
    if (hard && c->state == TCP_SYN_SENT) {
        tcp_kill(c, -EXO_ECONNREFUSED);
        c->tcp->stats->tcp_refused++;
        return;
    }
    c->soft_error = -EXO_EHOSTUNREACH;
}

void tcp_neighbour_silent(struct tcp_conn *c)
{
    if (!is_in_flight(c, c->snd_una))
        return;
    if (c->state == TCP_SYN_SENT) {
        tcp_kill(c, -EXO_EHOSTUNREACH);
        c->tcp->stats->tcp_timed_out++;
        return;
    }
    c->soft_error = -EXO_EHOSTUNREACH;
}

// --- path MTU --------------------------------------------------------------------------

// RFC 1191 §7, table 7-1: the largest MTU in use that is smaller than a datagram that was too big.
static uint32_t plateau_below(uint32_t len_bytes)
{
    return len_bytes > 1492 ? 1492 : len_bytes > 1006 ? 1006 : MTU_FLOOR;
}

// All that is out goes out again, in segments that fit: tcp_output cuts them as it comes to
// them. Nobody knows which of them were small enough to arrive; ACKs of those that did will
// look like duplicates and mean nothing (RFC 6582 §3.2 step 2).
static void send_again(struct tcp_conn *c)
{
    if (c->recovering)
        tcp_cc_recovery_end(&c->cc, c->snd_nxt - c->snd_una);
    c->recovering = false;
    c->recover = c->snd_max;
    c->resend_first = false;
    c->dupacks = 0;
    tcp_tail_end(c);
    tcp_queue_rewind(c);
    c->rtx_at = EXO_NS_NEVER; // what is sent next sets it again
}

void tcp_too_big(struct tcp_conn *c, uint32_t seq, uint32_t len_bytes, uint32_t mtu_bytes)
{
    // A handshake is never too big, and has no data to cut.
    if (c->state < TCP_ESTABLISHED || !is_in_flight(c, seq))
        return;
    // RFC 5927 §7: who sends less than the link takes is not told that it was too much.
    const uint32_t mtu = mtu_bytes ? mtu_bytes : plateau_below(len_bytes);
    const uint32_t mss = EXO_MAX(mtu, MTU_FLOOR) - IP_TCP_BYTES;
    if (mtu >= len_bytes || mss >= c->snd_mss)
        return;
    c->snd_mss = (uint16_t)mss;
    tcp_cc_resize(&c->cc, mss);
    c->tcp->stats->tcp_path_mtu++;
    send_again(c);
}
