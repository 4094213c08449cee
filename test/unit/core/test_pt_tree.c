// SPDX-License-Identifier: MIT
// test_pt_tree.c - page tables against a list of pages.
#include "core/pt_tree.h"

#include <stdlib.h>
#include <string.h>

#include "core/pt.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"

#define TABLES_MAX 64u

// Physical memory: tables and nothing else. Frame 0 is none, so that no entry is all zeros.
static _Alignas(PT_TABLE_BYTES) uint64_t memory[TABLES_MAX][PT_ENTRIES];
static bool is_used[TABLES_MAX];
static uint32_t tables_used, tables_left;

static uint64_t *table_alloc(void)
{
    if (tables_left == 0)
        return NULL;
    for (uint32_t i = 1; i < TABLES_MAX; i++) {
        if (is_used[i])
            continue;
        is_used[i] = true;
        tables_used++;
        tables_left--;
        return memset(memory[i], 0, PT_TABLE_BYTES);
    }
    return NULL;
}

static void table_free(uint64_t *table)
{
    uint64_t i = ((uint64_t)table - (uint64_t)memory) / PT_TABLE_BYTES;
    ck_assert(i < TABLES_MAX && is_used[i]);
    static const uint64_t zeros[PT_ENTRIES];
    ck_assert(memcmp(&table[1], zeros, PT_TABLE_BYTES - sizeof(*table)) == 0);
    is_used[i] = false;
    tables_used--;
    tables_left++;
}

static void free_list(uint64_t *list)
{
    while (list) {
        uint64_t *table = list;
        list = (uint64_t *)table[0];
        ck_assert(!(table[0] & PT_PRESENT)); // a CPU that remembers the table sees nothing
        table_free(table);
    }
}

static struct pt_tree tree;

static void setup(void)
{
    memset(is_used, 0, sizeof(is_used));
    tables_used = 0;
    tables_left = TABLES_MAX - 1;
    tree = (struct pt_tree){.direct_map = (uint64_t)memory, .table_alloc = table_alloc};
    tree.root = table_alloc();
}

static int map(uint64_t va, uint64_t pa, int level)
{
    struct pt_path path;
    int err = pt_tree_enter(&tree, &path, va, level);
    if (err == 0)
        pt_tree_set(&path, level, pt_leaf(pa, level, pt_rights_bits[CORE_PT_WRITE]));
    else if (err == -EXO_ENOMEM)
        free_list(pt_tree_prune(&tree, &path));
    return err;
}

static void unmap(uint64_t va)
{
    struct pt_path path;
    int level = pt_tree_find(&tree, &path, va);
    ck_assert_int_ge(level, 0);
    pt_tree_clear(&path, level);
    free_list(pt_tree_prune(&tree, &path));
}

START_TEST(pt_tree_rights_come_back_as_given)
{
    for (uint32_t rights = 0; rights < PT_RIGHTS_COUNT; rights++) {
        uint64_t bits = pt_rights_bits[rights];
        bool makes_sense = (rights & 3) != (CORE_PT_WRITE | CORE_PT_EXECUTE) &&
                           (rights & 12) != (CORE_PT_UNCACHED | CORE_PT_COMBINING);
        ck_assert((bits != 0) == makes_sense);
        if (!makes_sense)
            continue;
        ck_assert_uint_eq(pt_rights_of(bits), rights);
        ck_assert(!((bits & PT_WRITABLE) && !(bits & PT_NO_EXECUTE)));
        ck_assert(bits & PT_PRESENT);
    }
}
END_TEST

START_TEST(pt_tree_without_tables_keeps_nothing)
{
    setup();
    for (uint32_t left = 0; left < 3; left++) {
        tables_left = left;
        ck_assert_int_eq(map(0x123456000, 0x5000, 0), -EXO_ENOMEM);
        ck_assert_uint_eq(tables_used, 1);
        ck_assert_uint_eq(tables_left, left);
    }
    tables_left = 3;
    ck_assert_int_eq(map(0x123456000, 0x5000, 0), 0);
    ck_assert_int_eq(map(0x123656000, 0x5000, 0), -EXO_ENOMEM); // a neighbour's table
    ck_assert_uint_eq(tables_used, 4);
    unmap(0x123456000);
    ck_assert_uint_eq(tables_used, 1);
}
END_TEST

START_TEST(pt_tree_splits_a_page_in_place)
{
    for (int level = 1; level <= 2; level++) {
        setup();
        uint64_t va = UINT64_C(7) << 30, pa = UINT64_C(5) << 30, small = pt_page_bytes(level - 1);
        ck_assert_int_eq(map(va, pa, level), 0);
        struct pt_path path;
        ck_assert_int_eq(pt_tree_find(&tree, &path, va), level);
        pt_tree_split(&tree, &path, level, table_alloc());
        for (uint64_t i = 0; i < PT_ENTRIES; i++) {
            ck_assert_int_eq(pt_tree_find(&tree, &path, va + i * small + 0x123), level - 1);
            uint64_t entry = *path.entry[level - 1];
            ck_assert_uint_eq(pt_page_of(entry, level - 1), pa + i * small);
            ck_assert_uint_eq(pt_rights_of(entry), CORE_PT_WRITE);
            ck_assert_uint_eq(entry & PT_LARGE, level > 1 ? PT_LARGE : 0);
        }
        for (uint64_t i = 0; i < PT_ENTRIES; i++)
            unmap(va + i * small);
        ck_assert_uint_eq(tables_used, 1);
    }
}
END_TEST

START_TEST(pt_tree_next_skips_what_is_empty)
{
    setup();
    static const uint64_t pages[] = {0x1000, UINT64_C(0x40000000), UINT64_C(0x7ffffffff000)};
    uint64_t end = UINT64_C(0x800000000000);
    for (uint32_t i = 0; i < EXO_COUNT(pages); i++)
        ck_assert_int_eq(map(pages[i], 0x5000, 0), 0);
    ck_assert_uint_eq(pt_tree_next(&tree, 0, end), pages[0]);
    ck_assert_uint_eq(pt_tree_next(&tree, 0x2000, end), pages[1]);
    ck_assert_uint_eq(pt_tree_next(&tree, 0x2000, pages[1]), UINT64_MAX);
    ck_assert_uint_eq(pt_tree_next(&tree, pages[1] + 0x1000, end), pages[2]);
    unmap(pages[2]);
    ck_assert_uint_eq(pt_tree_next(&tree, pages[1] + 0x1000, end), UINT64_MAX);
    ck_assert_uint_eq(pt_tree_next(&tree, UINT64_C(0xffffffffffe00000), UINT64_MAX), UINT64_MAX);
}
END_TEST

// The model: a list of pages, in a space where each table has few entries that count, the
// first and the last among them.
static const uint64_t indices[] = {0, 1, 511};
#define PER_LEVEL EXO_COUNT(indices)

struct page {
    uint64_t va, pa;
    int level;
};
static struct page pages[PER_LEVEL * PER_LEVEL * PER_LEVEL * PER_LEVEL];
static uint32_t page_count;

static uint64_t some_va(int level)
{
    uint64_t va = 0;
    for (int at = level; at <= PT_LEVEL_TOP; at++)
        va |= indices[(unsigned)rand() % PER_LEVEL] << (12 + 9 * at);
    return va;
}

// The page in the list that shares an address with [va, va + bytes), or null.
static const struct page *page_at(uint64_t va, uint64_t bytes)
{
    for (uint32_t i = 0; i < page_count; i++) {
        if (va < pages[i].va + pt_page_bytes(pages[i].level) && pages[i].va < va + bytes)
            return &pages[i];
    }
    return NULL;
}

static void map_like_the_model(void)
{
    int level = rand() % 8 ? rand() % 2 : 2;
    struct page page = {some_va(level), (uint64_t)rand() % 1000 * pt_page_bytes(level), level};
    bool is_free = !page_at(page.va, pt_page_bytes(level));
    int err = map(page.va, page.pa, level);
    ck_assert(err == 0 ? is_free : err == -EXO_ENOMEM || !is_free);
    if (err == 0)
        pages[page_count++] = page;
}

static void unmap_like_the_model(void)
{
    if (page_count == 0)
        return;
    uint32_t i = (uint32_t)rand() % page_count;
    unmap(pages[i].va);
    pages[i] = pages[--page_count];
}

static void find_like_the_model(void)
{
    uint64_t va = some_va(0) + 0x123;
    const struct page *page = page_at(va, 1);
    struct pt_path path;
    int level = pt_tree_find(&tree, &path, va);
    ck_assert_int_eq(level, page ? page->level : -EXO_ENOENT);
    if (page)
        ck_assert_uint_eq(pt_page_of(*path.entry[level], level), page->pa);
}

// A table exists if and only if a page needs it.
static uint32_t tables_needed(void)
{
    uint32_t needed = 1;
    for (int level = 0; level < PT_LEVEL_TOP; level++) {
        for (uint32_t i = 0; i < page_count; i++) {
            uint64_t bytes = pt_page_bytes(level + 1), va = exo_align_down(pages[i].va, bytes);
            bool is_first = pages[i].level <= level;
            for (uint32_t k = 0; k < i && is_first; k++)
                is_first = pages[k].level > level || exo_align_down(pages[k].va, bytes) != va;
            needed += is_first;
        }
    }
    return needed;
}

START_TEST(pt_tree_agrees_with_a_list_of_pages)
{
    for (unsigned seed = 1; seed <= 20; seed++) {
        srand(seed);
        setup();
        page_count = 0;
        tables_left = 5 + (uint32_t)rand() % (TABLES_MAX - 6);
        for (int step = 0; step < 2000; step++) {
            if (rand() % 100 < 50)
                map_like_the_model();
            else
                unmap_like_the_model();
            find_like_the_model();
            if (step % 20 == 0)
                ck_assert_uint_eq(tables_used, tables_needed());
        }
        while (page_count > 0)
            unmap_like_the_model();
        ck_assert_uint_eq(tables_used, 1);
    }
}
END_TEST

CHECK_MAIN("core.pt_tree", pt_tree_rights_come_back_as_given, pt_tree_without_tables_keeps_nothing,
           pt_tree_splits_a_page_in_place, pt_tree_next_skips_what_is_empty,
           pt_tree_agrees_with_a_list_of_pages)
