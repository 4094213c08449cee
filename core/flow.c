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

static int enter(struct core_flow *flow)
{
    if (!nicq_complete(flow->nic, flow->index))
        return -EXO_ENOENT;
    if (is_taken(flow))
        return -EXO_EBUSY;
    flow->next = core_state.flows;
    core_state.flows = flow;
    return 0;
}

int core_flow_bind(struct core_flow *flow, struct core_nic nic, uint16_t index,
                   const struct core_flow_filter *filter, const char *owner)
{
    exo_assert(owner);
    *flow = (struct core_flow){.nic = nic, .index = index, .filter = *filter, .owner = owner};
    int err = -EXO_EINVAL;
    if (flow_compile(filter, &flow->rule)) {
        exo_lock_take(&core_state.nicqs_lock);
        err = enter(flow);
        exo_lock_give(&core_state.nicqs_lock);
    }
    if (err < 0)
        flow->owner = NULL;
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
