// SPDX-License-Identifier: MIT
// flow_match.h - which frames of a NIC a filter names: a small fixed form, and the match.
//
// A filter is a conjunction of fields, each exact or any; local ports may be a range. So a
// filter is a box in a space of six dimensions, and two filters are disjoint, equal, one
// inside the other, or crossing. core/flow.h binds no two that cross or are equal: then the
// filters that match a frame lie inside one another, and the innermost is the frame's, in
// whatever order they were bound. docs/decisions/flow-binding.md says why no more than that.
//
// A frame that could be misread has no key, and is the queue owner's: one that is cut short,
// for another station or a group, tagged (VLAN), ARP, an IPv4 fragment, or IPv4 with options.
//
// Arithmetic over bytes: bounded, without state, and at no byte beyond the frame.
#ifndef CORE_FLOW_MATCH_H
#define CORE_FLOW_MATCH_H

#include "exo/types.h"

// Zero is any, in every field but the first. "Local" is this machine's side: where a frame
// that comes in goes to, and where one that goes out comes from.
struct core_flow_filter {
    uint16_t ethertype;       // 0x0800 for IPv4, which alone has the fields below
    uint8_t protocol;         // IPv4's: 17 UDP, 6 TCP, 1 ICMP …
    uint8_t local[4];         // address
    uint8_t remote[4];        // address
    uint16_t local_port;      // TCP and UDP alone have ports; the first of a range
    uint16_t local_port_last; // of the range, inclusive; zero: the one port
    uint16_t remote_port;
};

// A filter, made ready for matching.
//
//     addresses   local << 32 | remote
//     ports       ethertype << 48 | protocol << 16 | remote port
struct core_flow_rule {
    uint64_t addresses, addresses_mask; // ones where the filter says something
    uint64_t ports, ports_mask;
    uint16_t local_first, local_span; // local port - local_first ≤ local_span
    uint32_t weight;                  // a rule inside another weighs more than that
};

// What rules look at in a frame, laid out as in the rule.
struct core_flow_key {
    uint64_t addresses;
    uint64_t ports;
    uint16_t local_port;
};

enum core_flow_way { CORE_FLOW_IN, CORE_FLOW_OUT };

enum flow_relation {
    FLOW_DISJOINT, // no frame matches both
    FLOW_EQUAL,
    FLOW_INSIDE,   // all that matches the first matches the second, and more does
    FLOW_AROUND,   // the other way round
    FLOW_CROSSING, // neither, and some frame matches both
};

// Makes a rule of a filter. False if the filter makes no sense: ports without TCP or UDP, a
// range that ends before it begins, fields of IPv4 for another ethertype, or an ethertype
// whose frames have no key.
bool flow_compile(const struct core_flow_filter *filter, struct core_flow_rule *out);

// How the frames of one rule lie to those of another.
enum flow_relation flow_relate(const struct core_flow_rule *a, const struct core_flow_rule *b);

// ---- data path ----

// Finds the key of frame[0 .. len), which comes in to, or goes out from, the station `mac`.
// False if it has none.
bool core_flow_key(const uint8_t *frame, uint32_t len, enum core_flow_way way, const uint8_t mac[6],
                   struct core_flow_key *out);

static inline bool core_flow_matches(const struct core_flow_rule *rule,
                                     const struct core_flow_key *key)
{
    uint64_t differs = (rule->addresses ^ key->addresses) & rule->addresses_mask;
    differs |= (rule->ports ^ key->ports) & rule->ports_mask;
    return !differs && (uint16_t)(key->local_port - rule->local_first) <= rule->local_span;
}

#endif
