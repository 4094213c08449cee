// SPDX-License-Identifier: MIT
// frame.h - page frames: who owns which 4 KiB of physical memory.
//
// A frame is named by its physical address. Core keeps a bit and a record for each and has
// no policy: any owner (core/owner.h, null for the app at large) may ask for a frame by
// number, or for any run of frames. Contents are whatever was there before; who needs
// zeros writes zeros.
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include "core/owner.h"
#include "exo/types.h"

#define CORE_FRAME_BYTES 4096u

struct core_frame_stats {
    uint64_t total; // frames that can be claimed at all: usable memory less core's own
    uint64_t free;  // of those, not claimed now
};

// Claims `count` frames in a row, the first at a multiple of `align` frames (a power
// of two, 1 for any), and fills `out` with the physical address of the first.
//
// Owner:  gives the frames to the caller.
// Errors: -EXO_ENOMEM  no such run is free.
//         -EXO_EINVAL  `count` is 0 or `align` is no power of two.
int core_frame_claim(struct core_owner *owner, uint64_t count, uint64_t align, struct pa *out);

// Claims exactly the `count` frames that start at `at`.
//
// Errors: -EXO_EBUSY   one of them is claimed already.
//         -EXO_EINVAL  `at` is not on a frame boundary, or a frame is not usable memory or
//                      is core's own.
//         -EXO_ENOMEM  no frame for a page table of the direct map (core_phys).
int core_frame_claim_at(struct core_owner *owner, struct pa at, uint64_t count);

// Gives frames back. Releasing a frame that `owner` does not own, or that a page still shows,
// is misuse (asserted).
void core_frame_release(struct core_owner *owner, struct pa at, uint64_t count);

// The same, and nobody who claims them later sees what was in them.
void core_frame_release_zeroed(struct core_owner *owner, struct pa at, uint64_t count);

// Who owns the frame that holds `at`; null for a free one and for what is no frame. The app
// at large and core itself have names too.
const struct core_owner *core_frame_owner(struct pa at);

struct core_frame_stats core_frame_stats(void);

// Where the bytes of physical memory are seen: core maps all usable memory, readable
// and writable, never executable, at one fixed distance. Valid for claimed frames.
void *core_phys(struct pa at);

// The inverse, for memory that core_phys gave (the heap, pools, rings).
struct pa core_phys_of(const void *ptr);

#endif
