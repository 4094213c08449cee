// SPDX-License-Identifier: MIT
// tcp_out.c - what a connection sends next (RFC 9293 §3.7, §3.8).
#include "netstack/tcp/tcp_internal.h"

// --- headers -----------------------------------------------------------------------------

// The window field, and with it the promise. The right edge moves only by a worthwhile
// step (receiver SWS avoidance, §3.8.6.2.2) and never back (SHLD-14). A scaled field can
// only be rounded down; what was promised before is still honoured (RFC 7323 §2.4).
static uint16_t announce_window(struct tcp_conn *c, bool syn)
{
    const uint8_t shift = syn ? 0 : c->rcv_shift;
    const uint32_t edge = tcp_rcv_edge(c);
    const uint32_t step = EXO_MIN(c->tcp->rx_window_bytes / 2, (uint32_t)c->tcp->mss);
    const bool worthwhile = seq_le(c->rcv_adv + step, edge);
    const uint32_t window = (worthwhile ? edge : c->rcv_adv) - c->rcv_nxt;
    const uint32_t field = EXO_MIN(window >> shift, (uint32_t)UINT16_MAX);
    const uint32_t promised = c->rcv_nxt + (field << shift);
    if (seq_lt(c->rcv_adv, promised))
        c->rcv_adv = promised;
    return (uint16_t)field;
}

// Puts the header in front of the payload, with as many SACK blocks as the segment has room
// for (RFC 6691: options count into the MSS). False: there are more to tell.
static bool put_header(struct tcp_conn *c, struct pkt *pkt, struct wire_tcp *h)
{
    bool told = true;
    h->src_port = c->tuple.local_port;
    h->dst_port = c->tuple.peer_port;
    h->window = announce_window(c, h->flags & WIRE_TCP_SYN);
    if (h->flags & WIRE_TCP_ACK) {
        h->ack = c->rcv_nxt;
        c->rcv_acked = c->rcv_nxt;
        c->delack_at = EXO_NS_NEVER;
        if (!(h->flags & WIRE_TCP_SYN))
            told = tcp_sack_tell(&c->sack, h, c->rcv_nxt, c->snd_mss - pkt->len);
    }
    wire_tcp_emit(pkt_push(pkt, (uint32_t)wire_tcp_length(h)), h);
    wire_tcp_seal(pkt->data, (uint16_t)pkt->len, c->tuple.local, c->tuple.peer);
    return told;
}

// Something that takes sequence numbers up to `end` leaves: RFC 6298 rule 5.1.
static void sent(struct tcp_conn *c, uint32_t seq, uint32_t end, exo_ns now)
{
    if (c->snd_una == c->snd_max)
        c->progress_at = now;
    if (seq_lt(seq, c->snd_max))
        c->tcp->stats->tcp_retransmits++;
    if (seq_lt(c->snd_max, end))
        c->snd_max = end;
    if (c->rtx_at == EXO_NS_NEVER || c->persist)
        tcp_arm_rtx(c, now);
    else if (c->tail.armed)
        tcp_tail_arm(c, now);
    tcp_end_persist(c);
    c->sent_at = now;
}

// --- SYN and pure ACK ----------------------------------------------------------------------

static struct pkt *output_syn(struct tcp_conn *c, exo_ns now)
{
    if (c->snd_nxt != c->iss)
        return NULL;
    struct pkt *pkt = pkt_alloc(c->tcp->pool, PKT_FOR_STACK);
    if (!pkt)
        return NULL;
    // A SYN-ACK offers only what the peer offered (RFC 7323 §2.2; RFC 2018 §2).
    const bool passive = c->state == TCP_SYN_RCVD;
    const bool scale = !passive || c->scaled;
    const bool sack = !passive || c->sack.on;
    struct wire_tcp h = {
        .seq = c->iss,
        .flags = (uint8_t)(WIRE_TCP_SYN | (passive ? WIRE_TCP_ACK : 0)),
        .options = (uint8_t)(WIRE_TCP_MSS | (scale ? WIRE_TCP_WSCALE : 0) |
                             (sack ? WIRE_TCP_SACK_PERMITTED : 0)),
        .mss = c->tcp->mss,
        .wscale = c->rcv_shift,
    };
    put_header(c, pkt, &h);
    sent(c, c->iss, c->iss + 1, now);
    c->snd_nxt = c->iss + 1;
    c->acks_owed = 0;
    return pkt;
}

static struct pkt *output_ack(struct tcp_conn *c)
{
    if (c->acks_owed == 0)
        return NULL;
    struct pkt *pkt = pkt_alloc(c->tcp->pool, PKT_FOR_STACK);
    if (!pkt)
        return NULL;
    c->acks_owed--;
    struct wire_tcp h = {.seq = tcp_bare_seq(c), .flags = WIRE_TCP_ACK};
    put_header(c, pkt, &h);
    return pkt;
}

// --- data and FIN ----------------------------------------------------------------------------

// A segment with the bytes of `pkt` (null: none), a FIN behind them if `fin`. PSH on what
// empties the queue (§3.9.1.2, MUST-60/61).
static struct pkt *output_segment(struct tcp_conn *c, struct pkt *pkt, uint32_t seq, bool fin,
                                  exo_ns now)
{
    struct pkt *frame = pkt;
    uint32_t len = 0;
    if (pkt) {
        if (seq_lt(seq, c->snd_max))
            pkt->flags |= TCP_PKT_RESENT;
        else
            pkt->stamp = now;
        len = pkt->body_len;
        pkt->data = pkt->buf + pkt->body_at;
        pkt->len = len;
        pkt_ref(pkt);
    } else if (!(frame = pkt_alloc(c->tcp->pool, PKT_FOR_STACK))) {
        return NULL;
    }
    struct wire_tcp h = {
        .seq = seq,
        .flags = (uint8_t)(WIRE_TCP_ACK | (fin ? WIRE_TCP_FIN : 0) |
                           (len && seq + len == c->snd_end ? WIRE_TCP_PSH : 0)),
    };
    const bool told = put_header(c, frame, &h);
    sent(c, seq, seq + len + (fin ? 1 : 0), now);
    if (c->acks_owed == 1 && told) // news travels along; duplicates must come alone to count
        c->acks_owed = 0;
    return frame;
}

// A packet filled before the path was known is cut to what it takes. False: no buffer.
static bool fit_path(struct tcp_conn *c, struct pkt *pkt)
{
    return pkt->body_len <= c->snd_mss || tcp_queue_split(c, pkt, c->snd_mss);
}

// Fast retransmit: the oldest segment, whatever the windows say (RFC 5681 §3.2 step 3).
// If the link still holds it, it has not even left, and sending it twice helps nobody.
static struct pkt *output_again(struct tcp_conn *c, exo_ns now)
{
    if (!c->resend_first)
        return NULL;
    struct pkt *first = c->snd_first;
    struct pkt *frame = NULL;
    if (first && !fit_path(c, first))
        return NULL;
    const bool is_last = !first || (first == c->snd_last);
    const bool fin = is_last && c->fin_queued && c->snd_max == c->snd_end + 1;
    if (first && !pkt_is_shared(first))
        frame = output_segment(c, first, first->seq, fin, now);
    else if (!first && fin)
        frame = output_segment(c, NULL, c->snd_end, true, now);
    if (frame || first || !fin) // without a buffer for a lone FIN the debt stays
        c->resend_first = false;
    return frame;
}

static uint32_t peer_room(const struct tcp_conn *c)
{
    const uint32_t used = c->snd_nxt - c->snd_una;
    return c->snd_wnd > used ? c->snd_wnd - used : 0;
}

// The first two duplicate ACKs each let one new segment out (RFC 3042).
static uint32_t network_room(const struct tcp_conn *c)
{
    const uint32_t extra = c->dupacks >= TCP_DUPACKS ? 0 : c->dupacks * c->snd_mss;
    const uint32_t used = c->snd_nxt - c->snd_una;
    return c->cc.cwnd + extra > used ? c->cc.cwnd + extra - used : 0;
}

// §3.7.4: a small segment waits while anything is unacknowledged, unless nothing can ever
// join it any more.
static bool nagle_holds(const struct tcp_conn *c, const struct pkt *pkt)
{
    return c->nagle && !c->fin_queued && !c->override && pkt == c->snd_last &&
           pkt->body_len < c->snd_mss && c->snd_una != c->snd_nxt && seq_le(c->snd_max, pkt->seq);
}

// Sender SWS avoidance (§3.8.6.2.1) for a segment that the peer's window would cut:
// only half of the largest window ever seen is worth it, or a long enough wait.
static bool may_cut(const struct tcp_conn *c, uint32_t room)
{
    const bool idle = c->snd_una == c->snd_nxt;
    return room != 0 && (c->override || ((idle || !c->nagle) && room >= c->snd_wnd_max / 2));
}

// Packets of an earlier flight that the link has not let go of are on their way still:
// they count as sent again.
static void skip_unsent_frames(struct tcp_conn *c, exo_ns now)
{
    while (c->snd_cur && seq_lt(c->snd_cur->seq, c->snd_max) && pkt_is_shared(c->snd_cur)) {
        c->snd_nxt = c->snd_cur->seq + c->snd_cur->body_len;
        c->snd_cur = c->snd_cur->next;
        if (!c->snd_cur && c->snd_max == c->snd_end + 1)
            c->snd_nxt = c->snd_max; // its FIN with it
        if (c->rtx_at == EXO_NS_NEVER || c->persist)
            tcp_arm_rtx(c, now);
        tcp_end_persist(c);
    }
}

static struct pkt *output_fin(struct tcp_conn *c, exo_ns now)
{
    if (!c->fin_queued || c->snd_nxt != c->snd_end)
        return NULL;
    // Like any octet it needs the window; with nothing else out it may be the probe.
    if (peer_room(c) == 0)
        return NULL;
    struct pkt *frame = output_segment(c, NULL, c->snd_end, true, now);
    if (frame)
        c->snd_nxt = c->snd_end + 1;
    return frame;
}

static struct pkt *output_data(struct tcp_conn *c, exo_ns now)
{
    skip_unsent_frames(c, now);
    struct pkt *pkt = c->snd_cur;
    if (!pkt)
        return output_fin(c, now);
    if (!fit_path(c, pkt))
        return NULL;
    // A window that stood unused for a while says nothing about the path now.
    if (c->snd_una == c->snd_max && now - c->sent_at > tcp_rtt_rto_ns(&c->rtt))
        tcp_cc_idle(&c->cc);
    const uint32_t room = peer_room(c);
    // A tail loss probe may go beyond cwnd by its one segment (RFC 8985 §7.3).
    if (!c->tail.due && (pkt->body_len > network_room(c) || nagle_holds(c, pkt)))
        return NULL;
    if (pkt->body_len > room && (!may_cut(c, room) || !tcp_queue_split(c, pkt, room)))
        return NULL;
    const uint32_t len = pkt->body_len;
    const bool fin = c->fin_queued && pkt == c->snd_last && len < room;
    struct pkt *frame = output_segment(c, pkt, pkt->seq, fin, now);
    c->snd_nxt = pkt->seq + len + (fin ? 1 : 0);
    c->snd_cur = pkt->next;
    return frame;
}

// --- tail loss probes (RFC 8985 §7.3) -----------------------------------------------------------

// Data that is new if there is any, else the last segment again. Without a buffer there is no
// probe: the timer of retransmission runs already.
static struct pkt *output_tail_probe(struct tcp_conn *c, exo_ns now)
{
    if (!c->tail.due)
        return NULL;
    const uint32_t max = c->snd_max;
    struct pkt *frame = output_data(c, now);
    if (!frame) {
        struct pkt *last = tcp_tail_last_sent(c);
        const bool fin = c->fin_queued && max == c->snd_end + 1;
        exo_assert(last ? !pkt_is_shared(last) : fin); // tcp_tail_due saw to it
        frame = output_segment(c, last, last ? last->seq : c->snd_end, fin, now);
    }
    c->tail.due = false;
    if (frame)
        tcp_tail_sent(c, c->snd_max == max);
    return frame;
}

// --- window probes (§3.8.6.1) ------------------------------------------------------------------

// One octet beyond the window, data or FIN, in a packet of its own: it may be refused,
// and then it is still the first octet to send.
static struct pkt *output_probe(struct tcp_conn *c)
{
    if (!c->probe)
        return NULL;
    struct pkt *pkt = pkt_alloc(c->tcp->pool, PKT_FOR_STACK);
    if (!pkt)
        return NULL;
    c->probe = false;
    const struct pkt *next = c->snd_cur;
    if (next) {
        *pkt_put(pkt, 1) = next->buf[next->body_at];
        c->snd_cur->flags |= TCP_PKT_RESENT;
    }
    struct wire_tcp h = {
        .seq = c->snd_nxt,
        .flags = (uint8_t)(WIRE_TCP_ACK | (next ? 0 : WIRE_TCP_FIN)),
    };
    put_header(c, pkt, &h);
    if (seq_lt(c->snd_max, c->snd_nxt + 1))
        c->snd_max = c->snd_nxt + 1;
    c->acks_owed = 0;
    return pkt;
}

// Nothing is out and something waits: then no ACK will come by itself to start it off.
// The timer of retransmission serves as the timer of persistence.
static void arm_persist(struct tcp_conn *c, exo_ns now)
{
    if (c->rtx_at != EXO_NS_NEVER || c->snd_una != c->snd_nxt || !tcp_has_unsent(c))
        return;
    c->persist = true;
    c->progress_at = now;
    c->rtx_at = now + tcp_rtt_rto_ns(&c->rtt);
}

// --- all of it -----------------------------------------------------------------------------------

static struct pkt *output_any(struct tcp_conn *c, exo_ns now)
{
    struct pkt *frame = output_again(c, now);
    if (!frame)
        frame = output_tail_probe(c, now);
    if (!frame)
        frame = output_data(c, now);
    if (!frame)
        frame = output_probe(c);
    if (!frame)
        frame = output_ack(c);
    return frame;
}

struct pkt *tcp_output(struct tcp_conn *c, exo_ns now)
{
    switch (c->state) {
    case TCP_CLOSED:
    case TCP_TIME_WAIT: // the stack answers for it
        return NULL;
    case TCP_SYN_SENT:
        return output_syn(c, now);
    case TCP_SYN_RCVD: {
        struct pkt *syn = output_syn(c, now);
        return syn || c->snd_nxt == c->iss ? syn : output_ack(c);
    }
    default:
        break;
    }
    struct pkt *frame = output_any(c, now);
    if (!frame)
        arm_persist(c, now);
    return frame;
}

bool tcp_wants_output(const struct tcp_conn *c)
{
    const bool opens = c->state == TCP_SYN_SENT || c->state == TCP_SYN_RCVD;
    return (opens & (c->snd_nxt == c->iss)) | (c->acks_owed != 0) | c->resend_first | c->probe |
           c->tail.due;
}
