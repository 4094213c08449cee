// SPDX-License-Identifier: MIT
// owner.h - who owns page frames: a name, and the two calls by which core takes them back.
//
// Whoever keeps frames for long enough that others may want them back becomes an owner: a
// heap, a cache, a packet pool. The struct is the owner's own storage, and its address is
// what it shows to core (core/frame.h). A null owner is the app at large, which is never
// asked.
#ifndef CORE_OWNER_H
#define CORE_OWNER_H

#include "exo/types.h"

#define CORE_OWNER_MAX 64 // owners at one time

// What a frame's record says of its owner: one of these, or a registered owner's own tag.
enum {
    CORE_TAG_FREE,  // nobody
    CORE_TAG_CORE,  // core: page tables
    CORE_TAG_TAKEN, // core, on its way back from an owner who kept it too long
    CORE_TAG_APP,   // the app at large
    CORE_TAG_FIRST, // the first of the registered owners
};

struct core_owner {
    const char *name;

    // "Please release `frames` frames." May do so at once, or later before the deadline, or
    // not at all. Null: the owner cannot be asked.
    void (*give_back)(void *ctx, uint64_t frames);

    // "These frames are no longer yours": they are unmapped and zeroed. May be null.
    void (*taken)(void *ctx, const struct pa *frames, uint32_t count);

    void *ctx; // handed to both

    // Core's; zero before core_owner_init.
    uint64_t frames;   // owned now
    uint64_t may_keep; // of those, where more are asked for (core/revoke.h)
    exo_ns deadline;   // for the others
    bool is_asked;
    uint16_t tag; // what a frame's record says of its owner
};

// Registers an owner. Its storage, and the name, stay the caller's and have to last until
// core_owner_fini.
//
// Errors: -EXO_ENOSPC  CORE_OWNER_MAX owners are registered.
int core_owner_init(struct core_owner *owner);

// The owner must not own a frame any more. While frames are being taken from it on another CPU
// (core/revoke.h), this waits: not from `taken`, nor with a lock in hand that `taken` wants.
void core_owner_fini(struct core_owner *owner);

// The owner behind a tag, or null. For core itself.
const struct core_owner *owner_of_tag(uint16_t tag);

#endif
