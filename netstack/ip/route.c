// SPDX-License-Identifier: MIT
// route.c - the next hop of a host with one address.
#include "netstack/ip/route.h"

static uint32_t mask_of(uint8_t prefix_len)
{
    return (uint32_t)(UINT64_C(0xffffffff00000000) >> prefix_len);
}

bool route_is_on_link(const struct route *route, struct ip4 addr)
{
    return ((ip4_get(addr) ^ ip4_get(route->addr)) & mask_of(route->prefix_len)) == 0;
}

bool route_is_broadcast(const struct route *route, struct ip4 addr)
{
    const bool has_own = !ip4_is_any(route->addr) & (route->prefix_len <= 30);
    const uint32_t own = ip4_get(route->addr) | ~mask_of(route->prefix_len);
    return ip4_is_broadcast(addr) | (has_own & (ip4_get(addr) == own));
}

bool route_is_host(const struct route *route, struct ip4 addr)
{
    return ip4_is_unicast(addr) && !route_is_broadcast(route, addr);
}

// RFC 1112 §6.4: the low 23 bits of the group behind 01-00-5E.
static struct mac multicast_mac(struct ip4 group)
{
    return (struct mac){{0x01, 0x00, 0x5e, group.b[1] & 0x7f, group.b[2], group.b[3]}};
}

struct route_hop route_lookup(const struct route *route, struct ip4 dst)
{
    if (route_is_broadcast(route, dst))
        return (struct route_hop){.kind = ROUTE_GROUP,
                                  .mac = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}};
    if (ip4_is_any(route->addr))
        return (struct route_hop){.kind = ROUTE_NONE};
    if (ip4_is_multicast(dst))
        return (struct route_hop){.kind = ROUTE_GROUP, .mac = multicast_mac(dst)};
    if (!ip4_is_unicast(dst))
        return (struct route_hop){.kind = ROUTE_NONE};
    if (ip4_eq(dst, route->addr))
        return (struct route_hop){.kind = ROUTE_SELF};
    if (route_is_on_link(route, dst))
        return (struct route_hop){.kind = ROUTE_NEIGHBOUR, .next_hop = dst};
    // A router is on the link even if our subnet does not hold it: clouds lease a /32 with one.
    if (!route_is_host(route, route->router) || ip4_eq(route->router, route->addr))
        return (struct route_hop){.kind = ROUTE_NONE};
    return (struct route_hop){.kind = ROUTE_NEIGHBOUR, .next_hop = route->router};
}
