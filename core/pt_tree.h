// SPDX-License-Identifier: MIT
// pt_tree.h - page tables as a tree over memory handed in: entries, ways down, empty tables.
//
//     level 3: PML4   2: PDPT, pages of 1 GiB   1: PD, of 2 MiB   0: PT, of 4 KiB
//
// An entry that points at a table counts in bits 52 … 61, which the CPU ignores there, how
// many entries of that table are in use: nobody has to search one to see that it is empty.
// (Intel SDM vol. 3, "4-Level Paging and 5-Level Paging".)
//
// Pure: the tree is the caller's, and it reaches tables only through `direct_map`.
#ifndef CORE_PT_TREE_H
#define CORE_PT_TREE_H

#include "exo/types.h"

#define PT_PRESENT       UINT64_C(0x01)
#define PT_WRITABLE      UINT64_C(0x02)
#define PT_WRITE_THROUGH UINT64_C(0x08)
#define PT_CACHE_DISABLE UINT64_C(0x10)
#define PT_LARGE         UINT64_C(0x80)
#define PT_NO_EXECUTE    (UINT64_C(1) << 63)
#define PT_ADDRESS       UINT64_C(0x000ffffffffff000)

#define PT_USE_ONE  (UINT64_C(1) << 52)
#define PT_USE_MASK (UINT64_C(0x3ff) << 52)

#define PT_TABLE_BYTES 4096u
#define PT_ENTRIES     512u
#define PT_LEVEL_TOP   3
#define PT_LEVELS      4

struct pt_tree {
    uint64_t *root;
    uint64_t direct_map;            // address at which physical address 0 is seen
    uint64_t *(*table_alloc)(void); // gives a table of zeros, or null
};

// The entries on the way to an address: [3] in the top table, [0] in the lowest; null
// beyond where the way ended.
struct pt_path {
    uint64_t *entry[PT_LEVELS];
};

// The lowest table that was used last, so that pages beside one another need no walk. While
// it is in the hand, the hand counts the entries in use, and its parent's count is stale.
struct pt_hand {
    uint64_t first;    // address that the first of `entries` is for
    uint64_t pages;    // how many there are; 0: the hand is empty
    uint64_t *entries; // of level 0
    uint64_t used;     // of the table's entries
    uint64_t *parent;  // the entry of level 1 that points at the table
};

// Which of the hand's entries is for the page at `va`. Not less than `pages` if none is, or
// `va` is not on a page boundary.
static inline uint64_t pt_hand_index(const struct pt_hand *hand, uint64_t va)
{
    uint64_t from_first = va - hand->first;
    return from_first >> 12 | from_first << 52; // huge if it is not aligned
}

static inline uint64_t pt_page_bytes(int level)
{
    return UINT64_C(4096) << (9 * level);
}

static inline uint64_t *pt_slot(uint64_t *table, uint64_t va, int level)
{
    return &table[va >> (12 + 9 * level) & (PT_ENTRIES - 1)];
}

static inline uint64_t *pt_table_of(const struct pt_tree *tree, uint64_t entry)
{
    return (uint64_t *)(tree->direct_map + (entry & PT_ADDRESS));
}

static inline uint64_t pt_page_of(uint64_t entry, int level)
{
    return entry & PT_ADDRESS & ~(pt_page_bytes(level) - 1);
}

// The bits of an entry for a page with these rights (core/pt.h), by rights; 0 where they
// make no sense.
#define PT_RIGHTS_COUNT 16u
extern const uint64_t pt_rights_bits[PT_RIGHTS_COUNT];

// The rights that an entry for a page gives.
uint32_t pt_rights_of(uint64_t entry);

static inline uint64_t pt_leaf(uint64_t pa, int level, uint64_t bits)
{
    return pa | bits | (level > 0 ? PT_LARGE : 0);
}

// Follows the tables to the page that holds `va`. Returns its level, or -EXO_ENOENT.
int pt_tree_find(const struct pt_tree *tree, struct pt_path *path, uint64_t va);

// Goes down to the empty entry for `va` at `level`, making the tables on the way.
//
// Errors: -EXO_EEXIST  there is a page there, or part of one, or smaller ones.
//         -EXO_ENOMEM  no frame for a table. pt_tree_prune unlinks what was made.
int pt_tree_enter(const struct pt_tree *tree, struct pt_path *path, uint64_t va, int level);

// Fills an empty entry, or empties a full one.
void pt_tree_set(struct pt_path *path, int level, uint64_t entry);
void pt_tree_clear(struct pt_path *path, int level);

// Puts `table` in the place of the large page at the path's end, and into it 512 pages of the
// next smaller size that show the same.
void pt_tree_split(const struct pt_tree *tree, struct pt_path *path, int level, uint64_t *table);

// Unlinks the tables on the path that are empty now. Returns them as a list: the first entry
// of each is the address of the next, which to a CPU that still remembers the table is an
// entry not present. Null: none is empty.
uint64_t *pt_tree_prune(const struct pt_tree *tree, struct pt_path *path);

// The lowest address at or above `va` that a page shows, or UINT64_MAX. Looks no further
// than `end`.
uint64_t pt_tree_next(const struct pt_tree *tree, uint64_t va, uint64_t end);

#endif
