// SPDX-License-Identifier: MIT
// heap_frames.c - claims runs of frames and hands them to a heap.
#include "sdk/glue/heap_frames.h"

#include "core/frame.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"

#define FIRST_RUN_FRAMES   16u
#define LARGEST_RUN_FRAMES (UINT64_C(1) << 25) // half of what heap_add takes at a time

// Frames that make sure of one block of `bytes`: a size class may be an eighth larger
// than the block, and the heap keeps headers of its own in each run.
static uint64_t frames_needed(size_t align, size_t bytes)
{
    return (bytes + bytes / 8 + align + CORE_FRAME_BYTES - 1) / CORE_FRAME_BYTES + 1;
}

// As much again as there is, as long as a heap takes it; but at most a quarter of what is left:
// others need frames too.
static uint64_t frames_wanted(const struct heap_frames *f)
{
    uint64_t wanted = EXO_MIN(EXO_MAX(f->claimed, FIRST_RUN_FRAMES), LARGEST_RUN_FRAMES);
    return EXO_MIN(wanted, core_frame_stats().free / 4);
}

// Claims between `least` and `wanted` frames in a row; returns how many, 0 for none.
static uint64_t claim_run(struct heap_frames *f, uint64_t least, uint64_t wanted, struct pa *at)
{
    for (uint64_t count = EXO_MAX(wanted, least);; count = EXO_MAX(count / 2, least)) {
        if (core_frame_claim(f->owner, count, 1, at) == 0)
            return count;
        if (count == least)
            return 0;
    }
}

// Gives the heap a run. The first one has its own tables in front, in frames that stay.
static int add(struct heap_frames *f, uint8_t *run, uint64_t count)
{
    size_t tables = f->heap ? 0 : exo_align_up(heap_bytes(), CORE_FRAME_BYTES);
    struct heap *heap = f->heap ? f->heap : heap_init(run);
    if (heap_add(heap, run + tables, count * CORE_FRAME_BYTES - tables) < 0)
        return -EXO_ENOMEM; // beyond the largest region that a heap takes
    f->heap = heap;
    f->claimed += count;
    return 0;
}

int heap_frames_grow(struct heap_frames *f, size_t align, size_t bytes)
{
    if (bytes > SIZE_MAX / 4 || align > SIZE_MAX / 4)
        return -EXO_ENOMEM;
    struct pa at;
    size_t tables = f->heap ? 0 : heap_bytes();
    uint64_t count = claim_run(f, frames_needed(align, bytes + tables), frames_wanted(f), &at);
    if (count == 0)
        return -EXO_ENOMEM;
    exo_lock_take(&f->lock);
    int failed = add(f, core_phys(at), count);
    exo_lock_give(&f->lock);
    if (failed)
        core_frame_release(f->owner, at, count);
    return failed;
}

static struct span take_back(struct heap_frames *f)
{
    if (!f->heap || !exo_lock_try(&f->lock))
        return (struct span){0};
    struct span run = heap_take_back(f->heap);
    f->claimed -= run.len / CORE_FRAME_BYTES;
    exo_lock_give(&f->lock);
    return run;
}

uint64_t heap_frames_give_back(struct heap_frames *f, uint64_t frames)
{
    uint64_t given = 0;
    while (given < frames) {
        struct span run = take_back(f);
        if (!run.ptr)
            break;
        core_frame_release(f->owner, core_phys_of(run.ptr), run.len / CORE_FRAME_BYTES);
        given += run.len / CORE_FRAME_BYTES;
    }
    return given;
}
