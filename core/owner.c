// SPDX-License-Identifier: MIT
// owner.c - the table of those who own frames.
#include "core/owner.h"

#include "core/state.h"
#include "exo/assert.h"
#include "exo/err.h"
#include "exo/lock.h"
#include "hal/cpu.h"

static bool enter(struct core_owner *owner)
{
    for (uint16_t i = 0; i < CORE_OWNER_MAX; i++) {
        if (core_state.owners[i])
            continue;
        owner->tag = CORE_TAG_FIRST + i;
        core_state.owners[i] = owner;
        return true;
    }
    return false;
}

int core_owner_init(struct core_owner *owner)
{
    exo_assert(owner->name && owner->tag == CORE_TAG_FREE);
    owner->frames = 0;
    owner->is_asked = false; // it may have ended with a question open
    exo_lock_take(&core_state.frames_lock);
    bool entered = enter(owner);
    exo_lock_give(&core_state.frames_lock);
    return entered ? 0 : -EXO_ENOSPC;
}

void core_owner_fini(struct core_owner *owner)
{
    exo_assert(owner->tag >= CORE_TAG_FIRST && owner->frames == 0);
    while (__atomic_load_n(&core_state.revoked, __ATOMIC_ACQUIRE) == owner)
        hal_pause(); // the last of its frames are gone, and it is being told
    exo_lock_take(&core_state.frames_lock);
    core_state.owners[owner->tag - CORE_TAG_FIRST] = NULL;
    exo_lock_give(&core_state.frames_lock);
    owner->tag = CORE_TAG_FREE;
}

const struct core_owner *owner_of_tag(uint16_t tag)
{
    if (tag == CORE_TAG_APP)
        return &core_state.app;
    if (tag >= CORE_TAG_FIRST && tag - CORE_TAG_FIRST < CORE_OWNER_MAX)
        return core_state.owners[tag - CORE_TAG_FIRST];
    return tag == CORE_TAG_FREE ? NULL : &core_state.core;
}
