// SPDX-License-Identifier: MIT
// pkt_pool.c - a fixed number of packet buffers and who may take the last ones.
//
//     mem │ pkt 0 … 31 │ buffer 0 (2 KiB) … 31 │ pkt 32 … 63 │ buffer 32 …
//         └──────────── a chunk ───────────────┘
//
// Chunks are carved when they are first needed.
#include "netstack/base/pkt.h"

#include "exo/bits.h"

#define CHUNK_PKTS 32u

_Static_assert(CHUNK_PKTS * sizeof(struct pkt) == PKT_BUF_BYTES,
               "a chunk's head is one buffer more");

size_t pkt_pool_bytes(uint32_t count)
{
    const size_t chunks = ((size_t)count + CHUNK_PKTS - 1) / CHUNK_PKTS;
    return (count + chunks) * PKT_BUF_BYTES;
}

void pkt_pool_init(struct pkt_pool *pool, struct carve *from, uint32_t count, uint32_t reserve)
{
    *pool = (struct pkt_pool){
        .from = from,
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
    exo_assert(pool->touched < pool->count);
    const uint32_t i = pool->touched++ % CHUNK_PKTS;
    if (i == 0) {
        const uint32_t n = EXO_MIN(CHUNK_PKTS, pool->count - pool->touched + 1);
        pool->chunk = carve_take(pool->from, (n + 1) * (size_t)PKT_BUF_BYTES);
    }
    pkt = &pool->chunk[i];
    *pkt = (struct pkt){.buf = (uint8_t *)(&pool->chunk[CHUNK_PKTS]) + (size_t)i * PKT_BUF_BYTES,
                        .pool = pool};
    return pkt;
}

uint32_t pkt_pool_spare(const struct pkt_pool *pool, enum pkt_use use)
{
    const uint32_t kept = use * pool->reserve; // for those who may go deeper
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
