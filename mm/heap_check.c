// SPDX-License-Identifier: MIT
// heap_check.c - every invariant of a heap, asserted; for tests and for a doubtful hour.
#include "exo/assert.h"
#include "mm/heap_cache.h"
#include "mm/heap_state.h"

struct census { // what a walk over all blocks has seen
    size_t total;
    size_t out_bytes; // used or in a cache
    size_t out;
    size_t free;
};

// One block, and what the one before it was; returns whether this one is free.
static bool check_block(const struct heap_block *b, const struct heap_block *prev_free,
                        struct census *seen)
{
    bool is_free = heap_block_is(b, HEAP_FREE);
    bool is_cached = heap_block_is(b, HEAP_CACHED);
    exo_assert(is_free || is_cached || heap_block_is(b, HEAP_USED));
    size_t bytes = heap_block_bytes(b);
    exo_assert(bytes >= HEAP_MIN);
    exo_assert(!!heap_block_prev_is_free(b) == !!prev_free);
    if (prev_free)
        exo_assert(!is_free && b->prev_bytes == heap_block_bytes(prev_free)); // else merged
    if (is_cached)
        exo_assert(bytes <= HEAP_CACHE_BYTES);
    seen->free += is_free;
    seen->out += !is_free;
    seen->out_bytes += is_free ? 0 : bytes;
    seen->total += bytes;
    return is_free;
}

static void check_region(const struct heap_region *region, struct census *seen)
{
    const struct heap_block *prev_free = NULL;
    const struct heap_block *b = region->first;
    for (; heap_block_bytes(b); b = heap_block_next(b))
        prev_free = check_block(b, prev_free, seen) ? b : NULL;
    exo_assert(heap_block_is(b, HEAP_USED)); // the end mark
    exo_assert(!!heap_block_prev_is_free(b) == !!prev_free);
}

// Every listed block is free and in the class of its size; the bits say which lists hold any.
static size_t check_list(const struct heap_index *index, uint32_t class)
{
    const struct list *head = &index->lists[class];
    size_t count = 0;
    for (const struct list *at = head->next; at != head; at = at->next) {
        const struct heap_block *b = EXO_CONTAINER(at, struct heap_block, link);
        exo_assert(at->next->prev == at && at->prev->next == at);
        exo_assert(heap_block_is(b, HEAP_FREE));
        exo_assert(heap_index_class(heap_block_bytes(b)) == class);
        count++;
    }
    exo_assert((index->classes[class / HEAP_ROW] >> class % HEAP_ROW & 1) == (count != 0));
    return count;
}

static size_t check_index(const struct heap_index *index)
{
    size_t count = 0;
    for (uint32_t class = 0; class < EXO_COUNT(index->lists); class ++)
        count += check_list(index, class);
    for (uint32_t row = 0; row < HEAP_ROWS; row++)
        exo_assert((index->rows >> row & 1) == (index->classes[row] != 0));
    return count;
}

void heap_check(const struct heap *h)
{
    struct census seen = {0};
    for (const struct heap_region *region = h->regions; region; region = region->next)
        check_region(region, &seen);
    exo_assert(seen.total == h->total);
    exo_assert(seen.out == h->blocks);
    exo_assert(seen.out_bytes == h->used);
    exo_assert(h->used <= h->peak);
    exo_assert(check_index(&h->index) == seen.free);
}
