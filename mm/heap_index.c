// SPDX-License-Identifier: MIT
// heap_index.c - finding a free block that fits, in constant time.
#include "mm/heap_index.h"

void heap_index_init(struct heap_index *index)
{
    index->rows = 0;
    for (size_t i = 0; i < EXO_COUNT(index->classes); i++)
        index->classes[i] = 0;
    for (size_t i = 0; i < EXO_COUNT(index->lists); i++)
        list_init(&index->lists[i]);
}

static struct heap_block *first_of(struct list *l)
{
    struct list *first = list_first(l);
    return first ? EXO_CONTAINER(first, struct heap_block, link) : NULL;
}

// The first block of class `class` or of the next larger one that has any.
static struct heap_block *first_from(struct heap_index *index, uint32_t class)
{
    uint32_t row = class / HEAP_ROW;
    if (row >= HEAP_ROWS)
        return NULL;
    uint32_t classes = index->classes[row] & (UINT32_MAX << class % HEAP_ROW);
    if (!classes) {
        uint64_t rows = index->rows & (UINT64_MAX << row << 1);
        if (!rows)
            return NULL;
        row = (uint32_t)__builtin_ctzll(rows);
        classes = index->classes[row];
    }
    return first_of(&index->lists[row * HEAP_ROW + (uint32_t)__builtin_ctz(classes)]);
}

struct heap_block *heap_index_find(struct heap_index *index, size_t bytes)
{
    // Rounding up to where the next class begins makes any block found there fit.
    uint32_t shift = 59u - (uint32_t)__builtin_clzll(bytes | 256);
    size_t rounded = bytes + ((size_t)1 << shift) - 1;
    struct heap_block *b = first_from(index, heap_index_class(rounded));
    if (b)
        return b;

    // The request's own class may still hold one that is large enough: one look, not a
    // search, but it lets a heap's last free block be used to the end.
    b = first_of(&index->lists[heap_index_class(bytes)]);
    return b && heap_block_bytes(b) >= bytes ? b : NULL;
}

size_t heap_index_largest(const struct heap_index *index)
{
    if (!index->rows)
        return 0;
    uint32_t row = 63u - (uint32_t)__builtin_clzll(index->rows);
    uint32_t class = row * HEAP_ROW + 31u - (uint32_t)__builtin_clz(index->classes[row]);
    const struct list *head = &index->lists[class];
    size_t largest = 0;
    for (const struct list *at = head->next; at != head; at = at->next)
        largest = EXO_MAX(largest, heap_block_bytes(EXO_CONTAINER(at, struct heap_block, link)));
    return largest;
}
