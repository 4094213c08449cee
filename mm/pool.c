// SPDX-License-Identifier: MIT
// pool.c - a stack of free objects before a border of fresh ones.
#include "mm/pool.h"

#include "exo/assert.h"
#include "exo/bits.h"

#define TAG UINT64_C(0x7c3e5a91d246b8f0) // any word that no object holds by chance

static uint64_t tag_of(const struct pool_free *object)
{
    return TAG ^ (uintptr_t)object ^ ((uint64_t)(uintptr_t)object->next << 1);
}

static bool is_object(const struct pool *p, const void *at)
{
    size_t offset = (uintptr_t)at - (uintptr_t)p->objects;
    return offset < p->fresh * p->object_bytes && offset % p->object_bytes == 0;
}

void pool_init(struct pool *p, void *mem, size_t bytes, size_t object_bytes)
{
    size_t lost = EXO_MIN(-(uintptr_t)mem & (POOL_ALIGN - 1), bytes);
    exo_assert(object_bytes <= SIZE_MAX - POOL_ALIGN);
    object_bytes = exo_align_up(EXO_MAX(object_bytes, sizeof(struct pool_free)), POOL_ALIGN);
    *p = (struct pool){
        .objects = (uint8_t *)mem + lost,
        .object_bytes = object_bytes,
        .count = (bytes - lost) / object_bytes,
    };
}

// The memory may have been another pool's, with words of ours in it.
static void *take_fresh(struct pool *p)
{
    struct pool_free *object = (void *)(p->objects + p->fresh++ * p->object_bytes);
    object->tag = 0;
    return object;
}

static void *pop(struct pool *p)
{
    struct pool_free *object = p->free;
    exo_assert(object->tag == tag_of(object)); // written over after it was freed?
    p->free = object->next;
    object->tag = 0;
    return object;
}

void *pool_alloc(struct pool *p)
{
    if (!p->free && p->fresh == p->count)
        return NULL;
    p->used++;
    p->peak = EXO_MAX(p->peak, p->used);
    return p->free ? pop(p) : take_fresh(p);
}

void pool_free(struct pool *p, void *object)
{
    if (!object)
        return;
    struct pool_free *freed = object;
    exo_assert(is_object(p, object));
    exo_assert(freed->tag != tag_of(freed)); // freed twice
    freed->next = p->free;
    freed->tag = tag_of(freed);
    p->free = freed;
    p->used--;
}

void pool_check(const struct pool *p)
{
    size_t count = 0;
    for (const struct pool_free *at = p->free; at; at = at->next) {
        exo_assert(is_object(p, at) && at->tag == tag_of(at));
        exo_assert(++count <= p->fresh);
    }
    exo_assert(p->fresh <= p->count && p->used + count == p->fresh && p->used <= p->peak);
}
