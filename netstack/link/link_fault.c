// SPDX-License-Identifier: MIT
// link_fault.c - a bad cable in front of a good link.
#include "netstack/link/link_fault.h"

#include "exo/bits.h"

// splitmix64: any seed is good, 0 included.
static uint64_t draw(struct link_fault *fault)
{
    uint64_t z = fault->rng += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static bool happens(struct link_fault *fault, uint32_t chance)
{
    return (draw(fault) & 0xffff) < chance;
}

void link_fault_init(struct link_fault *fault, const struct net_link *inner,
                     const struct link_fault_knobs *knobs, struct pkt_pool *pool, uint64_t seed)
{
    *fault = (struct link_fault){.inner = *inner, .knobs = *knobs, .pool = pool, .rng = seed};
}

void link_fault_fini(struct link_fault *fault)
{
    while (fault->waiting) {
        struct pkt *pkt = fault->waiting;
        fault->waiting = pkt->next;
        pkt_free(pkt);
    }
    fault->waiting_count = 0;
}

// Sends what is due, as long as the inner link takes it; the rest stays due.
static void flush(struct link_fault *fault)
{
    while (fault->waiting && fault->waiting->stamp <= fault->now) {
        struct pkt *pkt = fault->waiting;
        struct pkt *rest = pkt->next;
        pkt->next = NULL;
        if (fault->inner.tx(fault->inner.ctx, &pkt, 1) == 0) {
            pkt->next = rest;
            return;
        }
        fault->waiting = rest;
        fault->waiting_count--;
        fault->stats.sent++;
    }
}

static void insert(struct link_fault *fault, struct pkt *pkt)
{
    struct pkt **at = &fault->waiting;
    while (*at && (*at)->stamp <= pkt->stamp)
        at = &(*at)->next;
    pkt->next = *at;
    *at = pkt;
    fault->waiting_count++;
}

static void damage(struct link_fault *fault, struct pkt *pkt)
{
    if (pkt->len != 0 && happens(fault, fault->knobs.truncate)) {
        pkt_trim(pkt, (uint32_t)(draw(fault) % pkt->len));
        fault->stats.truncated++;
    }
    if (pkt->len != 0 && happens(fault, fault->knobs.corrupt)) {
        const uint64_t bit = draw(fault) % (pkt->len * UINT64_C(8));
        pkt->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        fault->stats.corrupted++;
    }
}

// When a frame of `len` bytes that is sent now comes out at the other side.
static exo_ns due_time(struct link_fault *fault, uint32_t len)
{
    exo_ns leaves = fault->now;
    if (fault->knobs.rate_bytes_per_s != 0) {
        const exo_ns starts = EXO_MAX(fault->line_free_at, fault->now);
        leaves = starts + EXO_S(len) / fault->knobs.rate_bytes_per_s;
        fault->line_free_at = leaves;
    }
    exo_ns due = leaves + fault->knobs.delay;
    if (fault->knobs.reorder_max != 0 && happens(fault, fault->knobs.reorder)) {
        due += draw(fault) % fault->knobs.reorder_max;
        fault->stats.reordered++;
    }
    return due;
}

static void accept(struct link_fault *fault, const struct pkt *frame)
{
    const uint32_t limit = fault->knobs.queue_frames;
    struct pkt *copy = NULL;
    if (limit == 0 || fault->waiting_count < limit)
        copy = pkt_alloc(fault->pool, PKT_FOR_STACK);
    if (!copy || frame->len > pkt_tailroom(copy)) {
        pkt_free(copy);
        fault->stats.queue_full++;
        return;
    }
    memcpy(pkt_put(copy, frame->len), frame->data, frame->len);
    damage(fault, copy);
    copy->stamp = due_time(fault, frame->len);
    insert(fault, copy);
}

static uint32_t fault_tx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct link_fault *fault = ctx;
    for (uint32_t i = 0; i < n; i++) {
        if (happens(fault, fault->knobs.lose)) {
            fault->stats.lost++;
        } else {
            accept(fault, pkts[i]);
            if (happens(fault, fault->knobs.duplicate)) {
                fault->stats.duplicated++;
                accept(fault, pkts[i]);
            }
        }
        pkt_free(pkts[i]);
    }
    flush(fault);
    return n;
}

static uint32_t fault_rx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct link_fault *fault = ctx;
    flush(fault);
    return fault->inner.rx(fault->inner.ctx, pkts, n);
}

struct net_link link_fault_link(struct link_fault *fault)
{
    struct net_link link = fault->inner;
    link.rx = fault_rx;
    link.tx = fault_tx;
    link.ctx = fault;
    return link;
}

void link_fault_set_time(struct link_fault *fault, exo_ns now)
{
    exo_assert(now >= fault->now);
    fault->now = now;
    flush(fault);
}

exo_ns link_fault_deadline(const struct link_fault *fault)
{
    return fault->waiting ? fault->waiting->stamp : EXO_NS_NEVER;
}
