// SPDX-License-Identifier: MIT
// revoke.c - marks what is owed, unmaps it, wipes it, tells its owner, frees it.
#include "core/revoke.h"

#include <string.h>

#include "core/clock.h"
#include "core/frame.h"
#include "core/frame_pool.h"
#include "core/pt.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/cpu.h"

uint64_t core_revoke_owed(const struct core_owner *owner)
{
    uint64_t frames = __atomic_load_n(&owner->frames, __ATOMIC_RELAXED);
    return owner->is_asked && frames > owner->may_keep ? frames - owner->may_keep : 0;
}

uint64_t core_revoke_ask(struct core_owner *owner, uint64_t frames, exo_ns deadline)
{
    exo_assert(owner->tag >= CORE_TAG_FIRST);
    uint64_t owned = __atomic_load_n(&owner->frames, __ATOMIC_RELAXED);
    owner->may_keep = owned - EXO_MIN(frames, owned);
    owner->deadline = deadline;
    owner->is_asked = true;
    if (owner->give_back && core_revoke_owed(owner) > 0)
        owner->give_back(owner->ctx, core_revoke_owed(owner));
    return core_revoke_owed(owner);
}

// Moves up to `most` frames from tag to tag, each step under the lock for one word of frames
// only. Returns how many there were; `mapped` adds up the pages that show them.
static uint64_t mark(struct core_owner *owner, uint64_t most, uint64_t *mapped)
{
    struct frame_cursor cursor = {0};
    uint64_t marked = 0;
    while (marked < most && !cursor.at_end) {
        struct pa frames[FRAME_WORD];
        exo_lock_take(&core_state.frames_lock);
        uint64_t n = frame_pool_find(&core_state.frames, &cursor, owner->tag,
                                     EXO_MIN(most - marked, (uint64_t)FRAME_WORD), frames);
        for (uint64_t i = 0; i < n; i++) {
            uint32_t *record = frame_pool_record(&core_state.frames, frames[i]);
            *mapped += *record >> 16;
            *record = (*record & ~FRAME_OWNER_MASK) | CORE_TAG_TAKEN;
        }
        owner->frames -= n;
        core_state.core.frames += n;
        exo_lock_give(&core_state.frames_lock);
        marked += n;
    }
    return marked;
}

static bool is_idle(struct pa frame)
{
    exo_lock_take(&core_state.frames_lock);
    bool idle = frame_pool_is_idle(&core_state.frames, CORE_TAG_TAKEN, frame, 1);
    exo_lock_give(&core_state.frames_lock);
    return idle;
}

// Another CPU may be between the two halves of an unmapping, a few instructions apart.
static void wipe(struct pa frame)
{
    while (!is_idle(frame))
        hal_pause();
    memset(core_phys(frame), 0, CORE_FRAME_BYTES);
}

static void pass_on(struct core_owner *owner, const struct pa *frames, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        wipe(frames[i]);
    if (owner->taken && count > 0)
        owner->taken(owner->ctx, frames, count);
    for (uint32_t i = 0; i < count; i++) {
        exo_lock_take(&core_state.frames_lock);
        frame_pool_release(&core_state.frames, CORE_TAG_TAKEN, frames[i], 1);
        core_state.core.frames--;
        exo_lock_give(&core_state.frames_lock);
    }
}

static void pass_all_on(struct core_owner *owner)
{
    struct frame_cursor cursor = {0};
    while (!cursor.at_end) {
        struct pa frames[FRAME_WORD];
        exo_lock_take(&core_state.frames_lock);
        uint64_t n =
            frame_pool_find(&core_state.frames, &cursor, CORE_TAG_TAKEN, FRAME_WORD, frames);
        exo_lock_give(&core_state.frames_lock);
        pass_on(owner, frames, (uint32_t)n);
    }
}

int64_t core_revoke_take(struct core_owner *owner)
{
    uint64_t owed = core_revoke_owed(owner);
    if (owed == 0)
        return 0;
    if (core_clock_now() < owner->deadline)
        return -EXO_EAGAIN;
    if (!exo_lock_try(&core_state.revoke_lock))
        return -EXO_EBUSY;
    core_state.revoked = owner;
    uint64_t mapped = 0;
    uint64_t marked = mark(owner, owed, &mapped);
    if (mapped > 0)
        pt_unmap_taken();
    pass_all_on(owner);
    core_state.revoked = NULL;
    owner->is_asked = false;
    exo_lock_give(&core_state.revoke_lock);
    return (int64_t)marked;
}
