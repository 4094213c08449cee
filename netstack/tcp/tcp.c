// SPDX-License-Identifier: MIT
// tcp.c - how a connection begins and ends at its own side.
#include "netstack/tcp/tcp_internal.h"

#include <string.h>

#define SYN_WINDOW_MAX 65535u // the window of a SYN is never scaled (RFC 7323 §2.2)

uint32_t tcp_isn(const struct tcp *tcp, const struct tcp_tuple *tuple, exo_ns now)
{
    return (uint32_t)siphash(&tcp->isn, tuple, sizeof *tuple) + (uint32_t)(now / EXO_US(4));
}

// The smallest shift that lets the whole receive window be announced (RFC 7323 §2.3).
static uint8_t shift_for(uint32_t window_bytes)
{
    return (uint8_t)(window_bytes > UINT16_MAX ? 16 - __builtin_clz(window_bytes) : 0);
}

static void begin(struct tcp_conn *c, struct tcp *tcp, const struct tcp_tuple *tuple, uint32_t iss,
                  exo_ns now)
{
    *c = (struct tcp_conn){
        .tcp = tcp,
        .tuple = *tuple,
        .iss = iss,
        .snd_una = iss,
        .snd_nxt = iss,
        .snd_max = iss,
        .snd_end = iss + 1,
        .snd_mss = TCP_MSS_DEFAULT,
        .recover = iss,
        .rcv_shift = shift_for(tcp->rx_window_bytes),
        .nagle = true,
        .sent_at = now,
        .progress_at = now,
        .delack_at = EXO_NS_NEVER,
        .rtx_at = EXO_NS_NEVER,
        .linger_at = EXO_NS_NEVER,
    };
    tcp_rtt_init(&c->rtt);
    tcp_reasm_init(&c->reasm, EXO_MIN(tcp->rx_window_bytes / TCP_MSS_DEFAULT + 2, 128u));
}

void tcp_connect(struct tcp_conn *c, struct tcp *tcp, const struct tcp_tuple *tuple, uint32_t iss,
                 exo_ns now)
{
    begin(c, tcp, tuple, iss, now);
    c->state = TCP_SYN_SENT;
}

void tcp_accept_syn(struct tcp_conn *c, struct tcp *tcp, const struct tcp_tuple *tuple,
                    const struct wire_tcp *syn, uint32_t iss, exo_ns now)
{
    begin(c, tcp, tuple, iss, now);
    c->state = TCP_SYN_RCVD;
    tcp_learn_peer(c, syn);
}

void tcp_accept_cookie(struct tcp_conn *c, struct tcp *tcp, const struct tcp_tuple *tuple,
                       const struct wire_tcp *syn, uint32_t iss, exo_ns now)
{
    tcp_accept_syn(c, tcp, tuple, syn, iss, now);
    c->from_cookie = true;
    c->snd_nxt = iss + 1;
    c->snd_max = iss + 1;
}

void tcp_learn_peer(struct tcp_conn *c, const struct wire_tcp *syn)
{
    c->irs = syn->seq;
    c->rcv_nxt = syn->seq + 1;
    c->rcv_acked = c->rcv_nxt;
    c->rcv_adv = c->rcv_nxt + EXO_MIN(c->tcp->rx_window_bytes, SYN_WINDOW_MAX);

    // RFC 9293 §3.7.1: never more than the peer asked for or our link takes. The floor
    // keeps a hostile peer from having its data cut into thousands of packets.
    uint32_t mss = syn->options & WIRE_TCP_MSS ? syn->mss : TCP_MSS_DEFAULT;
    mss = EXO_MAX(mss, TCP_MSS_MIN);
    c->snd_mss = (uint16_t)EXO_MIN(mss, (uint32_t)c->tcp->mss);

    // RFC 7323 §2.2: only if both offered it, and never on the window of the SYN itself.
    c->scaled = syn->options & WIRE_TCP_WSCALE;
    c->snd_shift = c->scaled ? syn->wscale : 0;
    if (!c->scaled)
        c->rcv_shift = 0;
    c->sack.on = syn->options & WIRE_TCP_SACK_PERMITTED;
    c->snd_wnd = syn->window;
    c->snd_wnd_max = c->snd_wnd;
    c->snd_wl1 = syn->seq;
    c->snd_wl2 = syn->ack;
}

void tcp_establish(struct tcp_conn *c, exo_ns now)
{
    if (c->syn_was_lost)
        tcp_rtt_syn_was_lost(&c->rtt); // whose SYN was answered is unknown: no sample (Karn)
    else if (!c->from_cookie)
        tcp_rtt_sample(&c->rtt, now - c->sent_at);
    tcp_cc_init(&c->cc, c->snd_mss, c->syn_was_lost);
    c->state = TCP_ESTABLISHED;
    c->rtx_at = EXO_NS_NEVER;
    c->progress_at = now;
    c->soft_error = 0;
}

void tcp_fini(struct tcp_conn *c)
{
    tcp_queue_drop_sent(c);
    tcp_queue_drop_received(c);
}

void tcp_kill(struct tcp_conn *c, int error)
{
    // RFC 9293 §3.10.7.4, "second": segment queues are flushed. What arrived in order
    // stays for the app, which may hold a view of it at this moment.
    tcp_queue_drop_sent(c);
    tcp_reasm_clear(&c->reasm);
    c->state = TCP_CLOSED;
    c->error = error;
    c->acks_owed = 0;
    c->delack_at = EXO_NS_NEVER;
    c->rtx_at = EXO_NS_NEVER;
    c->linger_at = EXO_NS_NEVER;
}

void tcp_shutdown(struct tcp_conn *c, exo_ns now)
{
    if (c->fin_queued)
        return;
    switch (c->state) {
    case TCP_ESTABLISHED:
        c->state = TCP_FIN_WAIT_1;
        break;
    case TCP_CLOSE_WAIT:
        c->state = TCP_LAST_ACK;
        break;
    default:
        return;
    }
    c->fin_queued = true;
    if (c->snd_una == c->snd_max)
        c->progress_at = now;
}

bool tcp_release(struct tcp_conn *c, exo_ns now)
{
    c->orphan = true;
    switch (c->state) {
    case TCP_CLOSED:
    case TCP_TIME_WAIT:
        return false;
    case TCP_SYN_SENT: // the peer has no state of ours yet
        tcp_kill(c, 0);
        return false;
    default:
        break;
    }
    if (c->state == TCP_SYN_RCVD || c->rx.bytes || c->reasm.pkts) {
        tcp_kill(c, 0);
        return true;
    }
    tcp_shutdown(c, now);
    // The peer may stay half open for as long as it likes only while somebody listens.
    if (c->state == TCP_FIN_WAIT_2)
        c->linger_at = now + TCP_FIN_WAIT_NS;
    return false;
}

bool tcp_reset_reply(struct wire_tcp *rst, const struct wire_tcp *seg, uint32_t len)
{
    if (seg->flags & WIRE_TCP_RST)
        return false;
    *rst = (struct wire_tcp){.src_port = seg->dst_port, .dst_port = seg->src_port};
    if (seg->flags & WIRE_TCP_ACK) {
        rst->seq = seg->ack;
        rst->flags = WIRE_TCP_RST;
        return true;
    }
    uint32_t controls = !!(seg->flags & WIRE_TCP_SYN) + !!(seg->flags & WIRE_TCP_FIN);
    rst->ack = seg->seq + len + controls;
    rst->flags = WIRE_TCP_RST | WIRE_TCP_ACK;
    return true;
}

void tcp_reset_now(struct wire_tcp *rst, const struct tcp_conn *c)
{
    *rst = (struct wire_tcp){
        .src_port = c->tuple.local_port,
        .dst_port = c->tuple.peer_port,
        .seq = tcp_bare_seq(c),
        .ack = c->rcv_nxt,
        .flags = WIRE_TCP_RST | WIRE_TCP_ACK,
    };
}
