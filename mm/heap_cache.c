// SPDX-License-Identifier: MIT
// heap_cache.c - what a cache exchanges with its heap.
#include "mm/heap_cache.h"

#include "exo/bits.h"

// What a class may hold, so that thirty classes cannot keep more than 60 KiB from the other
// CPUs: as many blocks as make 2 KiB, but a few of the large ones, too.
#define CLASS_BYTES     2048u
#define CLASS_DEPTH_MIN 4u

static uint32_t limit_of(size_t block_bytes)
{
    if (block_bytes < HEAP_MIN)
        return 0; // no block has that size: what claims to, is refused
    size_t blocks = EXO_MAX(CLASS_BYTES / block_bytes, (size_t)CLASS_DEPTH_MIN);
    return (uint32_t)EXO_MIN(blocks, (size_t)HEAP_CACHE_DEPTH);
}

void heap_cache_init(struct heap_cache *c)
{
    for (size_t i = 0; i < EXO_COUNT(c->by_bytes); i++) {
        c->by_bytes[i].count = 0;
        c->by_bytes[i].limit = limit_of(i * HEAP_ALIGN);
    }
}

// Gives the blocks of a class to the heap until `keep` are left.
static void shrink(struct heap_cache_class *class, uint32_t keep, struct heap *h)
{
    while (class->count > keep) {
        void *payload = class->payloads[--class->count];
        heap_block_retag(heap_block_of(payload, HEAP_CACHED), HEAP_CACHED, HEAP_USED);
        heap_free(h, payload);
    }
}

void heap_cache_flush(struct heap_cache *c, struct heap *h)
{
    for (size_t i = 0; i < EXO_COUNT(c->by_bytes); i++)
        shrink(&c->by_bytes[i], 0, h);
}

void *heap_cache_get(struct heap_cache *c, struct heap *h, size_t bytes)
{
    void *ptr = heap_alloc(h, bytes);
    if (ptr)
        return ptr;
    heap_cache_flush(c, h);
    return heap_alloc(h, bytes);
}

// Half of a full class goes, so that the next free and the next malloc both are fast.
void heap_cache_put(struct heap_cache *c, struct heap *h, void *ptr)
{
    size_t block_bytes = heap_size(ptr) + HEAP_HEAD;
    if (block_bytes <= HEAP_CACHE_BYTES) {
        struct heap_cache_class *class = heap_cache_class(c, block_bytes);
        shrink(class, class->limit / 2, h);
    }
    heap_free(h, ptr);
}

void heap_cache_count(const struct heap_cache *c, struct heap_stats *stats)
{
    for (size_t i = 0; i < EXO_COUNT(c->by_bytes); i++) {
        size_t blocks = __atomic_load_n(&c->by_bytes[i].count, __ATOMIC_RELAXED);
        size_t bytes = blocks * i * HEAP_ALIGN;
        stats->cached += bytes;
        stats->used -= EXO_MIN(bytes, stats->used);
        stats->blocks -= EXO_MIN(blocks, stats->blocks);
    }
}
