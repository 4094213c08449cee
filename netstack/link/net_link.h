// SPDX-License-Identifier: MIT
// net_link.h - the seam below the stack: what a NIC looks like from inside it.
//
// The stack owns no device; whoever builds a stack hands it a link. On metal that
// is sdk/glue/link_nic.c, in tests a pair of queues and a seed. Packets are whole
// Ethernet frames without FCS. Both calls move as many as they can and return how many.
#ifndef NETSTACK_LINK_NET_LINK_H
#define NETSTACK_LINK_NET_LINK_H

#include "netstack/base/addr.h"
#include "netstack/base/pkt.h"

struct net_link {
    uint32_t (*rx)(void *ctx, struct pkt **pkts, uint32_t n); // gives pkts[0..ret) to the caller
    uint32_t (*tx)(void *ctx, struct pkt **pkts, uint32_t n); // takes one reference of pkts[0..ret)
    void *ctx;
    struct mac mac;
    uint16_t mtu_bytes;      // L3 payload; the 14-byte Ethernet header comes on top
    uint16_t headroom_bytes; // that the link needs in front of a frame it sends
};

#endif
