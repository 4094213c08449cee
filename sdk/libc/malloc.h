// SPDX-License-Identifier: MIT
// malloc.h - what an app may ask about the heap behind malloc, beyond C's own functions.
//
// malloc and its family live on one heap (mm/heap) over frames (sdk/glue/heap_frames), with
// a cache of small blocks for each CPU (mm/heap_cache). Every CPU may call them; a block may
// be freed on another CPU than the one it was allocated on. Every block is aligned to 16 (a debug
// heap's as its size demands).
// Without memory they return null and set errno to ENOMEM.
//
// The word heap=debug on the command line, or malloc_debug(), puts every block on pages of
// its own (sdk/glue/debug_heap.h).
#ifndef SDK_LIBC_MALLOC_H
#define SDK_LIBC_MALLOC_H

#include "mm/heap.h"

// All zeros before the first allocation. With a debug heap: its blocks and those from before.
struct heap_stats malloc_stats_now(void);

// Gives back to core at least `bytes` of memory in which no block lives, if there are so many.
// Returns the bytes that went. Small blocks in other CPUs' caches keep theirs from going.
// core_revoke_ask (core/revoke.h) asks the owner "heap" for the same.
size_t malloc_give_back(size_t bytes);

// Blocks from here on are on pages of their own. For one CPU, before others have begun:
// what they keep in their caches would still be handed out.
//
// Errors: -EXO_ENOMEM  no frame for its records.   -EXO_EEXIST  somebody else uses its addresses.
//         -EXO_ENOSPC  core's table of guarded regions is full.
//         -EXO_EBUSY   another CPU has allocated.
int malloc_debug(void);

#endif
