// SPDX-License-Identifier: MIT
// udp.c - bound ports and their queues.
//
// Ports are chosen on this side, so a plain hash is enough: a stranger can ask for any
// port but cannot put one into the table.
#include "netstack/udp/udp.h"

#include "exo/bits.h"
#include "exo/err.h"
#include "netstack/base/chains.h"

size_t udp_bytes(uint32_t count)
{
    const size_t socks = count * sizeof(struct udp_sock);
    const size_t chains = chains_for(count) * sizeof(struct udp_sock *);
    return exo_align_up(socks + chains, 64);
}

void udp_init(struct udp *udp, void *mem, uint32_t count, const struct net_env *env)
{
    struct udp_sock *socks = mem;
    *udp = (struct udp){
        .env = *env,
        .socks = socks,
        .chains = (struct udp_sock **)(socks + count),
        .count = count,
        .chain_count = chains_for(count),
    };
    for (uint32_t i = 0; i < udp->chain_count; i++)
        udp->chains[i] = NULL;
}

// One that was let go of, else one that was never used, else null.
static struct udp_sock *take_place(struct udp *udp)
{
    struct udp_sock *sock = udp->free;
    if (sock)
        udp->free = sock->next;
    else if (udp->touched < udp->count)
        sock = &udp->socks[udp->touched++];
    return sock;
}

static struct udp_sock **chain_of(const struct udp *udp, uint16_t port)
{
    return &udp->chains[port & (udp->chain_count - 1)];
}

struct udp_sock *udp_lookup(const struct udp *udp, uint16_t port)
{
    struct udp_sock *sock = *chain_of(udp, port);
    while (sock && sock->port != port)
        sock = sock->next;
    return sock;
}

// A free port from UDP_FIRST_RANDOM on, or 0. It starts at a random one and walks on, so
// it finds one if there is any (RFC 6056 §3.3.1).
static uint16_t random_port(struct udp *udp)
{
    const uint32_t range = 65536 - UDP_FIRST_RANDOM;
    uint32_t start;
    udp->env.random(udp->env.ctx, &start, sizeof start);
    for (uint32_t i = 0; i < range; i++) {
        const uint16_t port = (uint16_t)(UDP_FIRST_RANDOM + (start % range + i) % range);
        if (!udp_lookup(udp, port))
            return port;
    }
    return 0;
}

int udp_bind(struct udp *udp, uint16_t port, struct udp_sock **out)
{
    if (port == 0)
        port = random_port(udp);
    if (port == 0 || udp_lookup(udp, port))
        return -EXO_EADDRINUSE;
    struct udp_sock *sock = take_place(udp);
    if (!sock)
        return -EXO_ENOSPC;
    struct udp_sock **chain = chain_of(udp, port);
    *sock = (struct udp_sock){.port = port, .next = *chain};
    *chain = sock;
    *out = sock;
    return 0;
}

void udp_unbind(struct udp *udp, struct udp_sock *sock)
{
    struct udp_sock **at = chain_of(udp, sock->port);
    while (*at != sock) {
        exo_assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = sock->next;
    for (struct pkt *pkt; (pkt = pkt_queue_pop(&sock->rx)) != NULL;)
        pkt_free(pkt);
    *sock = (struct udp_sock){.next = udp->free};
    udp->free = sock;
}

enum udp_verdict udp_input(struct udp *udp, const struct wire_ip4 *ip, struct pkt *pkt,
                           struct udp_sock **out)
{
    struct wire_udp head;
    if (!wire_udp_parse(&head, pkt->data, pkt->len) || head.dst_port == 0)
        return UDP_BAD;
    if (!wire_udp_verify(pkt->data, head.len, ip->src, ip->dst))
        return UDP_BAD;
    struct udp_sock *sock = udp_lookup(udp, head.dst_port);
    if (!sock)
        return UDP_UNBOUND;
    if (sock->rx.count >= EXO_MIN(UDP_QUEUE_MAX, pkt_pool_spare(pkt->pool, PKT_FOR_APP))) {
        sock->dropped++;
        return UDP_OVERFLOW;
    }
    pkt_trim(pkt, head.len);
    pkt_pull(pkt, WIRE_UDP_BYTES);
    pkt->peer = ip->src;
    pkt->peer_port = head.src_port;
    pkt_queue_push(&sock->rx, pkt);
    *out = sock;
    return UDP_QUEUED;
}

void udp_emit(struct pkt *pkt, struct ip4 src, uint16_t src_port, struct ip4 dst, uint16_t dst_port)
{
    exo_assert(pkt->len <= UINT16_MAX - WIRE_UDP_BYTES);
    const uint16_t len = (uint16_t)(pkt->len + WIRE_UDP_BYTES);
    const struct wire_udp head = {.src_port = src_port, .dst_port = dst_port, .len = len};
    wire_udp_emit(pkt_push(pkt, WIRE_UDP_BYTES), &head);
    wire_udp_seal(pkt->data, len, src, dst);
}
