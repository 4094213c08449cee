// SPDX-License-Identifier: MIT
// symbols.c - a binary search that trusts nothing in the table.
#include "core/symbols.h"

#include <string.h>

static bool is_whole(const struct symbols_header *header, size_t bytes_max)
{
    if (bytes_max < sizeof(*header) || header->magic != SYMBOLS_MAGIC || header->count == 0)
        return false;
    uint64_t entries_end = sizeof(*header) + (uint64_t)header->count * sizeof(struct symbols_entry);
    return header->bytes <= bytes_max && entries_end <= header->strings_offset &&
           header->strings_offset < header->bytes;
}

// The last entry at or below `offset`; null if all lie above.
static const struct symbols_entry *entry_at(const struct symbols_header *header, uint32_t offset)
{
    const struct symbols_entry *entries = (const struct symbols_entry *)(header + 1);
    uint32_t low = 0, high = header->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (entries[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &entries[low - 1];
}

// A string of the table that ends inside it, or null.
static const char *string_at(const struct symbols_header *header, uint32_t at)
{
    uint32_t bytes = header->bytes - header->strings_offset;
    const char *strings = (const char *)header + header->strings_offset;
    return at < bytes && memchr(strings + at, 0, bytes - at) ? strings + at : NULL;
}

bool symbols_find(const void *table, size_t bytes_max, uint32_t offset, struct symbols_place *out)
{
    const struct symbols_header *header = table;
    if (!is_whole(header, bytes_max))
        return false;
    const struct symbols_entry *entry = entry_at(header, offset);
    if (!entry || (entry->size != 0 && offset - entry->offset >= entry->size))
        return false;

    const char *name = string_at(header, entry->name);
    const char *file = string_at(header, entry->file);
    if (!name || !file)
        return false;
    *out = (struct symbols_place){name, file, offset - entry->offset};
    return true;
}
