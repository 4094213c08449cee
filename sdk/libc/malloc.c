// SPDX-License-Identifier: MIT
// malloc.c - C's allocation functions over mm/heap, which grows by frames as it fills.
//
// Replaces picolibc's malloc, which wants one sbrk region. The whole family is here: a
// member left to picolibc would free our blocks into its own lists.
#include "sdk/libc/malloc.h"

#include "exo/bits.h"
#include "sdk/glue/heap_frames.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define MALLOC_ALIGN 16u

static struct heap_frames process;

static void *allocate(size_t align, size_t bytes)
{
    if (!process.heap)
        return NULL;
    return align <= MALLOC_ALIGN ? heap_alloc(process.heap, bytes)
                                 : heap_alloc_aligned(process.heap, align, bytes);
}

static void *allocate_or_grow(size_t align, size_t bytes)
{
    void *ptr = allocate(align, bytes);
    if (!ptr && heap_frames_grow(&process, align, bytes) == 0)
        ptr = allocate(align, bytes);
    if (!ptr)
        errno = ENOMEM;
    return ptr;
}

void *malloc(size_t bytes)
{
    return allocate_or_grow(MALLOC_ALIGN, bytes);
}

void *calloc(size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    void *ptr = malloc(total);
    return ptr ? memset(ptr, 0, total) : NULL;
}

void *realloc(void *ptr, size_t bytes)
{
    if (!ptr)
        return malloc(bytes);
    void *moved = heap_realloc(process.heap, ptr, bytes);
    if (!moved && heap_frames_grow(&process, MALLOC_ALIGN, bytes) == 0)
        moved = heap_realloc(process.heap, ptr, bytes);
    if (!moved)
        errno = ENOMEM;
    return moved;
}

void free(void *ptr)
{
    if (ptr)
        heap_free(process.heap, ptr);
}

void *aligned_alloc(size_t align, size_t bytes)
{
    if (!exo_is_pow2(align)) {
        errno = EINVAL;
        return NULL;
    }
    return allocate_or_grow(align, bytes);
}

void *memalign(size_t align, size_t bytes)
{
    return aligned_alloc(align, bytes);
}

int posix_memalign(void **out, size_t align, size_t bytes)
{
    if (!exo_is_pow2(align) || align < sizeof(void *))
        return EINVAL;
    int saved = errno; // POSIX: the result is the error, errno is left alone
    void *ptr = allocate_or_grow(align, bytes);
    errno = saved;
    if (!ptr)
        return ENOMEM;
    *out = ptr;
    return 0;
}

size_t malloc_usable_size(void *ptr)
{
    return ptr ? heap_size(ptr) : 0;
}

struct heap_stats malloc_stats_now(void)
{
    return process.heap ? heap_stats(process.heap) : (struct heap_stats){0};
}
