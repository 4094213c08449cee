// SPDX-License-Identifier: MIT
// revoke.h - taking frames back from an owner: first with a question, then by force.
//
// Visible revocation, as in exokernels: the owner hears of it and chooses which frames it
// can spare best. Only past a deadline does core choose, and then it says which ones it took.
// Who asks whom, and for how many, is policy and not core's: any code may, on any CPU.
// (Engler, Kaashoek, O'Toole: "Exokernel", SOSP 1995, §3.4 and §3.5.)
//
//     core_revoke_ask(heap, 100, deadline)    heap->give_back(ctx, 100)
//       …                                       releases what it can spare, now or later
//     core_revoke_take(heap)                  0: nothing is owed any more. Else, past the
//                                             deadline, heap->taken(ctx, frames, count)
#ifndef CORE_REVOKE_H
#define CORE_REVOKE_H

#include "core/owner.h"

// Asks `owner` to release `frames` frames before `deadline`. Returns how many it still owes:
// it may have obeyed at once. Asking again replaces what was asked before.
uint64_t core_revoke_ask(struct core_owner *owner, uint64_t frames, exo_ns deadline);

// How many frames `owner` owes. What it claims in the meantime it owes as well.
uint64_t core_revoke_owed(const struct core_owner *owner);

// Takes what `owner` owes, by force: any frames of its, lowest first. Every page of an owner's
// region that shows one is unmapped (a large page as a whole), and no CPU uses it any more;
// then the frames are zeroed, the owner is told, and they are free. A device that was told
// to write there still can: there is no IOMMU.
//
// Returns how many frames were taken; 0 if nothing was owed.
// Errors: -EXO_EAGAIN  the deadline has not passed.
//         -EXO_EBUSY   frames are being taken on another CPU.
int64_t core_revoke_take(struct core_owner *owner);

#endif
