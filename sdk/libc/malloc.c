// SPDX-License-Identifier: MIT
// malloc.c - C's allocation functions over mm/heap, which grows by frames as it fills.
//
// Replaces picolibc's malloc, which wants one sbrk region. The whole family is here: a
// member left to picolibc would free our blocks into its own lists.
//
// The fast path asks this CPU's cache. Whatever is unusual (the first call on a CPU, a size
// that is not cached, an empty or a full cache, misuse, a debug heap) finds no cache or is
// refused by it, and goes the slow path, which looks at everything.
#include "sdk/libc/malloc.h"

#include "core/cpu.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/panic.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/apics.h"
#include "mm/heap_cache.h"
#include "sdk/glue/debug_heap.h"
#include "sdk/glue/heap_frames.h"
#include "sdk/start/start.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define MALLOC_ALIGN 16u

_Static_assert(sizeof(struct heap_cache) <= CORE_FRAME_BYTES, "a cache is one frame");

static struct {
    struct heap_frames frames;
    struct heap_cache *caches[HAL_CPUS_MAX]; // by CPU
    struct exo_lock begin_lock;
    bool begun;
} process;

// --- the slow path ---------------------------------------------------------------

// This CPU's cache; null if there is none and no frame for one.
static struct heap_cache *cache_here(void)
{
    struct core_cpu *cpu = core_cpu_self();
    struct pa at;
    if (cpu->heap_cache || core_frame_claim(process.frames.owner, 1, 1, &at) != 0)
        return cpu->heap_cache;
    struct heap_cache *cache = core_phys(at);
    heap_cache_init(cache);
    cpu->heap_cache = cache;
    __atomic_store_n(&process.caches[cpu->index], cache, __ATOMIC_RELEASE);
    return cache;
}

static void *try(struct heap_cache *cache, size_t align, size_t bytes)
{
    struct heap *heap = process.frames.heap;
    if (!heap)
        return NULL;
    exo_lock_take(&process.frames.lock);
    void *ptr = align > MALLOC_ALIGN ? heap_alloc_aligned(heap, align, bytes)
                : cache              ? heap_cache_get(cache, heap, bytes)
                                     : heap_alloc(heap, bytes);
    exo_lock_give(&process.frames.lock);
    return ptr;
}

// core's request (core/revoke.h), on whatever CPU it is made.
static void give_back(void *ctx, uint64_t frames)
{
    (void)ctx;
    malloc_give_back(frames * CORE_FRAME_BYTES);
}

// What goes by force goes from under blocks that are in use.
static void taken(void *ctx, const struct pa *frames, uint32_t count)
{
    (void)ctx;
    core_panic("malloc: %u frames of the heap were taken by force, the first at %#llx",
               (unsigned)count, (unsigned long long)frames[0].v);
}

static void own_frames(void)
{
    static struct core_owner heap = {.name = "heap", .give_back = give_back, .taken = taken};
    int failed = core_owner_init(&heap);
    process.frames.owner = failed ? NULL : &heap;
    if (failed)
        core_log("malloc: the heap's frames are the app's at large (error %d)", -failed);
}

// An app that wants to be debugged and cannot be is told.
static void obey_cmdline(void)
{
    int failed = start_was_told(ARGS_HEAP_DEBUG) ? debug_heap_on() : 0;
    if (failed)
        core_log("malloc: no debug heap (error %d): blocks are ordinary ones", -failed);
}

// Before the first allocation of all.
static void begin(void)
{
    if (__atomic_load_n(&process.begun, __ATOMIC_ACQUIRE))
        return;
    exo_lock_take(&process.begin_lock);
    if (!process.begun) {
        own_frames();
        obey_cmdline();
    }
    __atomic_store_n(&process.begun, true, __ATOMIC_RELEASE);
    exo_lock_give(&process.begin_lock);
}

// Each growth is as large as the block, so this ends: with it, or without frames.
static void *allocate(size_t align, size_t bytes)
{
    begin();
    void *ptr;
    if (debug_heap_is_on()) {
        ptr = debug_heap_alloc(align, bytes);
    } else {
        struct heap_cache *cache = cache_here();
        do
            ptr = try(cache, align, bytes);
        while (!ptr && heap_frames_grow(&process.frames, align, bytes) == 0);
    }
    if (!ptr)
        errno = ENOMEM;
    return ptr;
}

// The smallest blocks have room for 24 bytes; the cache wants to be asked for more than 8.
__attribute__((noinline)) static void *malloc_slow(size_t bytes)
{
    struct heap_cache *cache = core_cpu_heap_cache();
    void *ptr = cache && bytes < 9 ? heap_cache_alloc(cache, 9) : NULL;
    return ptr ? ptr : allocate(1, bytes);
}

__attribute__((noinline)) static void free_slow(void *ptr)
{
    if (debug_heap_owns(ptr)) {
        debug_heap_free(ptr);
        return;
    }
    struct heap_cache *cache = core_cpu_heap_cache();
    exo_lock_take(&process.frames.lock);
    if (cache)
        heap_cache_put(cache, process.frames.heap, ptr);
    else
        heap_free(process.frames.heap, ptr);
    exo_lock_give(&process.frames.lock);
}

// --- C's functions ---------------------------------------------------------------

void *malloc(size_t bytes)
{
    struct heap_cache *cache = core_cpu_heap_cache();
    void *ptr = cache ? heap_cache_alloc(cache, bytes) : NULL;
    return ptr ? ptr : malloc_slow(bytes);
}

void free(void *ptr)
{
    if (!ptr)
        return;
    struct heap_cache *cache = core_cpu_heap_cache();
    if (!cache || !heap_cache_free(cache, ptr))
        free_slow(ptr);
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

static bool resize(void *ptr, size_t bytes)
{
    if (debug_heap_owns(ptr))
        return false; // always moves, so that whoever kept the old pointer faults
    exo_lock_take(&process.frames.lock);
    bool resized = heap_resize(process.frames.heap, ptr, bytes);
    exo_lock_give(&process.frames.lock);
    return resized;
}

void *realloc(void *ptr, size_t bytes)
{
    if (!ptr || resize(ptr, bytes))
        return ptr ? ptr : malloc(bytes);
    size_t had = malloc_usable_size(ptr);
    void *moved = malloc(bytes);
    if (!moved)
        return NULL;
    memcpy(moved, ptr, EXO_MIN(had, bytes));
    free(ptr);
    return moved;
}

void *aligned_alloc(size_t align, size_t bytes)
{
    if (!exo_is_pow2(align)) {
        errno = EINVAL;
        return NULL;
    }
    begin(); // which may turn the debug heap on
    bool is_any_block = align <= MALLOC_ALIGN && !debug_heap_is_on();
    return is_any_block ? malloc(bytes) : allocate(align, bytes);
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
    void *ptr = aligned_alloc(align, bytes);
    errno = saved;
    if (!ptr)
        return ENOMEM;
    *out = ptr;
    return 0;
}

size_t malloc_usable_size(void *ptr)
{
    if (!ptr)
        return 0;
    return debug_heap_owns(ptr) ? debug_heap_size(ptr) : heap_size(ptr);
}

// --- what an app may ask ---------------------------------------------------------

static struct heap_stats heap_stats_now(void)
{
    exo_lock_take(&process.frames.lock);
    struct heap_stats stats = heap_stats(process.frames.heap);
    exo_lock_give(&process.frames.lock);
    for (uint32_t i = 0; i < HAL_CPUS_MAX; i++) {
        struct heap_cache *cache = __atomic_load_n(&process.caches[i], __ATOMIC_ACQUIRE);
        if (cache)
            heap_cache_count(cache, &stats);
    }
    return stats;
}

struct heap_stats malloc_stats_now(void)
{
    struct heap_stats stats = process.frames.heap ? heap_stats_now() : (struct heap_stats){0};
    if (debug_heap_is_on())
        debug_heap_count(&stats);
    return stats;
}

// The lock may be held by whoever core serves at this moment, on this CPU: then nothing goes.
static void flush_cache_here(void)
{
    struct heap_cache *cache = core_cpu_heap_cache();
    if (!cache || !exo_lock_try(&process.frames.lock))
        return;
    heap_cache_flush(cache, process.frames.heap);
    exo_lock_give(&process.frames.lock);
}

size_t malloc_give_back(size_t bytes)
{
    uint64_t frames = bytes / CORE_FRAME_BYTES + (bytes % CORE_FRAME_BYTES != 0);
    flush_cache_here();
    return heap_frames_give_back(&process.frames, frames) * CORE_FRAME_BYTES;
}

int malloc_debug(void)
{
    struct core_cpu *cpu = core_cpu_self();
    begin();
    for (uint32_t i = 0; i < HAL_CPUS_MAX; i++)
        if (process.caches[i] && i != cpu->index)
            return -EXO_EBUSY;
    int failed = debug_heap_on();
    if (failed || !cpu->heap_cache)
        return failed;
    exo_lock_take(&process.frames.lock);
    heap_cache_flush(cpu->heap_cache, process.frames.heap);
    exo_lock_give(&process.frames.lock);
    core_frame_release(process.frames.owner, core_phys_of(cpu->heap_cache), 1);
    cpu->heap_cache = process.caches[cpu->index] = NULL;
    return 0;
}
