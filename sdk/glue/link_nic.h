// SPDX-License-Identifier: MIT
// link_nic.h - a NIC as the link of a stack: packets are lent to the device in place.
//
//     pool ─► receive ring ─► device ─► link.rx ─► stack
//     stack ─► link.tx ─► transmit ring ─► device ─► reaped: the reference is dropped
//
// Nothing is copied: a pkt's bytes are what the device reads and writes, so the pool
// must lie in frames (core_phys). A ring that is full leaves packets with the stack.
#ifndef SDK_GLUE_LINK_NIC_H
#define SDK_GLUE_LINK_NIC_H

#include "dev/nic.h"
#include "netstack/link/net_link.h"

struct link_nic {
    struct nic *nic;       // null once the device has failed: the link is then a dead end
    struct pkt_pool *pool; // null until link_nic_attach
    uint32_t rx_wanted;    // buffers that we keep in the receive ring, if the pool allows
    uint32_t rx_posted;    // buffers that are there now
    bool tx_full;          // the stack holds a packet that did not fit
};

// Fills `link` for net_init, with `l` as its ctx. Owner: takes the NIC.
void link_nic_init(struct link_nic *l, struct nic *nic, struct net_link *link);

// Names the stack's pool and fills the receive ring from it.
void link_nic_attach(struct link_nic *l, struct pkt_pool *pool);

// Closes the NIC. Buffers that it held are lost to the pool: drop the stack afterwards,
// or let it run on a link that has gone.
void link_nic_fini(struct link_nic *l);

#endif
