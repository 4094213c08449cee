// SPDX-License-Identifier: MIT
// ip4.h - which datagrams are for us: IPv4's rules for a host that does not forward.
#ifndef NETSTACK_IP_IP4_H
#define NETSTACK_IP_IP4_H

#include "netstack/ip/route.h"
#include "netstack/wire/ip4.h"

enum ip4_verdict {
    IP4_UNICAST,   // to our address
    IP4_BROADCAST, // to everybody: UDP may look at it, nobody answers it
    IP4_MALFORMED,
    IP4_BAD_SOURCE,   // nobody can be answered there, or it claims to be us
    IP4_NOT_OURS,     // another host's, a group we did not join, or one host's by broadcast
    IP4_SOURCE_ROUTE, // an option that only attackers use (RFC 7126 §4.3, §4.4)
    IP4_FRAGMENT,     // we do not reassemble
};

// Judges bytes[0..len), the part of a frame behind its Ethernet header.
//
// `group_frame`: the frame came to a broadcast or multicast hardware address. For the
// first two verdicts `out` is filled; the datagram is bytes[0..out->total_len), the
// rest of the frame is padding, its payload begins at out->header_len.
// Spec: RFC 791; RFC 1122 §3.2.1.3, §3.3.6; no TTL is too low for us (§3.2.1.7).
enum ip4_verdict ip4_accept(struct wire_ip4 *out, const struct route *route, bool group_frame,
                            const void *bytes, size_t len);

#endif
