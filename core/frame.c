// SPDX-License-Identifier: MIT
// frame.c - the machine's one frame pool, and who owns what of it.
#include "core/frame.h"

#include <string.h>

#include "core/bringup.h"
#include "core/direct_map.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"

// Null folds to constants where a caller writes it.
static inline struct core_owner *or_app(struct core_owner *owner)
{
    return owner ? owner : &core_state.app;
}

static inline uint16_t tag_of(const struct core_owner *owner)
{
    return owner ? owner->tag : CORE_TAG_APP;
}

static void lock(void)
{
    exo_lock_take(&core_state.frames_lock);
}

static void unlock(void)
{
    exo_lock_give(&core_state.frames_lock);
}

static __attribute__((noinline, cold)) int claim(struct core_owner *owner, uint64_t count,
                                                 uint64_t align, struct pa *out)
{
    exo_assert(tag_of(owner) != 0); // core_owner_init has seen it
    frame_know();
    lock();
    int err = frame_pool_claim(&core_state.frames, tag_of(owner), count, align, out);
    if (err == 0)
        or_app(owner)->frames += count;
    direct_map_refill();
    unlock();
    return err;
}

static bool is_being_taken(struct pa at)
{
    const uint32_t *record = frame_pool_record(&core_state.frames, at);
    return record && (*record & FRAME_OWNER_MASK) == CORE_TAG_TAKEN;
}

// Says what is wrong with a release, and ends the machine.
static __attribute__((noinline, cold)) _Noreturn void refuse(const struct core_owner *owner,
                                                             struct pa at, uint64_t count)
{
    const uint32_t *record = NULL;
    for (uint64_t i = 0; i < count && (!record || *record == owner->tag); i++)
        record = frame_pool_record(&core_state.frames, (struct pa){at.v + i * CORE_FRAME_BYTES});
    const struct core_owner *other = owner_of_tag(record ? *record & FRAME_OWNER_MASK : 0);
    core_panic("%s releases %llu frames at %#llx; %s owns one of them, and %u pages show it",
               owner->name, (unsigned long long)count, (unsigned long long)at.v,
               other ? other->name : "nobody", record ? (unsigned)(*record >> 16) : 0u);
}

static void release_checked(struct core_owner *owner, struct pa at, uint64_t count)
{
    if (!frame_pool_is_idle(&core_state.frames, owner->tag, at, count))
        refuse(owner, at, count);
    frame_pool_release(&core_state.frames, owner->tag, at, count);
    owner->frames -= count;
}

// An owner may release what another CPU has just begun to take from it: too late, and no
// misuse.
static void release_one(struct core_owner *owner, struct pa at)
{
    if (!is_being_taken(at))
        release_checked(owner, at, 1);
}

static __attribute__((noinline, cold)) void release(struct core_owner *owner, struct pa at,
                                                    uint64_t count)
{
    exo_assert(tag_of(owner) != 0);
    lock();
    if (owner && owner == core_state.revoked) {
        for (uint64_t i = 0; i < count; i++)
            release_one(owner, (struct pa){at.v + i * CORE_FRAME_BYTES});
    } else {
        release_checked(or_app(owner), at, count);
    }
    unlock();
}

// These two are `inline` so that the linker merges them into callers: a frame out of the
// hand takes fewer instructions than the call.
inline int core_frame_claim(struct core_owner *owner, uint64_t count, uint64_t align,
                            struct pa *out)
{
    if (count == 1 && align == 1 && tag_of(owner) != 0) {
        lock();
        bool done = frame_hand_claim(&core_state.frames.hand, tag_of(owner), out);
        if (done)
            or_app(owner)->frames++;
        unlock();
        if (__builtin_expect(done, 1))
            return 0;
    }
    return claim(owner, count, align, out);
}

inline void core_frame_release(struct core_owner *owner, struct pa at, uint64_t count)
{
    if (count == 1 && tag_of(owner) != 0) {
        lock();
        bool done = frame_hand_release(&core_state.frames.hand, tag_of(owner), at);
        if (done)
            or_app(owner)->frames--;
        unlock();
        if (__builtin_expect(done, 1))
            return;
    }
    release(owner, at, count);
}

int core_frame_claim_at(struct core_owner *owner, struct pa at, uint64_t count)
{
    exo_assert(tag_of(owner) != 0);
    frame_know();
    lock();
    int err = frame_pool_claim_at(&core_state.frames, tag_of(owner), at, count);
    if (err == 0)
        or_app(owner)->frames += count;
    direct_map_refill();
    unlock();
    return err;
}

// From its owner to core, which nobody can take it from. False: another CPU just has.
static bool hand_over(struct core_owner *owner, struct pa at)
{
    lock();
    bool was_taken = owner == core_state.revoked && is_being_taken(at);
    if (!was_taken) {
        if (!frame_pool_is_idle(&core_state.frames, owner->tag, at, 1))
            refuse(owner, at, 1);
        *frame_pool_record(&core_state.frames, at) = CORE_TAG_CORE;
        owner->frames--;
        core_state.core.frames++;
    }
    unlock();
    return !was_taken;
}

void core_frame_release_zeroed(struct core_owner *owner, struct pa at, uint64_t count)
{
    exo_assert(tag_of(owner) != 0);
    for (uint64_t i = 0; i < count; i++) {
        struct pa frame = {at.v + i * CORE_FRAME_BYTES};
        if (!hand_over(or_app(owner), frame))
            continue;
        memset(core_phys(frame), 0, CORE_FRAME_BYTES);
        core_frame_release(&core_state.core, frame, 1);
    }
}

static uint64_t owned_by_all(void)
{
    uint64_t frames = core_state.core.frames + core_state.app.frames;
    for (uint32_t i = 0; i < CORE_OWNER_MAX; i++)
        frames += core_state.owners[i] ? core_state.owners[i]->frames : 0;
    return frames;
}

struct core_frame_stats core_frame_stats(void)
{
    frame_know();
    lock();
    uint64_t total = frame_pool_total(&core_state.frames) - core_state.direct_frames;
    uint64_t owned = owned_by_all();
    unlock();
    owned = EXO_MIN(owned, total); // the direct map's reserve need not be full when all is claimed
    return (struct core_frame_stats){.total = total, .free = total - owned};
}

const struct core_owner *core_frame_owner(struct pa at)
{
    lock();
    struct pa frame = {exo_align_down(at.v, CORE_FRAME_BYTES)};
    const uint32_t *record = frame_pool_record(&core_state.frames, frame);
    uint16_t tag = record ? *record & FRAME_OWNER_MASK : CORE_TAG_FREE;
    unlock();
    return owner_of_tag(tag);
}

void *core_phys(struct pa at)
{
    exo_assert(at.v < MEMMAP_LIMIT);
    return (void *)(HANDOFF_DIRECT_MAP + at.v);
}

struct pa core_phys_of(const void *ptr)
{
    uint64_t at = (uint64_t)ptr - HANDOFF_DIRECT_MAP;
    exo_assert(at < MEMMAP_LIMIT); // else it is no pointer into the direct map
    return (struct pa){at};
}

void frame_init(void)
{
    core_state.app = (struct core_owner){.name = "the app", .tag = CORE_TAG_APP};
    core_state.core = (struct core_owner){.name = "core", .tag = CORE_TAG_CORE};
    frame_pool_init(&core_state.frames, HANDOFF_DIRECT_MAP);
    core_state.frames.show = direct_map_show;
}
