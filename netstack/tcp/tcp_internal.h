// SPDX-License-Identifier: MIT
// tcp_internal.h - what the files of this room share and nobody else needs.
#ifndef NETSTACK_TCP_TCP_INTERNAL_H
#define NETSTACK_TCP_TCP_INTERNAL_H

#include "exo/bits.h"
#include "exo/err.h"
#include "netstack/tcp/tcp.h"

#define TCP_PKT_RESENT 1u // pkt.flags in the send queue: sent more than once, so not timed

// From SYN-RECEIVED on both sides know each other's numbers (RFC 9293 §3.3.2).
static inline bool tcp_is_synchronised(const struct tcp_conn *c)
{
    return c->state >= TCP_SYN_RCVD && c->state != TCP_TIME_WAIT;
}

static inline bool tcp_can_receive(const struct tcp_conn *c)
{
    return c->state == TCP_ESTABLISHED || c->state == TCP_FIN_WAIT_1 || c->state == TCP_FIN_WAIT_2;
}

// One past everything there is to send: the FIN takes a number of its own.
static inline uint32_t tcp_snd_limit(const struct tcp_conn *c)
{
    return c->snd_end + (c->fin_queued ? 1 : 0);
}

static inline bool tcp_has_unsent(const struct tcp_conn *c)
{
    return seq_lt(c->snd_nxt, tcp_snd_limit(c));
}

// The number of a segment that takes none. What went beyond the peer's window, because it shrank
// or as the byte of a probe, was refused, and a number behind it would be refused as well. But a
// scaled window is rounded down, and the peer may have taken what lies in the part of a unit that
// is missing (RFC 7323 §2.4): the edge would be old to it. Only a SYN needs no window.
static inline uint32_t tcp_bare_seq(const struct tcp_conn *c)
{
    const uint32_t edge = c->snd_una + c->snd_wnd;
    if (c->snd_una == c->iss || seq_le(c->snd_max, edge))
        return c->snd_max;
    const bool rounded = !c->persist && c->snd_max - edge < 1u << c->snd_shift;
    return rounded ? c->snd_max : edge;
}

static inline uint32_t tcp_rcv_window(const struct tcp_conn *c)
{
    return c->rcv_adv - c->rcv_nxt;
}

// Room for a window beyond what is promised: where the edge could be moved to.
static inline uint32_t tcp_rcv_edge(const struct tcp_conn *c)
{
    uint32_t size = c->tcp->rx_window_bytes;
    return c->rcv_nxt + (size > c->rx.bytes ? size - c->rx.bytes : 0);
}

// Sending goes on without probes.
static inline void tcp_end_persist(struct tcp_conn *c)
{
    c->persist = false;
    c->probe = false;
    c->override = false;
}

// A probe is due, or a window that was shut has opened: none of it is progress.
static inline void tcp_count_probe(struct tcp_conn *c)
{
    if (c->probes < UINT8_MAX)
        c->probes++;
}

static inline void tcp_owe_ack(struct tcp_conn *c)
{
    if (c->acks_owed == 0)
        c->acks_owed = 1;
}

// One more ACK than is owed already: duplicates have to arrive one by one to be counted.
static inline void tcp_owe_duplicate_ack(struct tcp_conn *c)
{
    if (c->acks_owed < UINT8_MAX)
        c->acks_owed++;
}

// --- tcp.c ---

// What a SYN or SYN-ACK says about the peer; the same for both kinds of open.
void tcp_learn_peer(struct tcp_conn *c, const struct wire_tcp *syn);

// The three-way handshake is complete: numbers of the data phase.
void tcp_establish(struct tcp_conn *c, exo_ns now);

// --- tcp_tail.c ---

// Something is out that was not, or was acknowledged in part: starts the one timer again, for
// a tail loss probe if one may help, else for the retransmission.
void tcp_arm_rtx(struct tcp_conn *c, exo_ns now);

// More was sent while a probe is awaited: it waits from now on, but not beyond the RTO.
void tcp_tail_arm(struct tcp_conn *c, exo_ns now);

// The timer fired for a probe.
void tcp_tail_due(struct tcp_conn *c, exo_ns now);

// The probe left; `again`: it was no new data.
void tcp_tail_sent(struct tcp_conn *c, bool again);

// What an acceptable ACK says of it.
void tcp_tail_acked(struct tcp_conn *c, const struct wire_tcp *seg);

// The last packet sent and not acknowledged; null if that is a FIN alone.
struct pkt *tcp_tail_last_sent(const struct tcp_conn *c);

// Recovery takes over, which is all that a probe is for.
static inline void tcp_tail_end(struct tcp_conn *c)
{
    c->tail.due = false;
    c->tail.out = false;
    c->tail.doubtful = false;
}

// --- tcp_queue.c ---

// Drops what `ack` covers from the send queue, with a round-trip sample if Karn allows it.
void tcp_queue_acked(struct tcp_conn *c, uint32_t ack, exo_ns now);

// Cuts `pkt`, one of the queue, to `len` bytes; the rest becomes the next. False: no buffer.
bool tcp_queue_split(struct tcp_conn *c, struct pkt *pkt, uint32_t len);

// Sends from snd_una again, as far as the windows allow.
void tcp_queue_rewind(struct tcp_conn *c);

// Takes in-order data for the app.
//
// Owner: takes pkt.
void tcp_queue_received(struct tcp_conn *c, struct pkt *pkt);

// Frees all packets of one side.
void tcp_queue_drop_sent(struct tcp_conn *c);
void tcp_queue_drop_received(struct tcp_conn *c);

#endif
