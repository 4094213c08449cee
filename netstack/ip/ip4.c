// SPDX-License-Identifier: MIT
// ip4.c - which datagrams are for us.
#include "netstack/ip/ip4.h"

// RFC 1122 §3.2.1.3: a source must be one host, and not one on our side of the wire.
static bool source_is_bad(const struct route *route, struct ip4 src)
{
    return !route_is_host(route, src) || ip4_eq(src, route->addr);
}

enum ip4_verdict ip4_accept(struct wire_ip4 *out, const struct route *route, bool group_frame,
                            const void *bytes, size_t len)
{
    if (!wire_ip4_parse(out, bytes, len))
        return IP4_MALFORMED;
    const bool broadcast = route_is_broadcast(route, out->dst);
    // Without an address, `addr` is 0.0.0.0 and no destination may pass for it.
    const bool ours = !ip4_is_any(out->dst) && ip4_eq(out->dst, route->addr);
    // RFC 1122 §3.3.6: a datagram for one host has no business in a broadcast frame.
    if (ours ? group_frame : !broadcast)
        return IP4_NOT_OURS;
    if (source_is_bad(route, out->src))
        return IP4_BAD_SOURCE;
    if (out->source_route)
        return IP4_SOURCE_ROUTE;
    if (out->more_fragments | out->fragment_offset)
        return IP4_FRAGMENT;
    return ours ? IP4_UNICAST : IP4_BROADCAST;
}
