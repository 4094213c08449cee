// SPDX-License-Identifier: MIT
// link_nic.c - between struct pkt and struct nic_buf.
#include "sdk/glue/link_nic.h"

#include "core/frame.h"
#include "core/log.h"
#include "exo/bits.h"

#define BURST 32u

static struct nic_buf buf_of(struct pkt *pkt, uint32_t len)
{
    return (struct nic_buf){
        .data = pkt->data,
        .pa = core_phys_of(pkt->data),
        .len = len,
        .cookie = pkt,
    };
}

// Drops our reference to everything that the device has sent.
static void reap(struct link_nic *l)
{
    struct nic_buf sent[BURST];
    uint32_t n;
    do {
        n = nic_tx_reap(l->nic, sent, BURST);
        for (uint32_t i = 0; i < n; i++)
            pkt_free(sent[i].cookie);
    } while (n == BURST);
}

// Lends up to BURST fresh buffers to the device; returns how many it took.
static uint32_t post_some(struct link_nic *l)
{
    struct nic_buf bufs[BURST];
    uint32_t missing = EXO_MIN(l->rx_wanted - l->rx_posted, BURST);
    uint32_t n = 0;
    struct pkt *pkt;
    while (n < missing && (pkt = pkt_alloc(l->pool, PKT_FOR_RX)) != NULL)
        bufs[n++] = buf_of(pkt, pkt_tailroom(pkt));
    uint32_t posted = n != 0 ? nic_rx_post(l->nic, bufs, n) : 0;
    for (uint32_t i = posted; i < n; i++)
        pkt_free(bufs[i].cookie);
    l->rx_posted += posted;
    return posted;
}

// Every post may cost the device a notification, so it waits until a burst is missing,
// unless the ring is running dry.
static void refill(struct link_nic *l)
{
    uint32_t missing = l->rx_wanted - l->rx_posted;
    if (missing < BURST && missing < l->rx_wanted / 2)
        return;
    while (post_some(l) == BURST) {
    }
}

// A device that lies is closed and left alone. The stack goes on without a link: its
// connections time out, and its owner can see why in the log.
static void give_up(struct link_nic *l)
{
    core_log("net: the %s device broke its protocol; it is closed", l->nic->driver);
    link_nic_fini(l);
}

static uint32_t link_rx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct link_nic *l = ctx;
    struct nic_buf bufs[BURST];
    if (!l->nic)
        return 0;
    uint32_t got = nic_rx_burst(l->nic, bufs, EXO_MIN(n, BURST));
    for (uint32_t i = 0; i < got; i++) {
        pkts[i] = bufs[i].cookie;
        pkts[i]->data = bufs[i].data;
        pkts[i]->len = bufs[i].len;
    }
    l->rx_posted -= got;
    reap(l);
    refill(l);
    if (l->nic->broken)
        give_up(l);
    return got;
}

static uint32_t send_some(struct link_nic *l, struct pkt **pkts, uint32_t n)
{
    struct nic_buf bufs[BURST];
    for (uint32_t i = 0; i < n; i++)
        bufs[i] = buf_of(pkts[i], pkts[i]->len);
    return nic_tx_burst(l->nic, bufs, n);
}

// A link that has gone takes everything, as a cable that is not plugged in does.
static uint32_t drop_all(struct pkt **pkts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        pkt_free(pkts[i]);
    return n;
}

static uint32_t link_tx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct link_nic *l = ctx;
    if (!l->nic)
        return drop_all(pkts, n);
    reap(l);
    uint32_t sent = 0;
    uint32_t batch, moved;
    do {
        batch = EXO_MIN(n - sent, BURST);
        moved = send_some(l, pkts + sent, batch);
        sent += moved;
    } while (moved == batch && sent < n);
    l->tx_full = sent < n;
    return sent;
}

void link_nic_init(struct link_nic *l, struct nic *nic, struct net_link *link)
{
    *l = (struct link_nic){.nic = nic};
    *link = (struct net_link){
        .rx = link_rx,
        .tx = link_tx,
        .ctx = l,
        .mtu_bytes = nic->mtu_bytes,
        .headroom_bytes = nic->headroom_bytes,
    };
    memcpy(link->mac.b, nic->mac, sizeof link->mac.b);
}

// Half of the pool at most: the other half is for sending and for what waits to be read.
void link_nic_attach(struct link_nic *l, struct pkt_pool *pool)
{
    l->pool = pool;
    l->rx_wanted = EXO_MIN(l->nic->rx_slots, pool->count / 2);
    refill(l);
}

void link_nic_fini(struct link_nic *l)
{
    if (!l->nic)
        return;
    nic_close(l->nic);
    l->nic = NULL;
    l->tx_full = false;
}
