// SPDX-License-Identifier: MIT
// owner.c - the table of those who own frames.
#include "core/owner.h"

#include "core/state.h"
#include "exo/assert.h"
#include "exo/err.h"

int core_owner_init(struct core_owner *owner)
{
    exo_assert(owner->name && owner->tag == 0);
    for (uint16_t i = 0; i < CORE_OWNER_MAX; i++) {
        if (core_state.owners[i])
            continue;
        owner->frames = 0;
        owner->tag = i + 1;
        core_state.owners[i] = owner;
        return 0;
    }
    return -EXO_ENOSPC;
}

void core_owner_fini(struct core_owner *owner)
{
    exo_assert(owner->tag != 0 && owner->frames == 0);
    core_state.owners[owner->tag - 1] = NULL;
    owner->tag = 0;
}
