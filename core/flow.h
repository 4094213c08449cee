// SPDX-License-Identifier: MIT
// flow.h - the frames of a NIC's queue that match a filter, as a thing that is owned.
//
// A queue pair has one owner (core/nicq.h). Some of the frames that arrive in it can be given
// to others: a flow is a queue and a filter, and belongs to one owner until it is released.
// What matches no flow stays the queue owner's, who also speaks for the host: ARP, ICMP, DHCP.
// Where one filter lies inside another, the inner one's owner has the frame; filters that
// cross are refused, so that it never matters who came first.
//
// Core keeps the names. Frames are sorted where they move, by dev/nic_share.h, which asks
// core_flow_key and core_flow_matches (core/flow_match.h).
#ifndef CORE_FLOW_H
#define CORE_FLOW_H

#include "core/flow_match.h"
#include "core/nicq.h"

struct core_flow {
    struct core_flow *next; // in core's list of what is bound
    struct core_nic nic;
    uint16_t index; // the queue pair
    struct core_flow_filter filter;
    struct core_flow_rule rule; // the same, for core_flow_matches
    const char *owner;          // null: not bound
};

// Gives the frames of queue pair `index` of `nic` that match `filter` to `owner`, a literal.
//
// Owner:  borrows `flow`, and gives the frames to the caller, until core_flow_release.
// Errors: -EXO_EINVAL  the filter makes no sense (flow_compile says when).
//         -EXO_ENOENT  nobody owns the queue pair.
//         -EXO_EBUSY   a flow of this queue has an equal filter, or one that crosses it.
int core_flow_bind(struct core_flow *flow, struct core_nic nic, uint16_t index,
                   const struct core_flow_filter *filter, const char *owner);

// Takes the frames back. Before the queue pair is released.
void core_flow_release(struct core_flow *flow);

#endif
