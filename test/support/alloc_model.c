// SPDX-License-Identifier: MIT
#include "test/support/alloc_model.h"

#include "exo/assert.h"
#include "exo/bits.h"

#include <string.h>

uint32_t alloc_model_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

// The block's n-th eight bytes; of a last piece that is shorter, its first ones.
static uint64_t word_of(const struct alloc_slot *s, size_t n)
{
    return (s->key + n) * UINT64_C(0x9e3779b97f4a7c15);
}

static void fill(struct alloc_slot *s, size_t from)
{
    for (size_t at = exo_align_down(from, 8); at < s->bytes; at += 8) {
        uint64_t word = word_of(s, at / 8);
        memcpy(s->ptr + at, &word, EXO_MIN(s->bytes - at, (size_t)8));
    }
}

static void verify(const struct alloc_slot *s, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 8) {
        uint64_t word = word_of(s, at / 8);
        exo_assert(memcmp(s->ptr + at, &word, EXO_MIN(bytes - at, (size_t)8)) == 0);
    }
}

// Mostly small, a few large: what programs ask for.
static size_t random_bytes(uint32_t *seed)
{
    uint32_t r = alloc_model_random(seed);
    uint32_t kind = r % 100;
    uint32_t log2 = kind < 80 ? r / 100 % 9 : kind < 97 ? 9 + r / 100 % 4 : 13 + r / 100 % 4;
    return alloc_model_random(seed) % (2u << log2);
}

static size_t random_align(uint32_t *seed)
{
    uint32_t r = alloc_model_random(seed);
    return r % 8 ? 1 : (size_t)1 << r / 8 % 13;
}

static void allocate(struct alloc_model *m, struct alloc_slot *s)
{
    size_t bytes = random_bytes(&m->seed);
    size_t align = random_align(&m->seed);
    uint8_t *ptr = m->calls.alloc(m->calls.ctx, align, bytes);
    m->refused += !ptr;
    if (!ptr)
        return;
    exo_assert(exo_is_aligned((uintptr_t)ptr, align));
    *s = (struct alloc_slot){.ptr = ptr, .bytes = bytes, .key = alloc_model_random(&m->seed)};
    fill(s, 0);
}

static void resize(struct alloc_model *m, struct alloc_slot *s)
{
    size_t kept = s->bytes;
    size_t bytes = random_bytes(&m->seed);
    uint8_t *ptr = m->calls.resize(m->calls.ctx, s->ptr, bytes);
    m->refused += !ptr;
    if (ptr) {
        s->ptr = ptr;
        s->bytes = bytes;
        kept = EXO_MIN(kept, bytes);
    }
    verify(s, kept);
    fill(s, kept);
}

static void release(struct alloc_model *m, struct alloc_slot *s)
{
    verify(s, s->bytes);
    m->calls.free(m->calls.ctx, s->ptr);
    *s = (struct alloc_slot){0};
}

void alloc_model_step(struct alloc_model *m)
{
    struct alloc_slot *s = &m->slots[alloc_model_random(&m->seed) % m->count];
    if (!s->ptr)
        allocate(m, s);
    else if (alloc_model_random(&m->seed) % 4 == 0)
        resize(m, s);
    else
        release(m, s);
}

void alloc_model_end(struct alloc_model *m)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (m->slots[i].ptr)
            release(m, &m->slots[i]);
}
