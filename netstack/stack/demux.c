// SPDX-License-Identifier: MIT
// demux.c - hashing with chains.
#include "netstack/stack/demux.h"

#include "exo/assert.h"

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
    const size_t skipped = sizeof tuple->local;
    const uint8_t *bytes = (const uint8_t *)tuple + skipped;
    return &d->chains[siphash(&d->key, bytes, sizeof *tuple - skipped) & d->mask];
}

static bool same(const struct tcp_tuple *a, const struct tcp_tuple *b)
{
    const bool same_ports = (a->peer_port == b->peer_port) & (a->local_port == b->local_port);
    return same_ports & ip4_eq(a->peer, b->peer) & ip4_eq(a->local, b->local);
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
