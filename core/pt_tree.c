// SPDX-License-Identifier: MIT
// pt_tree.c - walks, fills and empties page tables.
#include "core/pt_tree.h"

#include "core/pt.h"
#include "exo/bits.h"
#include "exo/err.h"

// What IA32_PAT holds (pt_cpu.c) makes of these two bits: none write-back, write-through
// alone write-combining, both strong uncacheable. In all page sizes the same two.
#define COMBINING PT_WRITE_THROUGH
#define UNCACHED  (PT_CACHE_DISABLE | PT_WRITE_THROUGH)

#define W   PT_WRITABLE
#define R_X PT_PRESENT
#define R   (PT_PRESENT | PT_NO_EXECUTE)

// No writable page is executable, and no page is of two memory types.
const uint64_t pt_rights_bits[PT_RIGHTS_COUNT] = {
    [0] = R,
    [CORE_PT_WRITE] = R | W,
    [CORE_PT_EXECUTE] = R_X,
    [CORE_PT_UNCACHED] = R | UNCACHED,
    [CORE_PT_UNCACHED | CORE_PT_WRITE] = R | W | UNCACHED,
    [CORE_PT_UNCACHED | CORE_PT_EXECUTE] = R_X | UNCACHED,
    [CORE_PT_COMBINING] = R | COMBINING,
    [CORE_PT_COMBINING | CORE_PT_WRITE] = R | W | COMBINING,
    [CORE_PT_COMBINING | CORE_PT_EXECUTE] = R_X | COMBINING,
};

uint32_t pt_rights_of(uint64_t entry)
{
    uint32_t rights =
        (entry & PT_WRITABLE ? CORE_PT_WRITE : 0) | (entry & PT_NO_EXECUTE ? 0 : CORE_PT_EXECUTE);
    if ((entry & UNCACHED) == UNCACHED)
        rights |= CORE_PT_UNCACHED;
    else if (entry & COMBINING)
        rights |= CORE_PT_COMBINING;
    return rights;
}

static bool is_page(uint64_t entry, int level)
{
    return level == 0 || (entry & PT_LARGE);
}

int pt_tree_find(const struct pt_tree *tree, struct pt_path *path, uint64_t va)
{
    *path = (struct pt_path){{NULL}};
    uint64_t *table = tree->root;
    for (int level = PT_LEVEL_TOP;; level--) {
        path->entry[level] = pt_slot(table, va, level);
        uint64_t entry = *path->entry[level];
        if (!(entry & PT_PRESENT))
            return -EXO_ENOENT;
        if (is_page(entry, level))
            return level;
        table = pt_table_of(tree, entry);
    }
}

int pt_tree_enter(const struct pt_tree *tree, struct pt_path *path, uint64_t va, int level)
{
    *path = (struct pt_path){{NULL}};
    int at = PT_LEVEL_TOP;
    path->entry[at] = pt_slot(tree->root, va, at);
    for (; at > level; at--) {
        uint64_t entry = *path->entry[at];
        if (entry & PT_LARGE)
            return -EXO_EEXIST;
        if (!entry) {
            uint64_t *table = tree->table_alloc();
            if (!table)
                return -EXO_ENOMEM;
            entry = ((uint64_t)table - tree->direct_map) | PT_PRESENT | PT_WRITABLE;
            pt_tree_set(path, at, entry);
        }
        path->entry[at - 1] = pt_slot(pt_table_of(tree, entry), va, at - 1);
    }
    return *path->entry[level] ? -EXO_EEXIST : 0;
}

// Where a CPU may look next stands ready before the entry that leads there.
static void publish(uint64_t *at, uint64_t entry)
{
    __atomic_store_n(at, entry, __ATOMIC_RELEASE);
}

void pt_tree_set(struct pt_path *path, int level, uint64_t entry)
{
    publish(path->entry[level], entry);
    if (level < PT_LEVEL_TOP)
        *path->entry[level + 1] += PT_USE_ONE;
}

void pt_tree_clear(struct pt_path *path, int level)
{
    *path->entry[level] = 0;
    if (level < PT_LEVEL_TOP)
        *path->entry[level + 1] -= PT_USE_ONE;
}

uint64_t *pt_tree_prune(const struct pt_tree *tree, struct pt_path *path)
{
    uint64_t *list = NULL;
    for (int level = 1; level <= PT_LEVEL_TOP; level++) {
        uint64_t entry = path->entry[level] ? *path->entry[level] : 0;
        if (!entry)
            continue;
        if (entry & (PT_USE_MASK | PT_LARGE))
            break;
        uint64_t *table = pt_table_of(tree, entry);
        pt_tree_clear(path, level);
        table[0] = (uint64_t)list;
        list = table;
    }
    return list;
}

void pt_tree_split(const struct pt_tree *tree, struct pt_path *path, int level, uint64_t *table)
{
    uint64_t whole = *path->entry[level];
    uint64_t small = level == 1 ? whole & ~PT_LARGE : whole;
    for (uint64_t i = 0; i < PT_ENTRIES; i++)
        table[i] = small + i * pt_page_bytes(level - 1);
    publish(path->entry[level], ((uint64_t)table - tree->direct_map) | PT_PRESENT | PT_WRITABLE |
                                    PT_ENTRIES * PT_USE_ONE);
}

uint64_t pt_tree_next(const struct pt_tree *tree, uint64_t va, uint64_t end)
{
    while (va < end) {
        struct pt_path path;
        if (pt_tree_find(tree, &path, va) >= 0)
            return va;
        int level = 0;
        while (!path.entry[level])
            level++;
        uint64_t next = exo_align_down(va, pt_page_bytes(level)) + pt_page_bytes(level);
        if (next < va)
            break; // beyond the end of the address space
        va = next;
    }
    return UINT64_MAX;
}
