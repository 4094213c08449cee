// SPDX-License-Identifier: MIT
// route.h - where a datagram goes next: one address, one subnet, one router.
// Spec: RFC 1122 §3.3.1; RFC 1112 §6.4 (multicast on Ethernet).
#ifndef NETSTACK_IP_ROUTE_H
#define NETSTACK_IP_ROUTE_H

#include "netstack/base/addr.h"

struct route {
    struct ip4 addr;    // ours; 0.0.0.0: none yet
    uint8_t prefix_len; // 0 … 32
    struct ip4 router;  // on our link, inside the subnet or not; 0.0.0.0: none
};

enum route_kind {
    ROUTE_NONE,      // no way there: -EXO_ENETUNREACH
    ROUTE_NEIGHBOUR, // ask ARP for the hardware address of next_hop
    ROUTE_GROUP,     // broadcast or multicast: `mac` is the answer already
    ROUTE_SELF,      // our own address
};

struct route_hop {
    enum route_kind kind;
    struct ip4 next_hop; // of ROUTE_NEIGHBOUR: the destination itself, or the router
    struct mac mac;      // of ROUTE_GROUP
};

// Without an address only the limited broadcast has a way: DHCP uses it.
struct route_hop route_lookup(const struct route *route, struct ip4 dst);

// 255.255.255.255, or the broadcast address of our subnet. Subnets of /31 and /32 have
// none (RFC 3021).
bool route_is_broadcast(const struct route *route, struct ip4 addr);

// Inside our subnet, so reached without the router (which itself is reached either way).
bool route_is_on_link(const struct route *route, struct ip4 addr);

// An address that one host can have: not 0/8, 127/8, multicast, class E or a broadcast.
bool route_is_host(const struct route *route, struct ip4 addr);

#endif
