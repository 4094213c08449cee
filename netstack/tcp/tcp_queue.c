// SPDX-License-Identifier: MIT
// tcp_queue.c - the two byte queues of a connection, and the app's side of them.
#include "netstack/tcp/tcp_internal.h"

#include "netstack/socket.h"
#include <string.h>

static uint32_t end_of(const struct pkt *pkt)
{
    return pkt->seq + pkt->body_len;
}

// --- sending -------------------------------------------------------------------------

static uint32_t queued_bytes(const struct tcp_conn *c)
{
    return seq_lt(c->snd_una, c->snd_end) ? c->snd_end - c->snd_una : 0;
}

// Writes of one byte, each sent at once, must not pin a buffer each for ever more.
static bool queue_has_room(const struct tcp_conn *c)
{
    const uint32_t max_bytes = c->tcp->tx_buffer_bytes;
    const bool few_pkts = c->snd_pkts * c->snd_mss < 2 * max_bytes + 4 * c->snd_mss;
    return (queued_bytes(c) < max_bytes) & few_pkts;
}

// The last packet may grow while no byte of it was sent: what was sent stays as it was,
// so that a retransmission has the same boundaries and the link's view stays true.
static bool last_can_grow(const struct tcp_conn *c)
{
    const struct pkt *last = c->snd_last;
    return last && seq_le(c->snd_max, last->seq) && last->body_len < c->snd_mss;
}

static bool can_send(const struct tcp_conn *c)
{
    return ((c->state == TCP_ESTABLISHED) | (c->state == TCP_CLOSE_WAIT)) & !c->fin_queued;
}

bool tcp_finds_buffer(const struct tcp_conn *c)
{
    return c->snd_pkts < pkt_pool_spare(c->tcp->pool, PKT_FOR_APP);
}

static int why_not(const struct tcp_conn *c)
{
    if (c->error)
        return c->error;
    return c->state == TCP_SYN_SENT || c->state == TCP_SYN_RCVD ? -EXO_ENOTCONN : -EXO_EPIPE;
}

int tcp_reserve(struct tcp_conn *c, struct span *out)
{
    c->starved = false;
    if (!can_send(c))
        return why_not(c);
    if (!queue_has_room(c))
        return -EXO_EAGAIN;
    if (!c->snd_spare && !last_can_grow(c)) {
        c->snd_spare = tcp_finds_buffer(c) ? pkt_alloc(c->tcp->pool, PKT_FOR_APP) : NULL;
        c->starved = !c->snd_spare;
        if (c->starved)
            return -EXO_EAGAIN;
    }
    const uint32_t room = c->tcp->tx_buffer_bytes - queued_bytes(c);
    struct pkt *pkt = c->snd_spare ? c->snd_spare : c->snd_last;
    const uint32_t used = c->snd_spare ? 0 : pkt->body_len;
    uint8_t *start = c->snd_spare ? pkt->data : pkt->buf + pkt->body_at;
    *out = (struct span){start + used, EXO_MIN(room, (uint32_t)c->snd_mss - used)};
    return 0;
}

static void append_spare(struct tcp_conn *c, uint32_t len)
{
    struct pkt *pkt = c->snd_spare;
    c->snd_spare = NULL;
    pkt->body_at = (uint16_t)pkt_headroom(pkt);
    pkt->body_len = (uint16_t)len;
    pkt->seq = c->snd_end;
    pkt->flags = 0;
    pkt->next = NULL;
    if (c->snd_last)
        c->snd_last->next = pkt;
    else
        c->snd_first = pkt;
    c->snd_last = pkt;
    c->snd_pkts++;
    if (!c->snd_cur)
        c->snd_cur = pkt;
}

void tcp_commit(struct tcp_conn *c, size_t len)
{
    exo_assert(can_send(c) && (c->snd_spare || last_can_grow(c)));
    const uint32_t used = c->snd_spare ? 0 : c->snd_last->body_len;
    exo_assert(len <= (size_t)c->snd_mss - used);
    if (len == 0)
        return;
    if (c->snd_spare)
        append_spare(c, (uint32_t)len);
    else
        c->snd_last->body_len = (uint16_t)(used + len);
    c->snd_end += (uint32_t)len;
}

static void drop_first(struct tcp_conn *c)
{
    struct pkt *pkt = c->snd_first;
    c->snd_first = pkt->next;
    if (!c->snd_first)
        c->snd_last = NULL;
    c->snd_pkts--;
    pkt->next = NULL;
    pkt_free(pkt);
}

void tcp_queue_acked(struct tcp_conn *c, uint32_t ack, exo_ns now)
{
    bool timed = false, resent = false;
    exo_ns sent_at = 0;
    while (c->snd_first && seq_le(end_of(c->snd_first), ack)) {
        timed = true;
        resent |= c->snd_first->flags & TCP_PKT_RESENT;
        sent_at = c->snd_first->stamp;
        drop_first(c);
    }
    struct pkt *first = c->snd_first;
    if (first && seq_lt(first->seq, ack)) { // the peer took a part of it
        const uint32_t n = ack - first->seq;
        first->body_at = (uint16_t)(first->body_at + n);
        first->body_len = (uint16_t)(first->body_len - n);
        first->seq = ack;
    }
    c->snd_una = ack;
    if (seq_lt(c->snd_nxt, ack)) {
        c->snd_nxt = ack;
        c->snd_cur = c->snd_first;
    }
    // Karn: if anything under this ACK was sent twice, it may be an answer to either.
    if (timed && !resent)
        tcp_rtt_sample(&c->rtt, now - sent_at);
}

bool tcp_queue_split(struct tcp_conn *c, struct pkt *pkt, uint32_t len)
{
    exo_assert(len > 0 && len < pkt->body_len);
    struct pkt *tail = pkt_alloc(c->tcp->pool, PKT_FOR_STACK);
    if (!tail)
        return false;
    tail->body_at = (uint16_t)pkt_headroom(tail);
    tail->body_len = (uint16_t)(pkt->body_len - len);
    tail->seq = pkt->seq + len;
    tail->flags = pkt->flags;
    tail->stamp = pkt->stamp;
    memcpy(tail->data, pkt->buf + pkt->body_at + len, tail->body_len);
    tail->next = pkt->next;
    pkt->next = tail;
    pkt->body_len = (uint16_t)len;
    if (c->snd_last == pkt)
        c->snd_last = tail;
    c->snd_pkts++;
    return true;
}

void tcp_queue_rewind(struct tcp_conn *c)
{
    c->snd_nxt = c->snd_una;
    c->snd_cur = c->snd_first;
}

void tcp_queue_drop_sent(struct tcp_conn *c)
{
    while (c->snd_first)
        drop_first(c);
    c->snd_cur = NULL;
    pkt_free(c->snd_spare);
    c->snd_spare = NULL;
}

// --- receiving -----------------------------------------------------------------------

void tcp_queue_received(struct tcp_conn *c, struct pkt *pkt)
{
    const uint32_t len = pkt->len;
    struct pkt *last = c->rx.last;
    // Two neighbours always hold more than one buffer's worth together, so that the
    // window bounds the buffers too. Bytes already lent to the app stay where they are.
    if (last && tcp_reasm_join(last, pkt))
        c->rx.bytes += len;
    else
        pkt_queue_push(&c->rx, pkt);
}

int tcp_peek(const struct tcp_conn *c, struct cspan *out)
{
    const struct pkt *pkt = c->rx.first;
    *out = (struct cspan){NULL, 0};
    if (pkt) {
        *out = (struct cspan){pkt->data, pkt->len};
        return 1;
    }
    if (c->error)
        return c->error;
    return c->eof ? 0 : -EXO_EAGAIN;
}

// RFC 9293 §3.8.6.2.2: the peer hears of room only when there is a worthwhile piece of it.
static void announce_room(struct tcp_conn *c)
{
    const uint32_t grown = tcp_rcv_edge(c) - c->rcv_adv;
    if (tcp_can_receive(c) && !c->peer_fin && (int32_t)grown > 0 &&
        grown >= EXO_MIN(c->tcp->rx_window_bytes / 2, 2u * c->tcp->mss))
        tcp_owe_ack(c);
}

void tcp_consume(struct tcp_conn *c, size_t len)
{
    struct pkt *pkt = c->rx.first;
    exo_assert(len == 0 || (pkt && len <= pkt->len));
    if (len == 0)
        return;
    pkt_pull(pkt, (uint32_t)len);
    c->rx.bytes -= (uint32_t)len;
    if (pkt->len == 0)
        pkt_free(pkt_queue_pop(&c->rx));
    announce_room(c);
}

void tcp_queue_drop_received(struct tcp_conn *c)
{
    struct pkt *pkt;
    while ((pkt = pkt_queue_pop(&c->rx)))
        pkt_free(pkt);
    tcp_reasm_clear(&c->reasm);
}

uint32_t tcp_events(const struct tcp_conn *c)
{
    const bool dead = c->error != 0;
    const bool readable = (c->rx.count != 0) | c->eof | dead;
    // Worth waking for only with room for a full segment; a smaller buffer needs all of it.
    const uint32_t worth = EXO_MIN((uint32_t)c->snd_mss, c->tcp->tx_buffer_bytes / 2);
    const bool room = queued_bytes(c) + worth <= c->tcp->tx_buffer_bytes;
    const bool writable = can_send(c) & !c->starved & queue_has_room(c) & room;
    return (readable ? SOCKET_READABLE : 0) | (writable ? SOCKET_WRITABLE : 0) |
           (c->eof ? SOCKET_HUP : 0) | (dead ? SOCKET_ERROR : 0);
}
