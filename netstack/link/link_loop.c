// SPDX-License-Identifier: MIT
// link_loop.c - a cable.
#include "netstack/link/link_loop.h"

enum { ETH_BYTES = 14 };

void link_loop_init(struct link_loop *loop)
{
    *loop = (struct link_loop){0};
    loop->ends[0].peer = &loop->ends[1];
    loop->ends[1].peer = &loop->ends[0];
}

void link_loop_fini(struct link_loop *loop)
{
    for (uint32_t i = 0; i < 2; i++)
        for (struct pkt *pkt; (pkt = pkt_queue_pop(&loop->ends[i].rx)) != NULL;)
            pkt_free(pkt);
}

void link_loop_attach(struct link_loop *loop, uint32_t end, struct pkt_pool *pool)
{
    exo_assert(end < 2);
    loop->ends[end].pool = pool;
}

static uint32_t loop_rx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct link_loop_end *end = ctx;
    uint32_t moved = 0;
    while (moved < n && (pkts[moved] = pkt_queue_pop(&end->rx)) != NULL)
        moved++;
    return moved;
}

// A buffer of the receiver's for a frame of `len` bytes, or null.
static struct pkt *place_for(struct link_loop_end *end, uint32_t len)
{
    if (!end->pool || len > end->frame_max || end->rx.count >= LINK_LOOP_FRAMES)
        return NULL;
    return pkt_alloc(end->pool, PKT_FOR_RX);
}

static uint32_t loop_tx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct link_loop_end *to = ((struct link_loop_end *)ctx)->peer;
    for (uint32_t i = 0; i < n; i++) {
        struct pkt *copy = place_for(to, pkts[i]->len);
        if (copy) {
            memcpy(pkt_put(copy, pkts[i]->len), pkts[i]->data, pkts[i]->len);
            pkt_queue_push(&to->rx, copy);
        } else {
            to->dropped++;
        }
        pkt_free(pkts[i]);
    }
    return n;
}

struct net_link link_loop_link(struct link_loop *loop, uint32_t end, struct mac mac,
                               uint16_t mtu_bytes)
{
    exo_assert(end < 2 && mtu_bytes + ETH_BYTES <= (int)(PKT_BUF_BYTES - PKT_HEADROOM));
    loop->ends[end].frame_max = (uint32_t)mtu_bytes + ETH_BYTES;
    return (struct net_link){
        .rx = loop_rx,
        .tx = loop_tx,
        .ctx = &loop->ends[end],
        .mac = mac,
        .mtu_bytes = mtu_bytes,
    };
}
