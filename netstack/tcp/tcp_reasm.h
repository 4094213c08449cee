// SPDX-License-Identifier: MIT
// tcp_reasm.h - data that came before its turn, kept until the gap in front is filled.
//
//      rcv_nxt          first                      last
//         ├──── gap ────┤██████├── gap ──┤████├█████┤
//
// Sorted by pkt->seq, never overlapping, bounded in packets; bytes are bounded by the
// receive window, which the caller cuts to. A segment walks at most max_pkts entries,
// so that tiny segments in the worst order still cost linear time, and one that touches
// its neighbour is copied into the neighbour's tailroom, so that they pin few buffers.
#ifndef NETSTACK_TCP_TCP_REASM_H
#define NETSTACK_TCP_TCP_REASM_H

#include "netstack/base/pkt.h"

struct tcp_reasm {
    struct pkt *first; // lowest sequence number; the rest through next
    struct pkt *last;  // highest
    uint32_t pkts;     // how many
    uint32_t max_pkts; // and at most
};

void tcp_reasm_init(struct tcp_reasm *q, uint32_t max_pkts);

// Keeps what is new in `pkt` (seq and view set, view not empty). Returns false if there
// was no room; the peer will send it again.
//
// Owner: takes pkt.
bool tcp_reasm_insert(struct tcp_reasm *q, struct pkt *pkt);

// The data that begins at `rcv_nxt`, trimmed to it, or null while there is a gap.
//
// Owner: gives one packet.
struct pkt *tcp_reasm_pop(struct tcp_reasm *q, uint32_t rcv_nxt);

// The bounds of the unbroken data that `seq` lies in; false: it is not there.
bool tcp_reasm_block(const struct tcp_reasm *q, uint32_t seq, uint32_t *left, uint32_t *right);

// Drops everything.
void tcp_reasm_clear(struct tcp_reasm *q);

// Moves the bytes of `from` into the tailroom of `to` if they all fit, and frees `from`.
bool tcp_reasm_join(struct pkt *to, struct pkt *from);

#endif
