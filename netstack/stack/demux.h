// SPDX-License-Identifier: MIT
// demux.h - which connection a segment belongs to: a keyed hash table of four-tuples.
//
// Chains through the entries themselves, a secret in the hash: nobody outside can pile
// connections on one chain. Serves the connections and the memory of TIME-WAIT alike.
#ifndef NETSTACK_STACK_DEMUX_H
#define NETSTACK_STACK_DEMUX_H

#include "netstack/base/siphash.h"
#include "netstack/tcp/tcp.h"

struct demux_entry { // embedded in what is looked up
    struct tcp_tuple tuple;
    struct demux_entry *next; // on its chain
};

struct demux {
    struct siphash_key key;
    struct demux_entry **chains;
    uint32_t mask; // chains less one; they are a power of two
    uint32_t count;
};

// `chains` has chain_count places, a power of two.
void demux_init(struct demux *d, struct demux_entry **chains, uint32_t chain_count,
                struct siphash_key key);

struct demux_entry *demux_find(const struct demux *d, const struct tcp_tuple *tuple);

// The tuple must not be in the table yet.
void demux_add(struct demux *d, struct demux_entry *entry);

// The entry must be in the table.
void demux_remove(struct demux *d, struct demux_entry *entry);

#endif
