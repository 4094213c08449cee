// SPDX-License-Identifier: MIT
// egress.c - from segments and datagrams to frames, and from frames to the link.
#include "netstack/stack/stack.h"

#include "netstack/wire/eth.h"

// --- frames --------------------------------------------------------------------------

void net_send_frame(struct net *net, struct pkt *frame)
{
    exo_assert(net->out_count < NET_OUT_FRAMES);
    net->out[net->out_count++] = frame;
}

uint32_t net_flush(struct net *net)
{
    if (net->out_count == 0)
        return 0;
    const uint32_t taken = net->link.tx(net->link.ctx, net->out, net->out_count);
    exo_assert(taken <= net->out_count);
    net->out_count -= taken;
    memmove(&net->out[0], &net->out[taken], net->out_count * sizeof net->out[0]);
    net->stats.tx_frames += taken;
    return taken;
}

static void send_to(struct net *net, struct pkt *pkt, struct mac dst)
{
    const struct wire_eth eth = {.dst = dst, .src = net->link.mac, .type = WIRE_ETH_IP4};
    wire_eth_emit(pkt_push(pkt, WIRE_ETH_BYTES), &eth);
    wire_eth_pad(pkt);
    net_send_frame(net, pkt);
}

// --- datagrams -----------------------------------------------------------------------

static void drop_neighbour(struct net *net, struct pkt *pkt)
{
    net->stats.drop_neighbour++;
    pkt_free(pkt);
}

void net_send_ip(struct net *net, struct pkt *pkt, struct ip4 src, struct ip4 dst, uint8_t proto)
{
    const struct route_hop hop = route_lookup(&net->route, dst);
    const struct wire_ip4 ip = wire_ip4_of(src, dst, proto, pkt->len);
    wire_ip4_emit(pkt_push(pkt, WIRE_IP4_BYTES), &ip);
    switch (hop.kind) {
    case ROUTE_GROUP:
        send_to(net, pkt, hop.mac);
        return;
    case ROUTE_NEIGHBOUR: {
        struct mac mac;
        const int known = arp_resolve(&net->arp, net->now, hop.next_hop, pkt, &mac);
        if (known > 0)
            send_to(net, pkt, mac);
        else if (known < 0)
            drop_neighbour(net, pkt);
        return;
    }
    case ROUTE_NONE:
    case ROUTE_SELF:
        drop_neighbour(net, pkt);
        return;
    }
}

void net_send_segment(struct net *net, const struct tcp_tuple *tuple, struct wire_tcp *segment)
{
    struct pkt *pkt = net_out_room(net) ? pkt_alloc(&net->pool, PKT_FOR_STACK) : NULL;
    if (!pkt) {
        net->stats.drop_no_pkt++;
        return;
    }
    wire_tcp_emit(pkt_push(pkt, (uint32_t)wire_tcp_length(segment)), segment);
    wire_tcp_seal(pkt->data, (uint16_t)pkt->len, tuple->local, tuple->peer);
    net_send_ip(net, pkt, tuple->local, tuple->peer, WIRE_IP4_TCP);
}

void net_arp_output(struct net *net)
{
    struct mac mac;
    struct pkt *pkt;
    while (net_out_room(net) && (pkt = arp_release(&net->arp, &mac)))
        send_to(net, pkt, mac);
    while (net_out_room(net) && net->now >= arp_deadline(&net->arp)) {
        pkt = pkt_alloc(&net->pool, PKT_FOR_STACK);
        if (!pkt) {
            net->short_of_buffers = true;
            return;
        }
        if (!arp_output(&net->arp, net->now, pkt)) {
            pkt_free(pkt);
            return;
        }
        net_send_frame(net, pkt);
    }
}

static void dhcp_send(struct net *net)
{
    if (!net->config.dhcp || !dhcp_wants_output(&net->dhcp) || !net_out_room(net))
        return;
    struct pkt *pkt = pkt_alloc(&net->pool, PKT_FOR_STACK);
    if (!pkt) {
        net->short_of_buffers = true;
        return;
    }
    struct dhcp_route way;
    if (!dhcp_output(&net->dhcp, net->now, pkt, &way)) {
        pkt_free(pkt);
        return;
    }
    udp_emit(pkt, way.src, WIRE_DHCP_CLIENT_PORT, way.dst, WIRE_DHCP_SERVER_PORT);
    net_send_ip(net, pkt, way.src, way.dst, WIRE_IP4_UDP);
}

// --- connections ---------------------------------------------------------------------

// Room for one more frame, after offering the link what is queued if need be.
static bool make_room(struct net *net, uint32_t *sent)
{
    if (net_out_room(net) == 0)
        *sent += net_flush(net);
    return net_out_room(net) != 0;
}

enum turn { TURN_DONE, TURN_MORE, TURN_NO_BUFFER };

static enum turn output_some(struct net *net, struct flow *f, uint32_t *sent)
{
    for (uint32_t i = 0; i < NET_FLOW_BURST; i++) {
        if (!make_room(net, sent))
            return TURN_MORE;
        struct pkt *segment = tcp_output(&f->conn, net->now);
        if (!segment)
            return tcp_wants_output(&f->conn) ? TURN_NO_BUFFER : TURN_DONE;
        net_send_ip(net, segment, f->conn.tuple.local, f->conn.tuple.peer, WIRE_IP4_TCP);
    }
    return TURN_MORE;
}

// A turn for each dirty connection until none has anything to send or the link is full.
// One that found no buffer stays dirty for later; others may need none.
static void drain_flows(struct net *net, uint32_t *sent)
{
    struct list later;
    struct list *node;
    list_init(&later);
    while (make_room(net, sent) && (node = list_pop_front(&net->dirty))) {
        struct flow *f = EXO_CONTAINER(node, struct flow, dirty);
        const enum turn turn = output_some(net, f, sent);
        if (turn == TURN_MORE)
            list_push_back(&net->dirty, node);
        else if (turn == TURN_NO_BUFFER)
            list_push_back(&later, node);
        timers_set(&net->timers, &f->timer, tcp_deadline(&f->conn));
    }
    while ((node = list_pop_front(&later))) {
        net->short_of_buffers = true;
        list_push_back(&net->dirty, node);
    }
}

uint32_t net_egress(struct net *net)
{
    uint32_t sent = 0;
    net->short_of_buffers = false;
    dhcp_send(net);
    net_arp_output(net);
    drain_flows(net, &sent);
    net_arp_output(net); // requests for neighbours that those segments wait for
    return sent + net_flush(net);
}
