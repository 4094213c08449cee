// SPDX-License-Identifier: MIT
// frame_hold.c - counts how many pages show a frame.
#include "core/frame_hold.h"

#include "core/bringup.h"
#include "core/pt_live.h"
#include "exo/err.h"

bool frame_is_kept(uint64_t start, uint64_t end)
{
    const struct handoff *h = &core_state.handoff;
    return (start < h->kernel_pa + h->kernel_bytes && h->kernel_pa < end) ||
           (start < h->low_end && pt_reserve_start() < end);
}

bool frame_is_memory(uint64_t start, uint64_t end)
{
    frame_know();
    return memmap_overlaps(&core_state.memmap, start, end) || frame_is_kept(start, end);
}

bool frame_is_taken(struct pa at)
{
    exo_lock_take(&core_state.frames_lock);
    const uint32_t *record = frame_pool_record(&core_state.frames, at);
    bool taken = record && (*record & FRAME_OWNER_MASK) == CORE_TAG_TAKEN;
    exo_lock_give(&core_state.frames_lock);
    return taken;
}

// Memory that no record tells of was never claimed, or describes other memory.
static int hold_one(struct pa at)
{
    if (frame_hold_one(at))
        return 0;
    exo_lock_take(&core_state.frames_lock);
    const uint32_t *record = frame_pool_record(&core_state.frames, at);
    bool is_full = record && *record >> 16 == FRAME_MAPPED_MAX;
    exo_lock_give(&core_state.frames_lock);
    if (is_full)
        return -EXO_ENOSPC;
    return record || frame_is_memory(at.v, at.v + CORE_FRAME_BYTES) ? -EXO_EPERM : 0;
}

int frame_hold(struct pa at, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        int err = hold_one((struct pa){at.v + i * CORE_FRAME_BYTES});
        if (err < 0) {
            frame_let(at, i);
            return err;
        }
    }
    return 0;
}

void frame_let(struct pa at, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        frame_let_one((struct pa){at.v + i * CORE_FRAME_BYTES});
}
