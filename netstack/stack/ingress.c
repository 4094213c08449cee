// SPDX-License-Identifier: MIT
// ingress.c - from frames to the machines that they are for.
#include "netstack/stack/stack.h"

#include "netstack/wire/eth.h"

struct datagram { // one received datagram, on its way up
    struct wire_ip4 ip;
    const uint8_t *bytes; // ip.total_len of them, header first
    bool group;           // came by broadcast, on either layer: nobody answers it
};

// --- ARP -----------------------------------------------------------------------------

static void input_arp(struct net *net, struct pkt *pkt)
{
    switch (arp_input(&net->arp, net->now, pkt)) {
    case ARP_ANSWER:
        net_send_frame(net, pkt);
        return;
    case ARP_BAD:
        net->stats.drop_arp++;
        break;
    case ARP_DONE:
        break;
    }
    pkt_free(pkt);
}

// --- ICMP ----------------------------------------------------------------------------

// Only TCP asks: our UDP sockets are not connected, so no error is about one of them.
static void input_icmp_error(struct net *net, const struct icmp_error *error)
{
    const struct tcp_tuple tuple = {error->src, error->dst, error->src_port, error->dst_port};
    struct demux_entry *entry =
        error->proto == WIRE_IP4_TCP ? demux_find(&net->demux, &tuple) : NULL;
    if (!entry)
        return;
    // RFC 1122 §4.2.3.9: protocol and port unreachable are hard, the rest may pass.
    const uint8_t code = error->type == WIRE_ICMP4_UNREACHABLE ? error->code : UINT8_MAX;
    const bool hard =
        code == WIRE_ICMP4_PROTOCOL_UNREACHABLE || code == WIRE_ICMP4_PORT_UNREACHABLE;
    struct flow *f = EXO_CONTAINER(entry, struct flow, entry);
    if (code == WIRE_ICMP4_FRAGMENTATION_NEEDED)
        tcp_too_big(&f->conn, error->seq, error->len_bytes, error->mtu_bytes);
    else
        tcp_unreachable(&f->conn, error->seq, hard);
    flow_settle(net, f);
}

static void input_icmp(struct net *net, const struct datagram *d, struct pkt *pkt)
{
    struct icmp_error error;
    switch (icmp_input(&d->ip, pkt, &error)) {
    case ICMP_ANSWER:
        // A link may bring in more than it takes out, and nothing here is fragmented.
        if (pkt->len <= net->mtu_bytes - WIRE_IP4_BYTES) {
            net_send_ip(net, pkt, d->ip.dst, d->ip.src, WIRE_IP4_ICMP);
            return;
        }
        net->stats.drop_icmp++;
        break;
    case ICMP_ERROR:
        input_icmp_error(net, &error);
        break;
    case ICMP_DROP:
        net->stats.drop_icmp++;
        break;
    }
    pkt_free(pkt);
}

static void send_unreachable(struct net *net, const struct datagram *d, uint8_t code)
{
    struct pkt *out = pkt_alloc(&net->pool, PKT_FOR_STACK);
    if (!out)
        return; // the datagram is counted as dropped by whoever came here
    if (icmp_unreachable(&net->icmp, net->now, code, &d->ip, d->bytes, d->group, out))
        net_send_ip(net, out, d->ip.dst, d->ip.src, WIRE_IP4_ICMP);
    else
        pkt_free(out);
}

// --- UDP -----------------------------------------------------------------------------

static bool input_dhcp(struct net *net, const struct datagram *d, const struct pkt *pkt)
{
    struct wire_udp udp;
    if (!net->config.dhcp || !wire_udp_parse(&udp, pkt->data, pkt->len) ||
        udp.dst_port != WIRE_DHCP_CLIENT_PORT)
        return false;
    if (!wire_udp_verify(pkt->data, udp.len, d->ip.src, d->ip.dst) ||
        !dhcp_input(&net->dhcp, net->now, pkt->data + WIRE_UDP_BYTES, udp.len - WIRE_UDP_BYTES))
        net->stats.drop_udp++;
    return true;
}

static void input_udp(struct net *net, const struct datagram *d, struct pkt *pkt)
{
    struct udp_sock *sock;
    if (input_dhcp(net, d, pkt)) {
        pkt_free(pkt);
        return;
    }
    switch (udp_input(&net->udp, &d->ip, pkt, &sock)) {
    case UDP_QUEUED:
        ready_update(&((struct udp_port *)sock->user)->socket);
        return;
    case UDP_UNBOUND:
        send_unreachable(net, d, WIRE_ICMP4_PORT_UNREACHABLE);
        break;
    case UDP_BAD:
    case UDP_OVERFLOW:
        break;
    }
    net->stats.drop_udp++;
    pkt_free(pkt);
}

// --- TCP -----------------------------------------------------------------------------

static void answer_reset(struct net *net, const struct tcp_tuple *tuple, const struct wire_tcp *seg,
                         uint32_t len)
{
    struct wire_tcp rst;
    if (tcp_reset_reply(&rst, seg, len))
        net_send_segment(net, tuple, &rst);
}

static void input_flow(struct net *net, struct flow *f, const struct wire_tcp *seg, struct pkt *pkt)
{
    const uint32_t len = pkt->len;
    switch (tcp_input(&f->conn, seg, pkt, net->now)) {
    case TCP_TAKEN:
        break;
    case TCP_UNACCEPTABLE:
        net->stats.drop_tcp_state++;
        break;
    case TCP_RESET_REPLY:
        net->stats.drop_tcp_state++;
        answer_reset(net, &f->conn.tuple, seg, len);
        break;
    case TCP_ABORTED:
        flow_reset_peer(net, f);
        break;
    }
    flow_settle(net, f);
}

// RFC 9293 §3.10.7.2, in its order. What has neither an ACK nor a SYN has no meaning here and
// gets no answer, and neither has a SYN that also ends what it begins.
static void input_listener(struct net *net, struct listener *l, const struct tcp_tuple *tuple,
                           const struct wire_tcp *seg, uint32_t len, uint32_t iss)
{
    const uint8_t mask = WIRE_TCP_SYN | WIRE_TCP_ACK | WIRE_TCP_RST | WIRE_TCP_FIN;
    if ((seg->flags & mask) == WIRE_TCP_SYN) {
        listener_syn(net, l, tuple, seg, iss);
        return;
    }
    net->stats.drop_tcp_state++;
    if (seg->flags & WIRE_TCP_ACK)
        answer_reset(net, tuple, seg, len);
}

// Returns true if the segment was TIME-WAIT's; a new incarnation begins above the numbers
// of the old one (RFC 9293 §3.10.7.4, MUST-13). With nobody to begin it for, its SYN is as
// unacceptable as any other.
static bool input_time_wait(struct net *net, const struct tcp_tuple *tuple,
                            const struct wire_tcp *seg, uint32_t len, uint32_t *iss)
{
    struct time_wait *w = time_wait_find(&net->time_wait, tuple);
    struct wire_tcp ack;
    if (!w)
        return false;
    const enum time_wait_verdict verdict = time_wait_input(&net->time_wait, w, seg, len, net->now);
    if (verdict == TIME_WAIT_REOPEN && listener_find(net, tuple->local_port)) {
        if (seq_le(*iss, w->snd_nxt))
            *iss = w->snd_nxt + UINT16_MAX;
        time_wait_remove(&net->time_wait, w);
        return false;
    }
    if (verdict == TIME_WAIT_IGNORE) {
        net->stats.drop_tcp_state++;
        return true;
    }
    time_wait_ack(&ack, w);
    net_send_segment(net, tuple, &ack);
    return true;
}

// A segment of no connection that lives: of one in TIME-WAIT, of one that only a cookie
// remembers, for a listener, or of none at all.
static void input_stray(struct net *net, const struct tcp_tuple *tuple, const struct wire_tcp *seg,
                        struct pkt *pkt)
{
    uint32_t iss = tcp_isn(&net->tcp, tuple, net->now);
    struct listener *l = listener_find(net, tuple->local_port);
    struct flow *f;
    if (input_time_wait(net, tuple, seg, pkt->len, &iss)) {
        pkt_free(pkt);
        return;
    }
    if (l && listener_cookie(net, l, tuple, seg, &f)) {
        if (f) {
            input_flow(net, f, seg, pkt);
            return;
        }
        net->stats.drop_tcp_state++;
    } else if (l) {
        input_listener(net, l, tuple, seg, pkt->len, iss);
    } else {
        net->stats.drop_tcp_state++;
        answer_reset(net, tuple, seg, pkt->len);
    }
    pkt_free(pkt);
}

static void input_tcp(struct net *net, const struct datagram *d, struct pkt *pkt)
{
    struct wire_tcp seg;
    // RFC 9293 §3.9.2.3, MUST-57/63: nothing that came to a group opens or resets anything.
    if (d->group || !wire_tcp_verify(pkt->data, (uint16_t)pkt->len, d->ip.src, d->ip.dst) ||
        !wire_tcp_parse(&seg, pkt->data, pkt->len)) {
        net->stats.drop_tcp++;
        pkt_free(pkt);
        return;
    }
    pkt_pull(pkt, seg.header_len);
    const struct tcp_tuple tuple = {d->ip.dst, d->ip.src, seg.dst_port, seg.src_port};
    struct demux_entry *entry = demux_find(&net->demux, &tuple);
    if (entry)
        input_flow(net, EXO_CONTAINER(entry, struct flow, entry), &seg, pkt);
    else
        input_stray(net, &tuple, &seg, pkt);
}

// --- IPv4 ----------------------------------------------------------------------------

static bool accept_ip4(struct net *net, struct datagram *d, const struct pkt *pkt)
{
    switch (ip4_accept(&d->ip, &net->route, d->group, pkt->data, pkt->len)) {
    case IP4_UNICAST:
        return true;
    case IP4_BROADCAST:
        d->group = true;
        return true;
    case IP4_FRAGMENT:
        net->stats.drop_fragment++;
        return false;
    case IP4_MALFORMED:
    case IP4_BAD_SOURCE:
    case IP4_NOT_OURS:
    case IP4_SOURCE_ROUTE:
        break;
    }
    net->stats.drop_ip++;
    return false;
}

static void input_ip4(struct net *net, struct pkt *pkt, bool group_frame)
{
    struct datagram d = {.bytes = pkt->data, .group = group_frame};
    if (!accept_ip4(net, &d, pkt)) {
        pkt_free(pkt);
        return;
    }
    pkt_trim(pkt, d.ip.total_len); // the rest of the frame is padding
    pkt_pull(pkt, d.ip.header_len);
    if (d.ip.proto == WIRE_IP4_TCP) {
        input_tcp(net, &d, pkt);
    } else if (d.ip.proto == WIRE_IP4_UDP) {
        input_udp(net, &d, pkt);
    } else if (d.ip.proto == WIRE_IP4_ICMP && !d.group) {
        input_icmp(net, &d, pkt);
    } else {
        if (d.ip.proto == WIRE_IP4_ICMP)
            net->stats.drop_icmp++;
        else
            net->stats.drop_ip++;
        if (d.ip.proto != WIRE_IP4_ICMP)
            send_unreachable(net, &d, WIRE_ICMP4_PROTOCOL_UNREACHABLE);
        pkt_free(pkt);
    }
}

// --- frames --------------------------------------------------------------------------

static void input_frame(struct net *net, struct pkt *pkt)
{
    struct wire_eth eth;
    const bool whole = wire_eth_parse(&eth, pkt->data, pkt->len);
    const bool group = whole && mac_is_group(eth.dst);
    if (!whole || (!group && !mac_eq(eth.dst, net->link.mac)) ||
        (eth.type != WIRE_ETH_IP4 && eth.type != WIRE_ETH_ARP)) {
        net->stats.drop_eth++;
        pkt_free(pkt);
        return;
    }
    pkt_pull(pkt, WIRE_ETH_BYTES);
    if (eth.type == WIRE_ETH_ARP)
        input_arp(net, pkt);
    else
        input_ip4(net, pkt, group);
}

uint32_t net_ingress(struct net *net, uint32_t budget)
{
    struct pkt *burst[NET_RX_BURST];
    uint32_t total = 0;
    while (total < budget) {
        // A frame brings at most two answers (a RST and the ACK of TIME-WAIT, say). While
        // the link does not take them we read no more: it is slower than our input.
        uint32_t n = EXO_MIN(budget - total, NET_RX_BURST);
        if (net_out_room(net) < 2 * n)
            net_flush(net);
        n = EXO_MIN(n, net_out_room(net) / 2);
        if (n == 0)
            break;
        const uint32_t came = net->link.rx(net->link.ctx, burst, n);
        exo_assert(came <= n);
        for (uint32_t i = 0; i < came; i++)
            input_frame(net, burst[i]);
        total += came;
        net_arp_output(net);
        if (came < n)
            break;
    }
    net->stats.rx_frames += total;
    return total;
}
