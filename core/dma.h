// SPDX-License-Identifier: MIT
// dma.h - spans of memory for devices: in one piece, within their reach, and owned.
//
// A device sees physical addresses, and some see only part of them: 32 bits for many, 24 for
// what comes from ISA. A span is a run of frames (core/frame.h) that such a device can use.
// There is no IOMMU here: what a device is told is what it can write, and more.
#ifndef CORE_DMA_H
#define CORE_DMA_H

#include "core/owner.h"
#include "exo/types.h"

#define CORE_DMA_ANYWHERE UINT64_MAX          // as a limit: 64 bits of address
#define CORE_DMA_32BIT    (UINT64_C(1) << 32) // below 4 GiB
#define CORE_DMA_24BIT    (UINT64_C(1) << 24) // below 16 MiB

struct core_dma {
    void *mem;                // aligned as asked for, zeroed
    struct pa pa;             // the same, as the device sees it
    uint64_t bytes;           // whole frames
    struct core_owner *owner; // of the frames; null is the app at large
};

// Claims at least `bytes` bytes at a multiple of `align` bytes (a power of two; a frame's
// size at least is taken), all below `limit`. A span that must not cross a boundary of so
// many bytes is one that is aligned to them.
//
// Owner:  gives the span to the caller.
// Errors: -EXO_ENOMEM  no such run is free; to know that, each frame below the limit may
//                      have to be looked at.
//         -EXO_EINVAL  `bytes` is 0, or `align` is no power of two.
int core_dma_claim(struct core_owner *owner, uint64_t bytes, uint64_t align, uint64_t limit,
                   struct core_dma *out);

// Gives a span back; it is dead afterwards. Only when the device was told to stop, and has:
// the frames go to somebody else.
void core_dma_release(struct core_dma *dma);

#endif
