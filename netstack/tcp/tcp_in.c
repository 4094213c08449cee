// SPDX-License-Identifier: MIT
// tcp_in.c - a segment arrives: RFC 9293 §3.10.7, in its order.
//
// Each step looks at what the one before has left of the segment: a step that ends the
// matter returns a verdict, one that goes on returns GO_ON.
#include "netstack/tcp/tcp_internal.h"

#define GO_ON ((enum tcp_verdict) - 1)

struct arrival { // one segment on its way through the steps
    const struct wire_tcp *seg;
    struct pkt *data; // payload; null when there is none left
    uint32_t seq;     // of the first number still in it
    uint32_t len;     // payload bytes left in it
    bool fin;         // a FIN follows them
    bool had_payload; // as it came
    exo_ns now;
};

static bool has(const struct arrival *a, uint8_t flag)
{
    return a->seg->flags & flag;
}

static uint32_t end_of(const struct arrival *a)
{
    return a->seq + a->len;
}

static void drop_data(struct arrival *a)
{
    pkt_free(a->data);
    a->data = NULL;
    a->len = 0;
}

// An ACK that tells the peer where we stand. Limited per connection: two ends that each
// find the other's ACK out of place must not answer one another for ever, and a forger
// must not learn from a shared limit (RFC 5961 §7, CVE-2016-5696).
static void challenge(struct tcp_conn *c, exo_ns now)
{
    if (!bucket_take(&c->challenge, now, TCP_CHALLENGE_NS, TCP_CHALLENGE_BURST))
        return;
    tcp_owe_ack(c);
    c->tcp->stats->tcp_challenge_acks++;
}

// --- SYN-SENT (RFC 9293 §3.10.7.3) ---------------------------------------------------

static enum tcp_verdict syn_sent(struct tcp_conn *c, struct arrival *a)
{
    const struct wire_tcp *seg = a->seg;
    // "First, check the ACK bit": nothing but our SYN can be acknowledged yet.
    const bool acks = has(a, WIRE_TCP_ACK);
    if (acks && (c->snd_max == c->iss || seg->ack != c->snd_max))
        return has(a, WIRE_TCP_RST) ? TCP_UNACCEPTABLE : TCP_RESET_REPLY;

    // "Second, check the RST bit": only one that answers our SYN counts (RFC 5961 §3.2).
    if (has(a, WIRE_TCP_RST)) {
        if (!acks)
            return TCP_UNACCEPTABLE;
        c->tcp->stats->tcp_refused++;
        tcp_kill(c, -EXO_ECONNREFUSED);
        return TCP_TAKEN;
    }

    // "Fourth, check the SYN bit". Data and FIN that came along are not taken and so not
    // acknowledged: the peer sends them again.
    if (!has(a, WIRE_TCP_SYN))
        return TCP_UNACCEPTABLE;
    tcp_learn_peer(c, seg);
    if (acks) {
        c->snd_una = seg->ack;
        c->snd_nxt = seg->ack; // a SYN that was to be repeated need not be
        tcp_establish(c, a->now);
        tcp_owe_ack(c);
        return TCP_TAKEN;
    }
    // Simultaneous open (§3.5, MUST-10): our SYN goes out again, now with an ACK.
    c->state = TCP_SYN_RCVD;
    c->snd_nxt = c->iss;
    return TCP_TAKEN;
}

// --- first: sequence number (§3.10.7.4) ------------------------------------------------

// Table 6, but what takes no number may stand at the edge of any window, not only of one that is
// shut: there stand the ACKs of a peer that has filled the window and lost something of it.
static bool is_acceptable(const struct tcp_conn *c, const struct arrival *a)
{
    const uint32_t window = tcp_rcv_window(c);
    const uint32_t len = a->len + (a->fin ? 1 : 0);
    if (len == 0)
        return a->seq - c->rcv_nxt <= window;
    return window != 0 &&
           (seq_in(a->seq, c->rcv_nxt, window) || seq_in(a->seq + len - 1, c->rcv_nxt, window));
}

// What arrived already, and what lies beyond the window or a FIN, is cut off.
static void trim(struct tcp_conn *c, struct arrival *a)
{
    if (seq_lt(a->seq, c->rcv_nxt)) {
        const uint32_t old = EXO_MIN(c->rcv_nxt - a->seq, a->len);
        tcp_sack_note_dup(&c->sack, a->seq, a->seq + old);
        if (a->data)
            pkt_pull(a->data, old);
        a->seq += old;
        a->len -= old;
        if (seq_lt(a->seq, c->rcv_nxt)) { // the FIN was old, too
            a->seq = c->rcv_nxt;
            a->fin = false;
        }
    }
    const uint32_t limit = c->peer_fin ? c->peer_fin_seq : c->rcv_adv;
    if (seq_lt(limit, end_of(a) + (a->fin && !c->peer_fin ? 1 : 0)))
        a->fin = false;
    if (seq_lt(limit, end_of(a))) {
        a->len = seq_lt(limit, a->seq) ? 0 : limit - a->seq;
        if (a->data)
            pkt_trim(a->data, a->len);
    }
    if (a->len == 0)
        drop_data(a);
}

static enum tcp_verdict check_sequence(struct tcp_conn *c, struct arrival *a)
{
    if (is_acceptable(c, a)) {
        trim(c, a);
        return GO_ON;
    }
    // "If an incoming segment is not acceptable, an acknowledgment should be sent in
    // reply." One with payload always gets it: it is a retransmission whose ACK was lost,
    // or a window probe.
    if (a->len && seq_le(end_of(a), c->rcv_nxt))
        tcp_sack_note_dup(&c->sack, a->seq, end_of(a));
    if (a->len || a->fin)
        tcp_owe_ack(c);
    else
        challenge(c, a->now);
    // "If the RCV.WND is zero … special allowance should be made to accept valid ACKs."
    if (tcp_rcv_window(c) != 0 || a->seq != c->rcv_nxt)
        return TCP_UNACCEPTABLE;
    drop_data(a);
    a->fin = false;
    return GO_ON;
}

// --- second: RST -----------------------------------------------------------------------

// An open connection is reset; one in SYN-RECEIVED is refused, which is for its listener
// to forget (MUST-11: the stack remembers where it came from) or for its app to hear.
// RFC 5961 §3.2: a forger who only guesses the window gets a question, not a reset.
static enum tcp_verdict check_rst(struct tcp_conn *c, const struct arrival *a)
{
    if (!has(a, WIRE_TCP_RST))
        return GO_ON;
    if (a->seg->seq != c->rcv_nxt) {
        if (seq_in(a->seg->seq, c->rcv_nxt, tcp_rcv_window(c)))
            challenge(c, a->now);
        return TCP_UNACCEPTABLE;
    }
    c->tcp->stats->tcp_reset++;
    tcp_kill(c, c->state == TCP_SYN_RCVD ? -EXO_ECONNREFUSED : -EXO_ECONNRESET);
    return TCP_TAKEN;
}

// --- fourth: SYN -----------------------------------------------------------------------

static enum tcp_verdict check_syn(struct tcp_conn *c, struct arrival *a)
{
    if (!has(a, WIRE_TCP_SYN))
        return GO_ON;
    if (c->state == TCP_SYN_RCVD && a->seg->seq == c->irs) {
        // Simultaneous open: the other SYN-ACK. Behind its SYN it is an ordinary ACK.
        if (has(a, WIRE_TCP_ACK)) {
            drop_data(a);
            a->seq = c->rcv_nxt;
            a->fin = false;
            return GO_ON;
        }
        // The peer's SYN again: our answer was lost. Waiting for the timer helps nobody.
        c->snd_nxt = c->iss;
        c->syn_was_lost = true;
        return TCP_TAKEN;
    }
    // RFC 5961 §4.2: "irrespective of the sequence number … send an ACK". A peer that has
    // really restarted answers it with a RST that fits.
    challenge(c, a->now);
    return TCP_UNACCEPTABLE;
}

// --- fifth: ACK ------------------------------------------------------------------------

static void update_window(struct tcp_conn *c, const struct arrival *a)
{
    const struct wire_tcp *seg = a->seg;
    // Only a newer segment may, so that an old one does not bring an old window back.
    const bool newer =
        seq_lt(c->snd_wl1, a->seq) || (c->snd_wl1 == a->seq && seq_le(c->snd_wl2, seg->ack));
    if (!newer)
        return;
    const uint32_t window = seg->window << c->snd_shift;
    c->snd_wl1 = a->seq;
    c->snd_wl2 = seg->ack;
    if (c->persist && window > c->snd_wnd) { // it opens: sending may begin at once
        tcp_end_persist(c);
        tcp_count_probe(c); // until something is taken, it may be a game
        c->rtx_at = EXO_NS_NEVER;
    }
    c->snd_wnd = window;
    c->snd_wnd_max = EXO_MAX(c->snd_wnd_max, window);
}

// RFC 5681 §2, the definition: (a) data is out, (b) no payload, (c) no SYN or FIN,
// (d) the highest number acknowledged so far, (e) the same window. The answers to window
// probes look like it, and tell of no loss; nor does one that reports what came twice.
static bool is_duplicate_ack(const struct tcp_conn *c, const struct arrival *a)
{
    return !c->persist && c->snd_una != c->snd_max && !a->had_payload &&
           !has(a, WIRE_TCP_FIN | WIRE_TCP_SYN) && a->seg->ack == c->snd_una &&
           a->seg->window << c->snd_shift == c->snd_wnd && !tcp_sack_is_dup(a->seg);
}

static void duplicate_ack(struct tcp_conn *c)
{
    if (c->recovering) {
        tcp_cc_recovery_dupack(&c->cc);
        return;
    }
    if (c->dupacks < TCP_DUPACKS)
        c->dupacks++;
    // A duplicate ACK after a tail loss probe comes too late for reordering: one is enough.
    const bool lost = c->dupacks >= TCP_DUPACKS || c->tail.out;
    // RFC 6582 §3.2 step 2: losses of a window that was sent again already are not news.
    if (!lost || !seq_lt(c->recover, c->snd_una))
        return;
    tcp_tail_end(c);
    tcp_cc_recovery_begin(&c->cc, c->snd_nxt - c->snd_una);
    c->recovering = true;
    c->recover = c->snd_max;
    c->resend_first = true;
    c->dupacks = 0;
    c->partial_acks = 0;
    c->tcp->stats->tcp_fast_retransmits++;
}

// RFC 6582 §3.2 step 3 for an ACK of `bytes` during fast recovery. Returns false if the
// retransmission timer must keep running as it is: only the first partial ACK restarts it.
static bool recovery_ack(struct tcp_conn *c, uint32_t bytes)
{
    if (seq_le(c->recover, c->snd_una)) {
        tcp_cc_recovery_end(&c->cc, c->snd_nxt - c->snd_una);
        c->recovering = false;
        return true;
    }
    tcp_cc_recovery_partial(&c->cc, bytes);
    c->resend_first = true;
    if (c->partial_acks < UINT8_MAX)
        c->partial_acks++;
    return c->partial_acks == 1;
}

static void new_ack(struct tcp_conn *c, const struct arrival *a)
{
    const uint32_t bytes = a->seg->ack - c->snd_una;
    const uint32_t flight = c->snd_nxt - c->snd_una;
    tcp_queue_acked(c, a->seg->ack, a->now);
    c->dupacks = 0;
    c->probes = 0;
    c->tail.due = false;
    c->progress_at = a->now;
    c->soft_error = 0;
    bool restart = true;
    if (c->recovering)
        restart = recovery_ack(c, bytes);
    else
        tcp_cc_acked(&c->cc, bytes, flight);
    // Half the numbers later `recover` would lie ahead again: it keeps close behind.
    if (seq_lt(c->recover, c->snd_una))
        c->recover = c->snd_una - 1;
    // RFC 6298 rules 5.2, 5.3. After a rewind snd_nxt is what was sent since.
    if (c->snd_una == c->snd_nxt) {
        c->rtx_at = EXO_NS_NEVER;
        tcp_end_persist(c);
    } else if (restart) {
        tcp_arm_rtx(c, a->now);
    }
}

static bool our_fin_is_acked(const struct tcp_conn *c)
{
    return c->fin_queued && c->snd_una == c->snd_end + 1;
}

// What the ACK of our FIN does to the state.
static void fin_acked(struct tcp_conn *c, exo_ns now)
{
    if (!our_fin_is_acked(c))
        return;
    switch (c->state) {
    case TCP_FIN_WAIT_1:
        c->state = TCP_FIN_WAIT_2;
        if (c->orphan)
            c->linger_at = now + TCP_FIN_WAIT_NS;
        break;
    case TCP_CLOSING:
        c->state = TCP_TIME_WAIT;
        break;
    case TCP_LAST_ACK:
        tcp_kill(c, 0);
        break;
    default:
        break;
    }
}

static enum tcp_verdict check_ack(struct tcp_conn *c, struct arrival *a)
{
    // "If the ACK bit is off, drop the segment and return."
    if (!has(a, WIRE_TCP_ACK))
        return TCP_UNACCEPTABLE;
    const uint32_t ack = a->seg->ack;
    if (c->state == TCP_SYN_RCVD) {
        if (!seq_lt(c->snd_una, ack) || !seq_le(ack, c->snd_max))
            return TCP_RESET_REPLY;
        c->snd_una = ack;
        c->snd_nxt = ack; // a SYN-ACK that was to be repeated need not be
        tcp_establish(c, a->now);
        c->snd_wnd = a->seg->window << c->snd_shift;
        c->snd_wnd_max = EXO_MAX(c->snd_wnd_max, c->snd_wnd);
        c->snd_wl1 = a->seq;
        c->snd_wl2 = ack;
        return GO_ON;
    }
    // RFC 5961 §5.2: an ACK from too far back is a guess, one of unsent data a mistake.
    if (seq_lt(ack, c->snd_una - c->snd_wnd_max) || seq_lt(c->snd_max, ack)) {
        challenge(c, a->now);
        return TCP_UNACCEPTABLE;
    }
    if (c->persist && !c->orphan)
        c->progress_at = a->now; // MUST-37: open as long as probes are answered
    tcp_tail_acked(c, a->seg);
    if (seq_lt(c->snd_una, ack))
        new_ack(c, a);
    else if (is_duplicate_ack(c, a))
        duplicate_ack(c);
    if (seq_le(c->snd_una, ack))
        update_window(c, a);
    fin_acked(c, a->now);
    return c->state == TCP_CLOSED ? TCP_TAKEN : GO_ON;
}

// --- sixth: URG ------------------------------------------------------------------------
// The urgent pointer marks a place in the stream and moves no byte. Urgent data is handed
// over in line, so there is nothing to compute from it, and nothing it can break (RFC 6093).

// --- seventh: segment text ---------------------------------------------------------------

// An ACK may wait for company, except after every second full segment (MUST-40, SHLD-18/19).
static void delay_ack(struct tcp_conn *c, const struct arrival *a)
{
    if (c->rcv_nxt - c->rcv_acked >= 2u * c->rcv_mss)
        tcp_owe_ack(c);
    else if (c->delack_at == EXO_NS_NEVER)
        c->delack_at = a->now + TCP_DELACK_NS;
}

// A connection may keep as many packets as are left for all others together, so that those
// whose apps do not read leave room for those whose apps do. When they are short, what must
// be kept longest goes first. Nothing here was ever acknowledged, so the peer sends it again
// (RFC 9293 §3.8.1).
static bool is_short_of_buffers(struct tcp_conn *c, const struct arrival *a)
{
    if (c->rx.count + c->reasm.pkts < pkt_pool_spare(c->tcp->pool, PKT_FOR_APP))
        return false;
    if (a->seq == c->rcv_nxt) {
        tcp_reasm_clear(&c->reasm);
        tcp_sack_forget(&c->sack);
    }
    c->tcp->stats->drop_no_pkt++;
    return true;
}

// Every byte of it waits in the queue already.
static bool is_repeated(const struct tcp_conn *c, const struct arrival *a)
{
    uint32_t left, right;
    return tcp_reasm_block(&c->reasm, a->seq, &left, &right) && seq_le(end_of(a), right);
}

static void take_out_of_order(struct tcp_conn *c, struct arrival *a)
{
    struct pkt *pkt = a->data;
    a->data = NULL;
    pkt->seq = a->seq;
    if (c->sack.on && is_repeated(c, a))
        tcp_sack_note_dup(&c->sack, a->seq, end_of(a));
    tcp_reasm_insert(&c->reasm, pkt);
    tcp_sack_note(&c->sack, &c->reasm, a->seq);
    c->tcp->stats->tcp_out_of_order++;
    tcp_owe_duplicate_ack(c); // RFC 5681 §4.2: at once, and one each
}

static void take_in_order(struct tcp_conn *c, struct arrival *a)
{
    const bool had_gap = c->reasm.pkts != 0;
    struct pkt *pkt = a->data;
    a->data = NULL;
    while (pkt) {
        c->rcv_nxt += pkt->len;
        tcp_queue_received(c, pkt);
        pkt = tcp_reasm_pop(&c->reasm, c->rcv_nxt);
    }
    // Duplicates that are still owed would repeat a new number: false news of a loss.
    if (c->acks_owed > 1)
        c->acks_owed = 1;
    if (had_gap)
        tcp_owe_ack(c);
    else
        delay_ack(c, a);
}

static enum tcp_verdict take_text(struct tcp_conn *c, struct arrival *a)
{
    if (a->len == 0 || !tcp_can_receive(c) || c->eof) {
        drop_data(a);
        return GO_ON;
    }
    // RFC 9293 §3.6.1: data for an app that has gone cannot be delivered; say so.
    if (c->orphan) {
        tcp_kill(c, -EXO_ECONNRESET);
        return TCP_ABORTED;
    }
    if (is_short_of_buffers(c, a)) {
        drop_data(a);
        a->fin = false;
        return GO_ON;
    }
    c->rcv_mss = (uint16_t)EXO_MAX((uint32_t)c->rcv_mss, EXO_MIN(a->len, (uint32_t)c->tcp->mss));
    if (a->seq == c->rcv_nxt)
        take_in_order(c, a);
    else
        take_out_of_order(c, a);
    return GO_ON;
}

// --- eighth: FIN -------------------------------------------------------------------------

static void take_fin(struct tcp_conn *c, const struct arrival *a, uint32_t fin_seq)
{
    if (a->fin && !c->peer_fin && tcp_can_receive(c)) {
        c->peer_fin = true;
        c->peer_fin_seq = fin_seq;
        if (fin_seq != c->rcv_nxt && !a->had_payload)
            tcp_owe_duplicate_ack(c);
    }
    if (!c->peer_fin || c->eof || c->rcv_nxt != c->peer_fin_seq)
        return;
    c->eof = true;
    c->rcv_nxt++;
    // What a liar sent beyond it before it came is nobody's.
    tcp_reasm_clear(&c->reasm);
    tcp_sack_forget(&c->sack);
    if (seq_lt(c->rcv_adv, c->rcv_nxt))
        c->rcv_adv = c->rcv_nxt;
    tcp_owe_ack(c);
    switch (c->state) {
    case TCP_ESTABLISHED:
        c->state = TCP_CLOSE_WAIT;
        break;
    case TCP_FIN_WAIT_1: // its ACK of our FIN, had it come along, was seen in step five
        c->state = TCP_CLOSING;
        break;
    case TCP_FIN_WAIT_2:
        c->state = TCP_TIME_WAIT;
        break;
    default:
        break;
    }
}

// --- all of it ---------------------------------------------------------------------------

static enum tcp_verdict synchronised(struct tcp_conn *c, struct arrival *a)
{
    enum tcp_verdict verdict;
    // RST and SYN come before the sequence check of step one, because RFC 5961 judges
    // them by rules of its own, narrower for RST and wider for SYN.
    if ((verdict = check_rst(c, a)) != GO_ON || (verdict = check_syn(c, a)) != GO_ON)
        return verdict;
    if ((verdict = check_sequence(c, a)) != GO_ON || (verdict = check_ack(c, a)) != GO_ON)
        return verdict;
    const uint32_t fin_seq = end_of(a);
    if ((verdict = take_text(c, a)) != GO_ON)
        return verdict;
    take_fin(c, a, fin_seq);
    return TCP_TAKEN;
}

enum tcp_verdict tcp_input(struct tcp_conn *c, const struct wire_tcp *seg, struct pkt *payload,
                           exo_ns now)
{
    struct arrival a = {
        .seg = seg,
        .data = payload,
        .seq = seg->seq,
        .len = payload ? payload->len : 0,
        .fin = seg->flags & WIRE_TCP_FIN,
        .had_payload = payload && payload->len,
        .now = now,
    };
    enum tcp_verdict verdict = TCP_UNACCEPTABLE;
    if (c->state == TCP_SYN_SENT)
        verdict = syn_sent(c, &a);
    else if (tcp_is_synchronised(c))
        verdict = synchronised(c, &a);
    pkt_free(a.data);
    return verdict;
}
