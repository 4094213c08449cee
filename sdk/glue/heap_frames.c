// SPDX-License-Identifier: MIT
// heap_frames.c - claims runs of frames and hands them to a heap.
#include "sdk/glue/heap_frames.h"

#include "core/frame.h"
#include "exo/bits.h"
#include "exo/err.h"

#define FIRST_RUN_FRAMES 16u

// Frames that make sure of one block of `bytes`: a size class may be an eighth larger
// than the block, and the heap keeps headers of its own in each run.
static uint64_t frames_needed(size_t align, size_t bytes)
{
    return (bytes + bytes / 8 + align + CORE_FRAME_BYTES - 1) / CORE_FRAME_BYTES + 1;
}

// As much again as there is, but at most a quarter of what is left: others need frames too.
static uint64_t frames_wanted(const struct heap_frames *f)
{
    uint64_t wanted = EXO_MAX(f->claimed, FIRST_RUN_FRAMES);
    return EXO_MIN(wanted, core_frame_stats().free / 4);
}

// Claims between `least` and `wanted` frames in a row; returns how many, 0 for none.
static uint64_t claim_run(uint64_t least, uint64_t wanted, struct pa *at)
{
    for (uint64_t count = EXO_MAX(wanted, least);; count = EXO_MAX(count / 2, least)) {
        if (core_frame_claim(NULL, count, 1, at) == 0)
            return count;
        if (count == least)
            return 0;
    }
}

int heap_frames_grow(struct heap_frames *f, size_t align, size_t bytes)
{
    if (bytes > SIZE_MAX / 4 || align > SIZE_MAX / 4)
        return -EXO_ENOMEM;
    size_t table_bytes = f->heap ? 0 : heap_bytes();
    struct pa at;
    uint64_t count = claim_run(frames_needed(align, bytes + table_bytes), frames_wanted(f), &at);
    if (count == 0)
        return -EXO_ENOMEM;

    uint8_t *run = core_phys(at);
    if (!f->heap)
        f->heap = heap_init(run);
    f->claimed += count;
    return heap_add(f->heap, run + table_bytes, count * CORE_FRAME_BYTES - table_bytes);
}
