// SPDX-License-Identifier: MIT
// tcp_tail.c - tail loss probes: the last segments of a flight have nobody behind them whose
// duplicate ACKs would tell of their loss (RFC 8985 §7).
//
//     flight ──► silence for a PTO ──► one segment ──► an ACK of all of it: over
//                                                  ├─► a duplicate ACK: earlier ones are lost
//                                                  └─► silence for an RTO: back-off, slow start
//
// The probe leaves cwnd and RTO alone. A probe that repeats a segment may hide a loss from
// congestion control, so what became of it is found out afterwards (§7.4).
#include "netstack/tcp/tcp_internal.h"

// Not in recovery of either kind, once a flight, and only for what the peer's window takes.
static bool may_probe(const struct tcp_conn *c)
{
    return c->sack.on && c->state >= TCP_ESTABLISHED && !c->tail.out &&
           seq_le(c->recover, c->snd_una) && c->snd_max - c->snd_una <= c->snd_wnd;
}

// §7.2. Two full segments are acknowledged at once, less may wait for a delayed ACK.
void tcp_tail_arm(struct tcp_conn *c, exo_ns now)
{
    const bool delayed = c->snd_max - c->snd_una < 2u * c->snd_mss;
    const exo_ns pto_at = now + tcp_rtt_pto_ns(&c->rtt, delayed);
    c->tail.armed = may_probe(c);
    c->rtx_at = c->tail.armed ? EXO_MIN(pto_at, c->tail.rto_at) : c->tail.rto_at;
}

void tcp_arm_rtx(struct tcp_conn *c, exo_ns now)
{
    c->tail.rto_at = now + tcp_rtt_rto_ns(&c->rtt);
    tcp_tail_arm(c, now);
}

struct pkt *tcp_tail_last_sent(const struct tcp_conn *c)
{
    struct pkt *pkt = c->snd_first;
    while (pkt && pkt->next != c->snd_cur)
        pkt = pkt->next;
    return pkt;
}

void tcp_tail_due(struct tcp_conn *c, exo_ns now)
{
    const struct pkt *last = tcp_tail_last_sent(c);
    c->tail.armed = false;
    c->rtx_at = c->tail.rto_at;
    // What the link still holds has not even left, and cannot be lost. What the path takes only
    // in pieces is not one segment to repeat.
    if (!may_probe(c) || (last && (pkt_is_shared(last) || last->body_len > c->snd_mss)))
        return;
    c->tail.due = true;
    c->rtx_at = now + tcp_rtt_rto_ns(&c->rtt);
}

// §7.4.2, the second case: the probe itself has repaired a loss.
static void lost(struct tcp_conn *c)
{
    c->tail.doubtful = false;
    tcp_cc_tail_lost(&c->cc, c->snd_nxt - c->snd_una);
}

void tcp_tail_sent(struct tcp_conn *c, bool again)
{
    if (c->tail.doubtful)
        lost(c); // the one before was never explained
    c->tail.out = true;
    c->tail.doubtful = again;
    c->tail.end = c->snd_max;
    c->tcp->stats->tcp_tail_probes++;
}

void tcp_tail_acked(struct tcp_conn *c, const struct wire_tcp *seg)
{
    // The first case: it came twice, so nothing was lost.
    if (c->tail.doubtful && tcp_sack_is_dup(seg) && seg->sacks[0].right == c->tail.end)
        c->tail.doubtful = false;
    if (c->tail.doubtful && seq_lt(c->tail.end, seg->ack))
        lost(c);
    if (c->tail.out && seq_le(c->tail.end, seg->ack))
        c->tail.out = false;
}
