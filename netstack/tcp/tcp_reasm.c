// SPDX-License-Identifier: MIT
// tcp_reasm.c - insertion into a sorted list, overlaps trimmed (RFC 9293 §3.10.7.4, "seventh").
#include "netstack/tcp/tcp_reasm.h"

#include "netstack/base/seq.h"
#include <string.h>

static uint32_t end_of(const struct pkt *pkt)
{
    return pkt->seq + pkt->len;
}

static void pull_to(struct pkt *pkt, uint32_t seq)
{
    uint32_t n = seq - pkt->seq;
    pkt_pull(pkt, n);
    pkt->seq += n;
}

void tcp_reasm_init(struct tcp_reasm *q, uint32_t max_pkts)
{
    *q = (struct tcp_reasm){.max_pkts = max_pkts};
}

bool tcp_reasm_join(struct pkt *to, struct pkt *from)
{
    if (from->len > pkt_tailroom(to) || pkt_is_shared(to))
        return false;
    uint32_t n = from->len;
    memcpy(pkt_put(to, n), from->data, n);
    pkt_free(from);
    return true;
}

// The last packet that begins at or before `seq`; null if `seq` comes before them all.
static struct pkt *find_before(const struct tcp_reasm *q, uint32_t seq)
{
    if (q->last && seq_le(q->last->seq, seq))
        return q->last; // the usual case: more of what follows the gap
    struct pkt *before = NULL;
    for (struct pkt *p = q->first; p && seq_le(p->seq, seq); p = p->next)
        before = p;
    return before;
}

// Frees the packets behind `at` (null: from the front) that `pkt` wholly covers, and
// cuts the end of `pkt` where the next one begins.
static void clear_way(struct tcp_reasm *q, struct pkt *at, struct pkt *pkt)
{
    struct pkt **link = at ? &at->next : &q->first;
    while (*link && seq_lt((*link)->seq, end_of(pkt))) {
        struct pkt *next = *link;
        if (seq_lt(end_of(pkt), end_of(next))) {
            pkt_trim(pkt, next->seq - pkt->seq);
            return;
        }
        *link = next->next;
        if (q->last == next)
            q->last = at;
        q->pkts--;
        pkt_free(next);
    }
}

static void link_behind(struct tcp_reasm *q, struct pkt *at, struct pkt *pkt)
{
    struct pkt **link = at ? &at->next : &q->first;
    pkt->next = *link;
    *link = pkt;
    if (q->last == at)
        q->last = pkt;
    q->pkts++;
}

bool tcp_reasm_insert(struct tcp_reasm *q, struct pkt *pkt)
{
    struct pkt *before = find_before(q, pkt->seq);
    if (before && seq_lt(pkt->seq, end_of(before))) {
        if (seq_le(end_of(pkt), end_of(before))) {
            pkt_free(pkt); // a repetition
            return true;
        }
        pull_to(pkt, end_of(before));
    }
    clear_way(q, before, pkt);
    if (before && end_of(before) == pkt->seq && tcp_reasm_join(before, pkt))
        return true;
    if (q->pkts >= q->max_pkts) {
        pkt_free(pkt);
        return false;
    }
    link_behind(q, before, pkt);
    return true;
}

struct pkt *tcp_reasm_pop(struct tcp_reasm *q, uint32_t rcv_nxt)
{
    while (q->first && seq_le(q->first->seq, rcv_nxt)) {
        struct pkt *pkt = q->first;
        q->first = pkt->next;
        if (!q->first)
            q->last = NULL;
        q->pkts--;
        pkt->next = NULL;
        if (seq_lt(rcv_nxt, end_of(pkt))) {
            pull_to(pkt, rcv_nxt);
            return pkt;
        }
        pkt_free(pkt); // delivered meanwhile by an in-order segment
    }
    return NULL;
}

bool tcp_reasm_block(const struct tcp_reasm *q, uint32_t seq, uint32_t *left, uint32_t *right)
{
    const struct pkt *p = q->first;
    if (!p || seq_lt(seq, p->seq))
        return false;
    uint32_t from = p->seq, to = p->seq;
    for (; p && (seq_le(p->seq, seq) || p->seq == to); p = p->next) {
        if (p->seq != to)
            from = p->seq;
        to = end_of(p);
    }
    *left = from;
    *right = to;
    return seq_lt(seq, to);
}

void tcp_reasm_clear(struct tcp_reasm *q)
{
    while (q->first) {
        struct pkt *next = q->first->next;
        pkt_free(q->first);
        q->first = next;
    }
    q->last = NULL;
    q->pkts = 0;
}
