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

uint64_t core_revoke_owed(const struct core_owner *owner)
{
    uint64_t frames = __atomic_load_n(&owner->frames, __ATOMIC_RELAXED);
    return owner->is_asked && frames > owner->may_keep ? frames - owner->may_keep : 0;
}

uint64_t core_revoke_ask(struct core_owner *owner, uint64_t frames, exo_ns deadline)
{
    exo_assert(owner->tag >= CORE_TAG_FIRST);
    exo_lock_take(&core_state.frames_lock);
    owner->may_keep = owner->frames - EXO_MIN(frames, owner->frames);
    owner->deadline = deadline;
    owner->is_asked = true;
    uint64_t owed = core_revoke_owed(owner);
    exo_lock_give(&core_state.frames_lock);
    if (owner->give_back && owed > 0)
        owner->give_back(owner->ctx, owed);
    return core_revoke_owed(owner);
}

// One step of `mark`, under the lock. What is owed it looks up each time: the owner may have
// released some meanwhile. The last step settles the question, and no later one.
static uint64_t mark_some(struct core_owner *owner, struct frame_cursor *cursor)
{
    struct pa frames[FRAME_WORD];
    uint64_t most = EXO_MIN(core_revoke_owed(owner), (uint64_t)FRAME_WORD);
    uint64_t n = frame_pool_find(&core_state.frames, cursor, owner->tag, most, frames);
    for (uint64_t i = 0; i < n; i++) {
        uint32_t *record = frame_pool_record(&core_state.frames, frames[i]);
        *record = (*record & ~FRAME_OWNER_MASK) | CORE_TAG_TAKEN;
    }
    owner->frames -= n;
    core_state.core.frames += n;
    if (cursor->at_end || core_revoke_owed(owner) == 0)
        owner->is_asked = false;
    return n;
}

// Moves what is owed from tag to tag, a word of frames at a time. Returns how many there were.
static uint64_t mark(struct core_owner *owner)
{
    struct frame_cursor cursor = {0};
    uint64_t marked = 0;
    bool is_done = false;
    while (!is_done) {
        exo_lock_take(&core_state.frames_lock);
        marked += mark_some(owner, &cursor);
        is_done = cursor.at_end || !owner->is_asked;
        exo_lock_give(&core_state.frames_lock);
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

// What shows the first of them is taken out together with all that shows the others. A page may
// come after that walk, from a CPU that held its frame before and maps it now; and a CPU may be
// between the halves of an unmapping: so as often as it takes.
static void wipe(struct pa frame)
{
    while (!is_idle(frame))
        pt_unmap_taken();
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

// What is owed and overdue. Of one question: another may be asked on another CPU.
static int64_t due(struct core_owner *owner)
{
    exo_lock_take(&core_state.frames_lock);
    uint64_t owed = core_revoke_owed(owner);
    exo_ns deadline = owner->deadline;
    exo_lock_give(&core_state.frames_lock);
    if (owed == 0)
        return 0;
    return core_clock_now() < deadline ? -EXO_EAGAIN : (int64_t)owed;
}

// The owner may end as soon as it is not the one named here (owner.c).
static int64_t take(struct core_owner *owner)
{
    __atomic_store_n(&core_state.revoked, owner, __ATOMIC_RELEASE);
    uint64_t marked = mark(owner);
    if (marked > 0)
        pass_all_on(owner);
    __atomic_store_n(&core_state.revoked, NULL, __ATOMIC_RELEASE);
    return (int64_t)marked;
}

int64_t core_revoke_take(struct core_owner *owner)
{
    int64_t frames = due(owner);
    if (frames <= 0)
        return frames;
    if (!exo_lock_try(&core_state.revoke_lock))
        return -EXO_EBUSY;
    frames = due(owner); // whoever had the lock may have taken them
    if (frames > 0)
        frames = take(owner);
    exo_lock_give(&core_state.revoke_lock);
    return frames;
}
