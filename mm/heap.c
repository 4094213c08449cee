// SPDX-License-Identifier: MIT
// heap.c - allocate, resize, free: split and merge, over the size index.
#include "mm/heap.h"

#include "exo/err.h"
#include "mm/heap_state.h"

#include <string.h>

// Bytes of the block that carries a payload of `bytes`, or 0 if no block can.
static inline size_t block_bytes_for(size_t bytes)
{
    if (bytes > HEAP_MAX - HEAP_HEAD)
        return 0;
    size_t rounded = exo_align_up(bytes + HEAP_HEAD, HEAP_ALIGN);
    return EXO_MAX(rounded, HEAP_MIN);
}

static inline void count_up(struct heap *h, size_t bytes)
{
    h->used += bytes;
    h->blocks++;
    if (h->used > h->peak)
        h->peak = h->used;
}

static inline void count_down(struct heap *h, size_t bytes)
{
    exo_assert(bytes <= h->used); // else it is no block, and looked like one
    h->used -= bytes;
    h->blocks--;
}

// Makes [b, b + bytes) free memory, merged with what is free on either side. The block
// behind b has a head already; b's own says only whether the block before is free.
static void merge_free(struct heap *h, struct heap_block *b, size_t bytes)
{
    struct heap_block *next = heap_block_at(b, bytes);
    if (heap_block_is(next, HEAP_FREE)) {
        heap_index_remove(&h->index, next);
        bytes += heap_block_bytes(next);
    }
    if (heap_block_prev_is_free(b)) {
        struct heap_block *prev = heap_block_at(b, -b->prev_bytes);
        exo_assert(heap_block_is(prev, HEAP_FREE) && heap_block_bytes(prev) == b->prev_bytes);
        heap_index_remove(&h->index, prev);
        heap_block_set(b, HEAP_FREE, bytes, 0); // left behind, to catch a second free
        bytes += heap_block_bytes(prev);
        b = prev;
    }
    heap_block_set(b, HEAP_FREE, bytes, 0);
    next = heap_block_next(b);
    next->prev_bytes = bytes;
    heap_block_mark_prev_free(next, true);
    heap_index_insert(&h->index, b);
}

// Makes the first `bytes` of [b, b + whole) a used block and frees the rest, if that is
// enough for a block. [b, b + whole) is in no list.
static void settle(struct heap *h, struct heap_block *b, size_t whole, size_t bytes,
                   uint64_t prev_is_free)
{
    size_t rest_bytes = whole - bytes;
    if (rest_bytes < HEAP_MIN) {
        heap_block_set(b, HEAP_USED, whole, prev_is_free);
        heap_block_mark_prev_free(heap_block_next(b), false);
        return;
    }
    heap_block_set(b, HEAP_USED, bytes, prev_is_free);
    struct heap_block *rest = heap_block_next(b);
    heap_block_set(rest, HEAP_USED, rest_bytes, 0);
    merge_free(h, rest, rest_bytes);
}

// A free block of at least `bytes`, out of its list, or null.
static struct heap_block *take(struct heap *h, size_t bytes)
{
    struct heap_block *b = heap_index_find(&h->index, bytes);
    if (b)
        heap_index_remove(&h->index, b);
    return b;
}

// ---- the face ----

size_t heap_bytes(void)
{
    return exo_align_up(sizeof(struct heap), HEAP_ALIGN);
}

struct heap *heap_init(void *mem)
{
    exo_assert(exo_is_aligned((uintptr_t)mem, HEAP_ALIGN));
    struct heap *h = mem;
    memset(h, 0, offsetof(struct heap, index));
    heap_index_init(&h->index);
    return h;
}

int heap_add(struct heap *h, void *mem, size_t bytes)
{
    size_t lost = -(uintptr_t)mem & (HEAP_ALIGN - 1);
    size_t tables = sizeof(struct heap_region) + HEAP_PAYLOAD_START; // ours, and the end mark
    if (bytes > HEAP_MAX || bytes < lost + tables + HEAP_MIN)
        return -EXO_EINVAL;

    struct heap_region *region = (void *)((uint8_t *)mem + lost);
    size_t whole = exo_align_down(bytes - lost - tables, HEAP_ALIGN);
    *region = (struct heap_region){
        .next = h->regions, .first = (void *)(region + 1), .mem = {.ptr = mem, .len = bytes}};
    h->regions = region;
    h->total += whole;
    heap_block_set(heap_block_at(region->first, whole), HEAP_USED, 0, 0);
    heap_block_set(region->first, HEAP_USED, whole, 0);
    merge_free(h, region->first, whole);
    return 0;
}

// One free block from wall to wall: what is behind it is the end mark.
static bool is_all_free(const struct heap_region *region)
{
    return heap_block_is(region->first, HEAP_FREE) &&
           heap_block_bytes(heap_block_next(region->first)) == 0;
}

struct span heap_take_back(struct heap *h)
{
    struct heap_region **at = &h->regions;
    while (*at && !is_all_free(*at))
        at = &(*at)->next;
    struct heap_region *region = *at;
    if (!region)
        return (struct span){0};
    heap_index_remove(&h->index, region->first);
    h->total -= heap_block_bytes(region->first);
    *at = region->next;
    return region->mem;
}

void *heap_alloc(struct heap *h, size_t bytes)
{
    size_t want = block_bytes_for(bytes);
    struct heap_block *b = want ? take(h, want) : NULL;
    if (!b)
        return NULL;
    settle(h, b, heap_block_bytes(b), want, 0);
    count_up(h, heap_block_bytes(b));
    return heap_block_payload(b);
}

void *heap_alloc_aligned(struct heap *h, size_t align, size_t bytes)
{
    exo_assert(exo_is_pow2(align));
    if (align <= HEAP_ALIGN)
        return heap_alloc(h, bytes);
    size_t want = block_bytes_for(bytes);
    if (!want || align > HEAP_MAX || want + align + HEAP_ALIGN > HEAP_MAX)
        return NULL;
    struct heap_block *b = take(h, want + align + HEAP_ALIGN);
    if (!b)
        return NULL;

    // What lies before the aligned payload becomes a block again; a gap too small for
    // one is made larger by another `align`, which is at least HEAP_MIN.
    size_t whole = heap_block_bytes(b);
    size_t gap = -(uintptr_t)heap_block_payload(b) & (align - 1);
    if (gap && gap < HEAP_MIN)
        gap += align;
    struct heap_block *at = heap_block_at(b, gap);
    settle(h, at, whole - gap, want, 0);
    if (gap)
        merge_free(h, b, gap);
    count_up(h, heap_block_bytes(at));
    return heap_block_payload(at);
}

void heap_free(struct heap *h, void *ptr)
{
    if (!ptr)
        return;
    struct heap_block *b = heap_block_of(ptr, HEAP_USED);
    size_t bytes = heap_block_bytes(b);
    count_down(h, bytes);
    merge_free(h, b, bytes);
}

// Room in place: the block itself, with the one behind it if that is free and needed.
// Returns the bytes from b on that are b's now and in no list; below `want` if too few.
static size_t stretch(struct heap *h, struct heap_block *b, size_t want)
{
    size_t whole = heap_block_bytes(b);
    struct heap_block *next = heap_block_next(b);
    if (whole >= want || !heap_block_is(next, HEAP_FREE) || whole + heap_block_bytes(next) < want)
        return whole;
    heap_index_remove(&h->index, next);
    return whole + heap_block_bytes(next);
}

bool heap_resize(struct heap *h, void *ptr, size_t bytes)
{
    struct heap_block *b = heap_block_of(ptr, HEAP_USED);
    size_t want = block_bytes_for(bytes);
    size_t had = heap_block_bytes(b);
    if (!want)
        return false;
    size_t whole = stretch(h, b, want);
    if (whole < want)
        return false;
    count_down(h, had);
    settle(h, b, whole, want, heap_block_prev_is_free(b));
    count_up(h, heap_block_bytes(b));
    return true;
}

void *heap_realloc(struct heap *h, void *ptr, size_t bytes)
{
    if (!ptr)
        return heap_alloc(h, bytes);
    if (heap_resize(h, ptr, bytes))
        return ptr;
    void *moved = heap_alloc(h, bytes);
    if (!moved)
        return NULL;
    memcpy(moved, ptr, heap_size(ptr));
    heap_free(h, ptr);
    return moved;
}

size_t heap_size(const void *ptr)
{
    return heap_block_bytes(heap_block_of(ptr, HEAP_USED)) - HEAP_HEAD;
}

struct heap_stats heap_stats(const struct heap *h)
{
    return (struct heap_stats){
        .total = h->total,
        .used = h->used,
        .blocks = h->blocks,
        .peak = h->peak,
        .largest = heap_index_largest(&h->index),
    };
}
