// SPDX-License-Identifier: MIT
// dma.c - runs of frames below a limit.
#include "core/dma.h"

#include <string.h>

#include "core/frame.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"

// Any run may be a good one: frames are handed out from the bottom, but for the first
// megabyte.
static int claim_any(struct core_owner *owner, uint64_t bytes, uint64_t align, uint64_t limit,
                     struct pa *out)
{
    uint64_t frames = bytes / CORE_FRAME_BYTES;
    int err = core_frame_claim(owner, frames, align / CORE_FRAME_BYTES, out);
    if (err < 0 || (bytes <= limit && out->v <= limit - bytes))
        return err;
    core_frame_release(owner, *out, frames);
    return -EXO_ENOMEM;
}

// By number, from the limit downwards: what few devices can use no other is kept for last.
static int claim_below(struct core_owner *owner, uint64_t bytes, uint64_t align, uint64_t limit,
                       struct pa *out)
{
    if (limit < bytes)
        return -EXO_ENOMEM;
    for (uint64_t at = exo_align_down(limit - bytes, align); at > 0; at -= align) {
        *out = (struct pa){at};
        if (core_frame_claim_at(owner, *out, bytes / CORE_FRAME_BYTES) == 0)
            return 0;
    }
    return -EXO_ENOMEM;
}

int core_dma_claim(struct core_owner *owner, uint64_t bytes, uint64_t align, uint64_t limit,
                   struct core_dma *out)
{
    if (bytes == 0 || !exo_is_pow2(align))
        return -EXO_EINVAL;
    uint64_t whole = exo_align_up(bytes, CORE_FRAME_BYTES);
    if (whole == 0)
        return -EXO_ENOMEM;
    align = EXO_MAX(align, (uint64_t)CORE_FRAME_BYTES);
    struct pa pa;
    int err = claim_any(owner, whole, align, limit, &pa);
    if (err < 0 && limit != CORE_DMA_ANYWHERE)
        err = claim_below(owner, whole, align, limit, &pa);
    if (err < 0)
        return err;
    *out = (struct core_dma){.pa = pa, .bytes = whole, .owner = owner};
    out->mem = memset(core_phys(pa), 0, whole);
    return 0;
}

void core_dma_release(struct core_dma *dma)
{
    exo_assert(dma->mem);
    core_frame_release(dma->owner, dma->pa, dma->bytes / CORE_FRAME_BYTES);
    dma->mem = NULL;
}
