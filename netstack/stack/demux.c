// SPDX-License-Identifier: MIT
// demux.c - hashing with chains.
#include "netstack/stack/demux.h"

#include "exo/assert.h"

uint32_t demux_chains(uint32_t entries)
{
    return entries > 1 ? UINT32_C(2) << (31 - __builtin_clz(entries - 1)) : 1;
}

void demux_init(struct demux *d, struct demux_entry **chains, uint32_t chain_count,
                struct siphash_key key)
{
    *d = (struct demux){.key = key, .chains = chains, .mask = chain_count - 1};
    for (uint32_t i = 0; i < chain_count; i++)
        chains[i] = NULL;
}

// The local address is left out: a stack has one.
static struct demux_entry **chain_of(const struct demux *d, const struct tcp_tuple *tuple)
{
    const uint64_t words[1] = {(uint64_t)ip4_get(tuple->peer) << 32 |
                               (uint32_t)tuple->peer_port << 16 | tuple->local_port};
    return &d->chains[siphash(&d->key, words, sizeof words) & d->mask];
}

static bool same(const struct tcp_tuple *a, const struct tcp_tuple *b)
{
    return a->peer_port == b->peer_port && a->local_port == b->local_port &&
           ip4_eq(a->peer, b->peer) && ip4_eq(a->local, b->local);
}

struct demux_entry *demux_find(const struct demux *d, const struct tcp_tuple *tuple)
{
    struct demux_entry *e = *chain_of(d, tuple);
    while (e && !same(&e->tuple, tuple))
        e = e->next;
    return e;
}

void demux_add(struct demux *d, struct demux_entry *entry)
{
    struct demux_entry **chain = chain_of(d, &entry->tuple);
    entry->next = *chain;
    *chain = entry;
    d->count++;
}

void demux_remove(struct demux *d, struct demux_entry *entry)
{
    struct demux_entry **at = chain_of(d, &entry->tuple);
    while (*at != entry) {
        exo_assert(*at);
        at = &(*at)->next;
    }
    *at = entry->next;
    entry->next = NULL;
    d->count--;
}
