// SPDX-License-Identifier: MIT
// flow.c - the list of owned flows, under the lock of the queues that they belong to.
#include "core/flow.h"

#include "core/state.h"
#include "exo/assert.h"
#include "exo/err.h"

static bool is_of(const struct core_flow *flow, struct core_nic nic, uint16_t index)
{
    return flow->index == index && core_nic_same(flow->nic, nic);
}

bool flow_bound(struct core_nic nic, uint16_t index)
{
    for (const struct core_flow *at = core_state.flows; at; at = at->next) {
        if (is_of(at, nic, index))
            return true;
    }
    return false;
}

// Does a flow of the same queue stand in the way?
static bool is_taken(const struct core_flow *wanted)
{
    for (const struct core_flow *at = core_state.flows; at; at = at->next) {
        if (!is_of(at, wanted->nic, wanted->index))
            continue;
        enum flow_relation relation = flow_relate(&wanted->rule, &at->rule);
        if (relation == FLOW_EQUAL || relation == FLOW_CROSSING)
            return true;
    }
    return false;
}

static bool is_bound(const struct core_flow *flow)
{
    for (const struct core_flow *at = core_state.flows; at; at = at->next) {
        if (at == flow)
            return true;
    }
    return false;
}

static int enter(struct core_flow *flow, const struct core_flow *wanted)
{
    exo_assert(!is_bound(flow)); // still lent to the list, which a second entry would tie to a ring
    if (!nicq_complete(wanted->nic, wanted->index))
        return -EXO_ENOENT;
    if (is_taken(wanted))
        return -EXO_EBUSY;
    *flow = *wanted;
    flow->next = core_state.flows;
    core_state.flows = flow;
    return 0;
}

int core_flow_bind(struct core_flow *flow, struct core_nic nic, uint16_t index,
                   const struct core_flow_filter *filter, const char *owner)
{
    exo_assert(owner);
    struct core_flow wanted = {.nic = nic, .index = index, .filter = *filter, .owner = owner};
    if (!flow_compile(filter, &wanted.rule))
        return -EXO_EINVAL;
    exo_lock_take(&core_state.nicqs_lock);
    int err = enter(flow, &wanted);
    exo_lock_give(&core_state.nicqs_lock);
    return err;
}

void core_flow_release(struct core_flow *flow)
{
    exo_assert(flow->owner);
    exo_lock_take(&core_state.nicqs_lock);
    struct core_flow **at = &core_state.flows;
    while (*at && *at != flow)
        at = &(*at)->next;
    exo_assert(*at == flow);
    *at = flow->next;
    exo_lock_give(&core_state.nicqs_lock);
    flow->owner = NULL;
}
