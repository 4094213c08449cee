// SPDX-License-Identifier: MIT
// frame_hold.h - mappings hold frames: what a page shows is not released under it. Core's own
// business (pt.c).
#ifndef CORE_FRAME_HOLD_H
#define CORE_FRAME_HOLD_H

#include "core/frame_pool.h"
#include "core/state.h"

// Notes one more mapping of each frame. What is no memory is not noted.
//
// Errors: -EXO_EPERM   one is core's, or nobody's.
//         -EXO_ENOSPC  FRAME_MAPPED_MAX pages show one.
int frame_hold(struct pa at, uint64_t count);

// Notes one mapping less.
void frame_let(struct pa at, uint64_t count);

// Is the frame on its way back from an owner (core/revoke.h)?
bool frame_is_taken(struct pa at);

// Does any byte of [start, end) belong to memory that core hands out, or keeps?
bool frame_is_memory(uint64_t start, uint64_t end);

// To what core never hands out: the image, and the page tables that the loader made, with the
// pages below them?
bool frame_is_kept(uint64_t start, uint64_t end);

// The common case: a frame that somebody owns. False: frame_hold finds out.
static inline bool frame_hold_one(struct pa at)
{
    exo_lock_take(&core_state.frames_lock);
    uint32_t *record = frame_pool_record(&core_state.frames, at);
    bool may = record && frame_record_may_map(*record);
    if (may)
        *record += FRAME_MAPPED_ONE;
    exo_lock_give(&core_state.frames_lock);
    return may;
}

static inline void frame_let_one(struct pa at)
{
    exo_lock_take(&core_state.frames_lock);
    uint32_t *record = frame_pool_record(&core_state.frames, at);
    if (record)
        *record -= FRAME_MAPPED_ONE;
    exo_lock_give(&core_state.frames_lock);
}

#endif
