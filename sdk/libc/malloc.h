// SPDX-License-Identifier: MIT
// malloc.h - what an app may ask about the heap behind malloc, beyond C's own functions.
//
// malloc and its family live on one heap (mm/heap) over frames (sdk/glue/heap_frames).
// Every block is aligned to 16. Without memory they return null and set errno.
#ifndef SDK_LIBC_MALLOC_H
#define SDK_LIBC_MALLOC_H

#include "mm/heap.h"

// All zeros before the first allocation.
struct heap_stats malloc_stats_now(void);

#endif
