// SPDX-License-Identifier: MIT
// guard.h - regions of address space whose owners can say what a fault there means.
//
// An owner that leaves pages unmapped on purpose (below stacks, behind the blocks of a debug
// heap) registers the whole region once, with a function that explains an address in it. The
// report of a page fault asks; nobody else does:
//
//     write to 0xffffe00000004ff8: page not present (stack overflow of task counter)
//
// The function runs in the report, on its stack, while the machine is going down: it takes no
// lock of its own (core_pt_query may be asked), allocates nothing, and believes nothing that a
// wild write may have reached.
#ifndef CORE_GUARD_H
#define CORE_GUARD_H

#include "exo/types.h"

#define CORE_GUARD_MAX 8u // regions: one for each kind of owner, not for each guard page

struct core_guard_hit {
    const char *what; // "stack overflow of task", "use of a freed heap block"
    const char *name; // whose; null if it has none
    struct va start;  // the thing that was overrun or is gone
    uint64_t bytes;   // its length; 0 if it has none
};

// Explains `at`, an address in the region. False: nothing known of it, `out` is not looked at.
typedef bool core_guard_explain(void *ctx, struct va at, struct core_guard_hit *out);

// Registers [start, end). Regions do not overlap.
//
// Errors: -EXO_EINVAL  an empty region.   -EXO_EEXIST  it overlaps another.
//         -EXO_ENOSPC  there are CORE_GUARD_MAX.
int core_guard_add(struct va start, struct va end, core_guard_explain *explain, void *ctx);

// Forgets the region that begins at `start`, which must be registered.
void core_guard_remove(struct va start);

// What a fault at `at` means. False: nobody watches it, or its owner does not know.
bool core_guard_find(struct va at, struct core_guard_hit *out);

#endif
