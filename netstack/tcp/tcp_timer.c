// SPDX-License-Identifier: MIT
// tcp_timer.c - what time does to a connection.
#include "netstack/tcp/tcp_internal.h"

static void give_up(struct tcp_conn *c)
{
    c->tcp->stats->tcp_timed_out++;
    tcp_kill(c, c->soft_error ? c->soft_error : -EXO_ETIMEDOUT);
}

// No ACK came in time: RFC 6298 rules 5.4 to 5.6, RFC 5681 §3.1, RFC 6582 §3.2 step 4.
static void retransmit(struct tcp_conn *c, exo_ns now)
{
    const bool opening = c->state == TCP_SYN_SENT || c->state == TCP_SYN_RCVD;
    if (now - c->progress_at >= (opening ? TCP_SYN_GIVE_UP_NS : TCP_GIVE_UP_NS)) {
        give_up(c);
        return;
    }
    // The link still holds the original: it is slow, and the network is not to blame.
    if (c->snd_first && pkt_is_shared(c->snd_first)) {
        c->rtx_at = now + tcp_rtt_rto_ns(&c->rtt);
        return;
    }
    c->tcp->stats->tcp_rto++;
    if (opening) {
        c->syn_was_lost = true;
    } else {
        tcp_cc_timeout(&c->cc, c->snd_nxt - c->snd_una, c->rtt.backoff == 0);
        c->recover = c->snd_max;
        c->recovering = false;
        c->resend_first = false;
        c->dupacks = 0;
        tcp_tail_end(c);
    }
    tcp_rtt_back_off(&c->rtt);
    tcp_queue_rewind(c);
    // What is sent next sets the timer again. If the window has shrunk and lets nothing out,
    // that is a probe (§3.8.6, MUST-34).
    c->rtx_at = EXO_NS_NEVER;
}

// The window is closed, or too small to be worth a segment (RFC 9293 §3.8.6.1, §3.8.6.2.1).
static void persist(struct tcp_conn *c, exo_ns now)
{
    if (now - c->progress_at >= TCP_GIVE_UP_NS) {
        give_up(c);
        return;
    }
    tcp_count_probe(c);
    c->rtx_at = now + tcp_rtt_doubled_ns(tcp_rtt_rto_ns(&c->rtt), c->probes);
    if (c->snd_wnd == 0)
        c->probe = true;
    else
        c->override = true;
}

void tcp_tick(struct tcp_conn *c, exo_ns now)
{
    if (c->delack_at <= now) {
        c->delack_at = EXO_NS_NEVER;
        tcp_owe_ack(c);
    }
    if (c->linger_at <= now)
        tcp_kill(c, 0);
    if (c->rtx_at <= now) {
        if (c->persist)
            persist(c, now);
        else if (c->tail.armed)
            tcp_tail_due(c, now);
        else
            retransmit(c, now);
    }
}

exo_ns tcp_deadline(const struct tcp_conn *c)
{
    const exo_ns ack_or_rtx = EXO_MIN(c->delack_at, c->rtx_at);
    return EXO_MIN(ack_or_rtx, c->linger_at);
}
