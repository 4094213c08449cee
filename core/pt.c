// SPDX-License-Identifier: MIT
// pt.c - who may map what where, and in which order it is done and undone.
#include "core/pt.h"

#include <string.h>

#include "core/bringup.h"
#include "core/direct_map.h"
#include "core/frame.h"
#include "core/frame_hold.h"
#include "core/image.h"
#include "core/pt_tree.h"
#include "core/shootdown.h"
#include "core/state.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/cpu.h"

#define SPARES_MAX   3u  // one for each level below the top: the most one mapping needs
#define PA_BITS_MIN  36u // of a physical address, on any CPU with long mode
#define DEVICES_END  UINT64_C(0x0000200000000000) // physical end of the device window
#define FORGET_PAGES 64u                          // more are forgotten sooner all at once

_Static_assert(CORE_PT_LEVELS == PT_LEVELS, "a walk tells of every level");

// --- tables ---------------------------------------------------------------------------

// An empty table, or null. A spare one is still empty but for the link.
static uint64_t *table_alloc(void)
{
    uint64_t *table = core_state.spare_tables;
    if (table) {
        core_state.spare_tables = (uint64_t *)table[0];
        core_state.spare_count--;
        table[0] = 0;
        return table;
    }
    struct pa frame;
    if (core_frame_claim(&core_state.core, 1, 1, &frame) < 0)
        return NULL;
    return memset(core_phys(frame), 0, PT_TABLE_BYTES);
}

// Takes a list of pt_tree_prune apart, once no CPU remembers its tables.
static void free_tables(uint64_t *list)
{
    while (list) {
        uint64_t *table = list;
        list = (uint64_t *)table[0];
        exo_lock_take(&core_state.pt_lock);
        bool keep = core_state.spare_count < SPARES_MAX;
        if (keep) {
            table[0] = (uint64_t)core_state.spare_tables;
            core_state.spare_tables = table;
            core_state.spare_count++;
        }
        exo_lock_give(&core_state.pt_lock);
        if (!keep)
            core_frame_release(&core_state.core, core_phys_of(table), 1);
    }
}

static struct pt_tree tree(void)
{
    return (struct pt_tree){
        .root = core_state.pml4,
        .direct_map = HANDOFF_DIRECT_MAP,
        .table_alloc = table_alloc,
    };
}

// Makes all CPUs forget a page, and what they remember of tables on the way there.
static inline void forget_page(uint64_t va)
{
    hal_invlpg(va);
    shootdown(va, 1);
}

static void forget(uint64_t va, uint64_t bytes)
{
    if (bytes > FORGET_PAGES * CORE_PT_4K)
        hal_cr3_write(hal_cr3_read());
    else
        for (uint64_t at = va; at < va + bytes; at += CORE_PT_4K)
            hal_invlpg(at);
    shootdown(va, bytes / CORE_PT_4K);
}

// Empties the hand, so that the tables are right: before anything is done to them past it.
static void put_hand_away(void)
{
    struct pt_hand *hand = &core_state.pt_hand;
    if (hand->pages)
        *hand->parent = (*hand->parent & ~PT_USE_MASK) | hand->used * PT_USE_ONE;
    hand->pages = 0;
}

// Page 0 is in no window, so it is not in the hand.
static void put_in_hand(const struct pt_path *path, uint64_t va)
{
    uint64_t start = EXO_MAX(exo_align_down(va, CORE_PT_2M), CORE_PT_LOW_START);
    core_state.pt_hand = (struct pt_hand){
        .first = start,
        .pages = PT_ENTRIES - start / CORE_PT_4K % PT_ENTRIES,
        .entries = path->entry[0] - (va - start) / CORE_PT_4K,
        .used = *path->entry[1] / PT_USE_ONE % (PT_USE_MASK / PT_USE_ONE + 1),
        .parent = path->entry[1],
    };
}

// --- map and unmap --------------------------------------------------------------------

static bool is_owners(uint64_t va, uint64_t bytes)
{
    uint64_t last = va + bytes - 1;
    return bytes != 0 && ((va >= CORE_PT_LOW_START && va <= last && last < CORE_PT_LOW_END) ||
                          (va >= CORE_PT_HIGH_START && va <= last && last < CORE_PT_HIGH_END));
}

static uint64_t bits_of(uint32_t rights)
{
    return rights < PT_RIGHTS_COUNT ? pt_rights_bits[rights] : 0;
}

static int map_page(uint64_t va, uint64_t pa, int level, uint64_t bits)
{
    struct pt_tree t = tree();
    struct pt_path path;
    uint64_t *unused = NULL;
    exo_lock_take(&core_state.pt_lock);
    put_hand_away();
    int err = pt_tree_enter(&t, &path, va, level);
    if (err == 0)
        pt_tree_set(&path, level, pt_leaf(pa, level, bits));
    else if (err == -EXO_ENOMEM)
        unused = pt_tree_prune(&t, &path);
    if (err == 0 && level == 0 && is_owners(va, CORE_PT_4K))
        put_in_hand(&path, va);
    exo_lock_give(&core_state.pt_lock);
    if (unused)
        forget(va, CORE_PT_4K);
    free_tables(unused);
    return err;
}

static int level_of(uint64_t bytes)
{
    int level = 0;
    while (level < 2 && pt_page_bytes(level) < bytes)
        level++;
    return pt_page_bytes(level) == bytes ? level : -EXO_EINVAL;
}

static __attribute__((noinline, cold)) int map(uint64_t va, uint64_t pa, uint64_t bytes,
                                               uint32_t rights)
{
    int level = level_of(bytes);
    if (level < 0 || !is_owners(va, bytes) || !exo_is_aligned(va | pa, bytes) ||
        (pa & ~PT_ADDRESS) || !bits_of(rights))
        return -EXO_EINVAL;
    if (level > core_state.page_level_max)
        return -EXO_ENOTSUP;
    int err = frame_hold((struct pa){pa}, bytes / CORE_FRAME_BYTES);
    if (err < 0)
        return err;
    err = map_page(va, pa, level, bits_of(rights));
    if (err < 0)
        frame_let((struct pa){pa}, bytes / CORE_FRAME_BYTES);
    return err;
}

static __attribute__((noinline, cold)) int unmap(uint64_t va, uint64_t bytes, struct pa *frame)
{
    int level = level_of(bytes);
    if (level < 0 || !is_owners(va, bytes) || !exo_is_aligned(va, bytes))
        return -EXO_EINVAL;
    struct pt_tree t = tree();
    struct pt_path path;
    exo_lock_take(&core_state.pt_lock);
    put_hand_away();
    int found = pt_tree_find(&t, &path, va);
    if (found != level) {
        exo_lock_give(&core_state.pt_lock);
        return found < 0 ? -EXO_ENOENT : -EXO_EINVAL;
    }
    struct pa was = {pt_page_of(*path.entry[level], level)};
    pt_tree_clear(&path, level);
    uint64_t *unused = pt_tree_prune(&t, &path);
    exo_lock_give(&core_state.pt_lock);
    forget(va, bytes);
    frame_let(was, bytes / CORE_FRAME_BYTES);
    free_tables(unused);
    if (frame)
        *frame = was;
    return 0;
}

static bool shows_taken(uint64_t pa, uint64_t bytes)
{
    for (uint64_t at = pa; at < pa + bytes; at += CORE_FRAME_BYTES) {
        if (frame_is_taken((struct pa){at}))
            return true;
    }
    return false;
}

// The next page of [va, end) that shows a frame of CORE_TAG_TAKEN, or UINT64_MAX. One page
// is looked at under the lock at a time.
static uint64_t unmap_next_taken(uint64_t va, uint64_t end)
{
    struct pt_tree t = tree();
    exo_lock_take(&core_state.pt_lock);
    va = pt_tree_next(&t, va, end);
    exo_lock_give(&core_state.pt_lock);
    struct core_pt_entry page;
    if (va == UINT64_MAX || core_pt_query((struct va){va}, &page) < 0)
        return va;
    if (shows_taken(page.at.v, page.bytes))
        unmap(va, page.bytes, NULL); // -EXO_ENOENT if its owner was quicker
    return va + page.bytes;
}

void pt_unmap_taken(void)
{
    for (uint64_t va = CORE_PT_LOW_START; va < CORE_PT_LOW_END;)
        va = unmap_next_taken(va, CORE_PT_LOW_END);
    for (uint64_t va = CORE_PT_HIGH_START; va < CORE_PT_HIGH_END;)
        va = unmap_next_taken(va, CORE_PT_HIGH_END);
}

// These two are `inline` so that the linker may merge them into callers. The common case is
// a page beside the last one, of a frame that somebody owns.
inline int core_pt_map(struct va at, struct pa frame, uint32_t rights)
{
    struct pt_hand *hand = &core_state.pt_hand;
    uint64_t bits = bits_of(rights);
    exo_lock_take(&core_state.pt_lock);
    uint64_t i = pt_hand_index(hand, at.v);
    bool done = bits && i < hand->pages && !hand->entries[i] && frame_hold_one(frame);
    if (done) {
        hand->entries[i] = frame.v | bits;
        hand->used++;
    }
    exo_lock_give(&core_state.pt_lock);
    return __builtin_expect(done, 1) ? 0 : map(at.v, frame.v, CORE_PT_4K, rights);
}

// The last page of a table takes the table along, and is not the common case.
inline int core_pt_unmap(struct va at, struct pa *frame)
{
    struct pt_hand *hand = &core_state.pt_hand;
    exo_lock_take(&core_state.pt_lock);
    uint64_t i = pt_hand_index(hand, at.v);
    bool done = i < hand->pages && hand->entries[i] && hand->used > 1;
    struct pa was = {0};
    if (done) {
        was.v = hand->entries[i] & PT_ADDRESS;
        hand->entries[i] = 0;
        hand->used--;
    }
    exo_lock_give(&core_state.pt_lock);
    if (__builtin_expect(!done, 0))
        return unmap(at.v, CORE_PT_4K, frame);
    forget_page(at.v);
    frame_let_one(was);
    if (frame)
        *frame = was;
    return 0;
}

int core_pt_map_large(struct va at, struct pa frame, uint64_t bytes, uint32_t rights)
{
    return map(at.v, frame.v, bytes, rights);
}

int core_pt_unmap_large(struct va at, uint64_t bytes, struct pa *frame)
{
    return unmap(at.v, bytes, frame);
}

// --- change in place ------------------------------------------------------------------

int core_pt_split(struct va at)
{
    struct pt_tree t = tree();
    struct pt_path path;
    exo_lock_take(&core_state.pt_lock);
    put_hand_away();
    int level = is_owners(at.v, CORE_PT_4K) ? pt_tree_find(&t, &path, at.v) : 0;
    int err = level > 0 && exo_is_aligned(at.v, pt_page_bytes(level)) ? 0 : -EXO_EINVAL;
    uint64_t *table = err == 0 ? table_alloc() : NULL;
    if (err == 0 && !table)
        err = -EXO_ENOMEM;
    if (err == 0)
        pt_tree_split(&t, &path, level, table);
    exo_lock_give(&core_state.pt_lock);
    if (err == 0)
        forget(at.v, pt_page_bytes(level));
    return err;
}

// Is [va, end) whole pages, all there?
static int check_run(const struct pt_tree *t, uint64_t va, uint64_t end)
{
    while (va < end) {
        struct pt_path path;
        int level = pt_tree_find(t, &path, va);
        if (level < 0)
            return level;
        if (!exo_is_aligned(va, pt_page_bytes(level)) || end - va < pt_page_bytes(level))
            return -EXO_EINVAL;
        va += pt_page_bytes(level);
    }
    return 0;
}

static void change_run(const struct pt_tree *t, uint64_t va, uint64_t end, uint64_t bits)
{
    while (va < end) {
        struct pt_path path;
        int level = pt_tree_find(t, &path, va);
        *path.entry[level] = pt_leaf(pt_page_of(*path.entry[level], level), level, bits);
        va += pt_page_bytes(level);
    }
}

int pt_set_rights(struct va at, uint64_t bytes, uint32_t rights)
{
    if (!exo_is_aligned(at.v | bytes, CORE_PT_4K) || bytes == 0 || !bits_of(rights) ||
        at.v + bytes < at.v)
        return -EXO_EINVAL;
    struct pt_tree t = tree();
    exo_lock_take(&core_state.pt_lock);
    int err = check_run(&t, at.v, at.v + bytes);
    if (err == 0)
        change_run(&t, at.v, at.v + bytes, bits_of(rights));
    exo_lock_give(&core_state.pt_lock);
    if (err == 0)
        forget(at.v, bytes);
    return err;
}

int core_pt_protect(struct va at, uint64_t bytes, uint32_t rights)
{
    return is_owners(at.v, bytes) ? pt_set_rights(at, bytes, rights) : -EXO_EINVAL;
}

// --- look -----------------------------------------------------------------------------

static bool is_canonical(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

int core_pt_query(struct va at, struct core_pt_entry *out)
{
    struct pt_tree t = tree();
    struct pt_path path;
    exo_lock_take(&core_state.pt_lock);
    int level = is_canonical(at.v) ? pt_tree_find(&t, &path, at.v) : -EXO_ENOENT;
    uint64_t entry = level >= 0 ? *path.entry[level] : 0;
    exo_lock_give(&core_state.pt_lock);
    if (level < 0)
        return level;
    uint64_t offset = at.v & (pt_page_bytes(level) - 1);
    *out = (struct core_pt_entry){
        .at = {pt_page_of(entry, level) + offset},
        .bytes = pt_page_bytes(level),
        .rights = pt_rights_of(entry),
    };
    return 0;
}

int core_pt_walk(struct va at, struct core_pt_walk *out)
{
    if (!is_canonical(at.v))
        return -EXO_EINVAL;
    struct pt_tree t = tree();
    struct pt_path path;
    *out = (struct core_pt_walk){0};
    exo_lock_take(&core_state.pt_lock);
    pt_tree_find(&t, &path, at.v);
    for (int level = PT_LEVEL_TOP; level >= 0 && path.entry[level]; level--) {
        uint64_t table = exo_align_down((uint64_t)path.entry[level], PT_TABLE_BYTES);
        out->table[out->count] = core_phys_of((const void *)table);
        out->entry[out->count++] = *path.entry[level];
    }
    exo_lock_give(&core_state.pt_lock);
    return 0;
}

// --- devices --------------------------------------------------------------------------

// Always by small pages: then two owners of neighbouring registers never meet halfway in
// a large one, and "mapped already" always means the same mapping.
static bool map_device_page(uint64_t pa, uint32_t rights)
{
    struct core_pt_entry there;
    int err = map_page(CORE_PT_DEVICES + pa, pa, 0, bits_of(rights));
    if (err != -EXO_EEXIST)
        return err == 0;
    return core_pt_query((struct va){CORE_PT_DEVICES + pa}, &there) == 0 && there.rights == rights;
}

// An address with bits that the CPU has not is a fault, not an error, once it is mapped.
static bool has_address_bits(uint64_t last)
{
    if (last >> PA_BITS_MIN == 0)
        return true;
    uint32_t bits = hal_cpuid_if_any(0x80000008, 0).eax & 0xff;
    return bits > PA_BITS_MIN && (bits >= 64 || last >> bits == 0);
}

volatile void *pt_map_device_as(struct pa at, uint64_t bytes, uint32_t rights)
{
    uint64_t start = exo_align_down(at.v, CORE_FRAME_BYTES);
    if (at.v >= DEVICES_END || bytes == 0 || bytes > DEVICES_END - at.v || !bits_of(rights))
        return NULL;
    uint64_t end = exo_align_up(at.v + bytes, CORE_FRAME_BYTES);
    if (!has_address_bits(end - 1) || frame_is_memory(start, end))
        return NULL;
    for (uint64_t pa = start; pa < end; pa += CORE_FRAME_BYTES) {
        if (!map_device_page(pa, rights))
            return NULL;
    }
    return (volatile void *)(CORE_PT_DEVICES + at.v);
}

volatile void *pt_map_device(struct pa at, uint64_t bytes)
{
    return pt_map_device_as(at, bytes, CORE_PT_WRITE | CORE_PT_UNCACHED);
}

const void *pt_map_table(struct pa at, uint64_t bytes)
{
    uint64_t start = exo_align_down(at.v, CORE_FRAME_BYTES);
    if (at.v >= MEMMAP_LIMIT || bytes == 0 || bytes > MEMMAP_LIMIT - at.v)
        return NULL;
    uint64_t end = exo_align_up(at.v + bytes, CORE_FRAME_BYTES);
    if (!has_address_bits(end - 1) || frame_is_image(start, end) || !direct_map_look(start, end))
        return NULL;
    return (const void *)(HANDOFF_DIRECT_MAP + at.v);
}

// --- start ----------------------------------------------------------------------------

static void must(int err)
{
    if (err < 0)
        bringup_fail("not enough memory: no frame left for a page table");
}

// Maps pages of the image a table at a time: nothing is there yet.
static void map_image(const uint8_t *start, const uint8_t *end, uint32_t rights)
{
    struct pt_tree t = tree();
    uint64_t va = (uint64_t)start;
    uint64_t stop = exo_align_up((uint64_t)end, CORE_FRAME_BYTES);
    uint64_t distance = core_state.handoff.kernel_va - core_state.handoff.kernel_pa;
    uint64_t entry = pt_leaf(va - distance, 0, pt_rights_bits[rights]);
    while (va < stop) {
        struct pt_path path;
        must(pt_tree_enter(&t, &path, va, 0));
        uint64_t n = EXO_MIN((stop - va) / CORE_PT_4K, PT_ENTRIES - va / CORE_PT_4K % PT_ENTRIES);
        for (uint64_t i = 0; i < n; i++, entry += CORE_PT_4K)
            path.entry[0][i] = entry;
        *path.entry[1] += n * PT_USE_ONE;
        va += n * CORE_PT_4K;
    }
}

void pt_init(void)
{
    pt_cpu_init();
    core_state.pml4 = table_alloc();
    must(core_state.pml4 ? 0 : -EXO_ENOMEM);

    map_image(core_image_start, core_text_end, CORE_PT_EXECUTE);
    map_image(core_text_end, core_rodata_end, 0);
    map_image(core_rodata_end, core_stack_guard, CORE_PT_WRITE);
    map_image(core_stack_guard + CORE_FRAME_BYTES, core_data_end, CORE_PT_WRITE);
    map_image(core_symbols, core_image_limit(), 0);
    direct_map_init();
    hal_cr3_write(core_phys_of(core_state.pml4).v);
}
