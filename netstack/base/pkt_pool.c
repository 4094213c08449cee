// SPDX-License-Identifier: MIT
// pkt_pool.c - a fixed number of packet buffers and who may take the last ones.
//
//     mem │ pkt 0 │ pkt 1 │ … │ buffer 0 (2 KiB) │ buffer 1 │ … │
#include "netstack/base/pkt.h"

#include "exo/bits.h"

size_t pkt_pool_bytes(uint32_t count)
{
    return count * (sizeof(struct pkt) + (size_t)PKT_BUF_BYTES);
}

void pkt_pool_init(struct pkt_pool *pool, void *mem, uint32_t count, uint32_t reserve)
{
    exo_assert(exo_is_aligned((uintptr_t)mem, 64));
    *pool = (struct pkt_pool){
        .pkts = mem,
        .count = count,
        .free_count = count,
        .free_min = count,
        .reserve = reserve,
    };
}

// One that came back, whose memory is warm; else one that was never out.
static struct pkt *take(struct pkt_pool *pool)
{
    struct pkt *pkt = pool->free;
    if (__builtin_expect(pkt != NULL, 1)) {
        pool->free = pkt->next;
        return pkt;
    }
    uint8_t *bufs = (uint8_t *)(pool->pkts + pool->count);
    uint32_t i = pool->touched++;
    exo_assert(i < pool->count);
    pool->pkts[i] = (struct pkt){.buf = bufs + (size_t)i * PKT_BUF_BYTES, .pool = pool};
    return &pool->pkts[i];
}

// How many buffers must stay in the pool for those who may go deeper.
static uint32_t kept_from(const struct pkt_pool *pool, enum pkt_use use)
{
    switch (use) {
    case PKT_FOR_RX:
        return pool->reserve;
    case PKT_FOR_APP:
        return 2 * pool->reserve;
    case PKT_FOR_STACK:
        break;
    }
    return 0;
}

uint32_t pkt_pool_spare(const struct pkt_pool *pool, enum pkt_use use)
{
    const uint32_t kept = kept_from(pool, use);
    return pool->free_count > kept ? pool->free_count - kept : 0;
}

struct pkt *pkt_alloc(struct pkt_pool *pool, enum pkt_use use)
{
    if (pkt_pool_spare(pool, use) == 0) {
        pool->failed++;
        return NULL;
    }
    struct pkt *pkt = take(pool);
    exo_assert(pkt->refs == 0);
    pool->free_count--;
    pool->free_min = EXO_MIN(pool->free_min, pool->free_count);

    pkt->data = pkt->buf + PKT_HEADROOM;
    pkt->len = 0;
    pkt->seq = 0;
    pkt->refs = 1;
    pkt->flags = 0;
    pkt->peer = (struct ip4){{0}};
    pkt->peer_port = 0;
    pkt->next = NULL;
    pkt->stamp = 0;
    return pkt;
}

void pkt_free(struct pkt *pkt)
{
    if (!pkt)
        return;
    exo_assert(pkt->refs != 0); // freed once too often
    if (--pkt->refs != 0)
        return;
    struct pkt_pool *pool = pkt->pool;
    pkt->next = pool->free;
    pool->free = pkt;
    pool->free_count++;
    exo_assert(pool->free_count <= pool->count);
}
