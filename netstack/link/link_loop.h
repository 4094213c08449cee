// SPDX-License-Identifier: MIT
// link_loop.h - a cable: two ends, what goes in at one comes out at the other.
//
// Frames are copied into a buffer of the receiver's pool, as a NIC would: the two stacks
// share no packet, and a sender may keep a reference to what it sent.
#ifndef NETSTACK_LINK_LINK_LOOP_H
#define NETSTACK_LINK_LINK_LOOP_H

#include "netstack/link/net_link.h"

#define LINK_LOOP_FRAMES 256u // that one direction holds; more are dropped and counted

struct link_loop_end {
    struct link_loop_end *peer;
    struct pkt_pool *pool; // of the stack at this end; null: nobody is plugged in
    struct pkt_queue rx;   // on their way to this end
    uint32_t frame_max;    // bytes; longer ones are dropped
    uint64_t dropped;      // sent to this end, but too long, no buffer, no place or nobody there
};

struct link_loop {
    struct link_loop_end ends[2];
};

void link_loop_init(struct link_loop *loop);

// Frees what is under way.
void link_loop_fini(struct link_loop *loop);

// The link to hand to the stack at end 0 or 1. `loop` must outlive it and not move.
struct net_link link_loop_link(struct link_loop *loop, uint32_t end, struct mac mac,
                               uint16_t mtu_bytes);

// Says where frames for this end find their buffers. Until then they are dropped.
void link_loop_attach(struct link_loop *loop, uint32_t end, struct pkt_pool *pool);

#endif
