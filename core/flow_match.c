// SPDX-License-Identifier: MIT
// flow_match.c - filters as boxes, frames as points.
#include "core/flow_match.h"

#include <string.h>

#include "exo/endian.h"

enum { // where things are in a frame (IEEE 802.3; RFC 791 §3.1 without options)
    ETH_TO = 0,
    ETH_FROM = 6,
    ETH_TYPE = 12,
    ETH_BYTES = 14,
    IP_VERSION_AND_WORDS = 0,
    IP_LEN = 2,
    IP_FRAGMENT = 6,
    IP_PROTOCOL = 9,
    IP_FROM = 12,
    IP_TO = 16,
    IP_BYTES = 20,
};

enum { TYPE_LEAST = 0x0600, TYPE_IP4 = 0x0800, TYPE_ARP = 0x0806 };
enum { TYPE_VLAN = 0x8100, TYPE_VLAN_OUTER = 0x88a8 }; // IEEE 802.1Q
enum { PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };
enum { TCP_BYTES = 20, UDP_BYTES = 8 };

#define IP_PLAIN      0x45   // version 4, five words
#define IP_IN_PIECES  0x3fff // more fragments, or an offset (RFC 791 §3.1)
#define ALL_PORTS     0xffff // as a span
#define ETHERTYPE_BIT 48
#define PROTOCOL_BIT  16

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return be32_get((struct be32){{at[0], at[1], at[2], at[3]}});
}

static bool has_key(uint16_t ethertype)
{
    return ethertype >= TYPE_LEAST && ethertype != TYPE_ARP && ethertype != TYPE_VLAN &&
           ethertype != TYPE_VLAN_OUTER;
}

static bool has_ports(uint8_t protocol)
{
    return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP;
}

// ---- rules ----

static bool makes_sense(const struct core_flow_filter *f)
{
    bool names_ports = f->local_port || f->local_port_last || f->remote_port;
    bool names_ip4 = f->protocol || get32(f->local) || get32(f->remote) || names_ports;
    if (!has_key(f->ethertype) || (names_ip4 && f->ethertype != TYPE_IP4))
        return false;
    if (names_ports && !has_ports(f->protocol))
        return false;
    return f->local_port_last == 0 || (f->local_port && f->local_port <= f->local_port_last);
}

static uint64_t if_given(uint64_t field, uint64_t mask)
{
    return field ? mask : 0;
}

// Being inside means to say at least as much, in masks, and to span no more ports; and one of
// the two strictly. So the weight grows with both.
static uint32_t weight_of(const struct core_flow_rule *rule)
{
    uint32_t bits = (uint32_t)(__builtin_popcountll(rule->addresses_mask) +
                               __builtin_popcountll(rule->ports_mask));
    return bits << 16 | (uint16_t)(ALL_PORTS - rule->local_span);
}

bool flow_compile(const struct core_flow_filter *f, struct core_flow_rule *out)
{
    if (!makes_sense(f))
        return false;
    uint64_t local = get32(f->local), remote = get32(f->remote);
    *out = (struct core_flow_rule){
        .addresses = local << 32 | remote,
        .addresses_mask =
            if_given(local, UINT64_C(0xffffffff) << 32) | if_given(remote, UINT64_C(0xffffffff)),
        .ports = (uint64_t)f->ethertype << ETHERTYPE_BIT | (uint64_t)f->protocol << PROTOCOL_BIT |
                 f->remote_port,
        .ports_mask = UINT64_C(0xffff) << ETHERTYPE_BIT |
                      if_given(f->protocol, UINT64_C(0xff) << PROTOCOL_BIT) |
                      if_given(f->remote_port, 0xffff),
        .local_span = ALL_PORTS,
    };
    if (f->local_port) {
        uint16_t last = f->local_port_last ? f->local_port_last : f->local_port;
        out->local_first = f->local_port;
        out->local_span = (uint16_t)(last - f->local_port);
    }
    out->weight = weight_of(out);
    return true;
}

static bool meet(const struct core_flow_rule *a, const struct core_flow_rule *b)
{
    uint64_t differs = (a->addresses ^ b->addresses) & a->addresses_mask & b->addresses_mask;
    differs |= (a->ports ^ b->ports) & a->ports_mask & b->ports_mask;
    return !differs && a->local_first <= b->local_first + b->local_span &&
           b->local_first <= a->local_first + a->local_span;
}

// Of two that meet: is all of `a` in `b`?
static bool within(const struct core_flow_rule *a, const struct core_flow_rule *b)
{
    return !(b->addresses_mask & ~a->addresses_mask) && !(b->ports_mask & ~a->ports_mask) &&
           a->local_first >= b->local_first &&
           a->local_first + a->local_span <= b->local_first + b->local_span;
}

enum flow_relation flow_relate(const struct core_flow_rule *a, const struct core_flow_rule *b)
{
    if (!meet(a, b))
        return FLOW_DISJOINT;
    bool inside = within(a, b), around = within(b, a);
    return inside && around ? FLOW_EQUAL
           : inside         ? FLOW_INSIDE
           : around         ? FLOW_AROUND
                            : FLOW_CROSSING;
}

// ---- keys ----

// The transport's header, whole, in the `len` bytes behind IPv4's.
static bool ports_of(const uint8_t *at, uint32_t len, uint8_t protocol, bool in,
                     struct core_flow_key *out)
{
    if (!has_ports(protocol))
        return true;
    if (len < (protocol == PROTOCOL_TCP ? TCP_BYTES : UDP_BYTES))
        return false;
    uint16_t from = get16(at), to = get16(at + 2);
    out->local_port = in ? to : from;
    out->ports |= in ? from : to;
    return true;
}

static bool ip4_key(const uint8_t *ip, uint32_t len, bool in, struct core_flow_key *out)
{
    if (len < IP_BYTES || ip[IP_VERSION_AND_WORDS] != IP_PLAIN ||
        get16(ip + IP_FRAGMENT) & IP_IN_PIECES)
        return false;
    uint32_t ip_len = get16(ip + IP_LEN); // what follows it in the frame is padding
    if (ip_len < IP_BYTES || ip_len > len)
        return false;
    uint64_t from = get32(ip + IP_FROM), to = get32(ip + IP_TO);
    out->addresses = in ? to << 32 | from : from << 32 | to;
    out->ports |= (uint64_t)ip[IP_PROTOCOL] << PROTOCOL_BIT;
    return ports_of(ip + IP_BYTES, ip_len - IP_BYTES, ip[IP_PROTOCOL], in, out);
}

bool core_flow_key(const uint8_t *frame, uint32_t len, enum core_flow_way way, const uint8_t mac[6],
                   struct core_flow_key *out)
{
    bool in = way == CORE_FLOW_IN;
    if (len < ETH_BYTES || memcmp(frame + (in ? ETH_TO : ETH_FROM), mac, 6) != 0)
        return false;
    uint16_t ethertype = get16(frame + ETH_TYPE);
    *out = (struct core_flow_key){.ports = (uint64_t)ethertype << ETHERTYPE_BIT};
    if (ethertype == TYPE_IP4)
        return ip4_key(frame + ETH_BYTES, len - ETH_BYTES, in, out);
    return has_key(ethertype);
}
