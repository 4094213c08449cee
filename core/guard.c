// SPDX-License-Identifier: MIT
// guard.c - a short table of watched regions, written under a lock and read without.
#include "core/guard.h"

#include "core/state.h"
#include "exo/assert.h"
#include "exo/err.h"

// A slot is free while `explain` is null, and complete before it is not: a report that
// interrupts core_guard_add, here or on another CPU, sees a whole entry or none.
static core_guard_explain *explain_of(const struct core_guard *guard)
{
    return __atomic_load_n(&guard->explain, __ATOMIC_ACQUIRE);
}

static void set_explain(struct core_guard *guard, core_guard_explain *explain)
{
    __atomic_store_n(&guard->explain, explain, __ATOMIC_RELEASE);
}

static int add(struct va start, struct va end, core_guard_explain *explain, void *ctx)
{
    struct core_guard *slot = NULL;
    for (uint32_t i = 0; i < CORE_GUARD_MAX; i++) {
        struct core_guard *guard = &core_state.guards[i];
        if (!guard->explain)
            slot = slot ? slot : guard;
        else if (start.v < guard->end && guard->start < end.v)
            return -EXO_EEXIST;
    }
    if (!slot)
        return -EXO_ENOSPC;
    slot->start = start.v;
    slot->end = end.v;
    slot->ctx = ctx;
    set_explain(slot, explain);
    return 0;
}

int core_guard_add(struct va start, struct va end, core_guard_explain *explain, void *ctx)
{
    exo_assert(explain);
    if (start.v >= end.v)
        return -EXO_EINVAL;
    exo_lock_take(&core_state.guard_lock);
    int failed = add(start, end, explain, ctx);
    exo_lock_give(&core_state.guard_lock);
    return failed;
}

void core_guard_remove(struct va start)
{
    exo_lock_take(&core_state.guard_lock);
    uint32_t i = 0;
    while (i < CORE_GUARD_MAX &&
           (!core_state.guards[i].explain || core_state.guards[i].start != start.v))
        i++;
    exo_assert(i < CORE_GUARD_MAX);
    set_explain(&core_state.guards[i], NULL);
    exo_lock_give(&core_state.guard_lock);
}

bool core_guard_find(struct va at, struct core_guard_hit *out)
{
    for (uint32_t i = 0; i < CORE_GUARD_MAX; i++) {
        const struct core_guard *guard = &core_state.guards[i];
        core_guard_explain *explain = explain_of(guard);
        if (explain && at.v >= guard->start && at.v < guard->end)
            return explain(guard->ctx, at, out);
    }
    return false;
}
