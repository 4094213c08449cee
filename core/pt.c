// SPDX-License-Identifier: MIT
// pt.c - who may map what where, and in which order it is done and undone.
#include "core/pt.h"

#include "core/frame.h"
#include "core/frame_hold.h"
#include "core/pt_live.h"
#include "exo/bits.h"
#include "exo/err.h"

_Static_assert(CORE_PT_LEVELS == PT_LEVELS, "a walk tells of every level");

// --- map and unmap --------------------------------------------------------------------

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
    if (level < 0 || !pt_live_is_owners(va, bytes) || !exo_is_aligned(va | pa, bytes) ||
        (pa & ~PT_ADDRESS) || !pt_live_reaches(pa + bytes - 1) || !pt_live_bits(rights))
        return -EXO_EINVAL;
    if (level > core_state.page_level_max)
        return -EXO_ENOTSUP;
    int err = frame_hold((struct pa){pa}, bytes / CORE_FRAME_BYTES);
    if (err < 0)
        return err;
    err = pt_live_map(va, pa, level, pt_live_bits(rights));
    if (err < 0)
        frame_let((struct pa){pa}, bytes / CORE_FRAME_BYTES);
    return err;
}

static __attribute__((noinline, cold)) int unmap(uint64_t va, uint64_t bytes, struct pa *frame)
{
    int level = level_of(bytes);
    if (level < 0 || !pt_live_is_owners(va, bytes) || !exo_is_aligned(va, bytes))
        return -EXO_EINVAL;
    struct pt_tree t = pt_live();
    struct pt_path path;
    exo_lock_take(&core_state.pt_lock);
    pt_live_put_hand_away();
    int found = pt_tree_find(&t, &path, va);
    if (found != level) {
        exo_lock_give(&core_state.pt_lock);
        return found < 0 ? -EXO_ENOENT : -EXO_EINVAL;
    }
    struct pa was = {pt_page_of(*path.entry[level], level)};
    pt_tree_clear(&path, level);
    uint64_t *unused = pt_tree_prune(&t, &path);
    exo_lock_give(&core_state.pt_lock);
    pt_live_forget(va, bytes);
    frame_let(was, bytes / CORE_FRAME_BYTES);
    pt_live_free(unused);
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

// Takes a page out for whoever takes its frames, if it still shows the same. All of it under the
// lock: an owner that finds its page gone has frames that may be released, and a CPU that does
// not remember the page.
static void unmap_by_force(uint64_t va, const struct core_pt_entry *page)
{
    struct pt_tree t = pt_live();
    struct pt_path path;
    uint64_t *unused = NULL;
    exo_lock_take(&core_state.pt_lock);
    pt_live_put_hand_away();
    int level = pt_tree_find(&t, &path, va);
    if (level >= 0 && pt_page_bytes(level) == page->bytes &&
        pt_page_of(*path.entry[level], level) == page->at.v) {
        pt_tree_clear(&path, level);
        unused = pt_tree_prune(&t, &path);
        pt_live_forget(va, page->bytes);
        frame_let(page->at, page->bytes / CORE_FRAME_BYTES);
    }
    exo_lock_give(&core_state.pt_lock);
    pt_live_free(unused);
}

// The next page of [va, end) that shows a frame of CORE_TAG_TAKEN, or UINT64_MAX. One page
// is looked at under the lock at a time.
static uint64_t unmap_next_taken(uint64_t va, uint64_t end)
{
    struct pt_tree t = pt_live();
    exo_lock_take(&core_state.pt_lock);
    va = pt_tree_next(&t, va, end);
    exo_lock_give(&core_state.pt_lock);
    struct core_pt_entry page;
    if (va == UINT64_MAX || core_pt_query((struct va){va}, &page) < 0)
        return va;
    if (shows_taken(page.at.v, page.bytes))
        unmap_by_force(va, &page);
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
    uint64_t bits = pt_live_bits(rights);
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
    if (frame)
        *frame = was;
    pt_live_forget_page(at.v);
    frame_let_one(was);
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
    struct pt_tree t = pt_live();
    struct pt_path path;
    exo_lock_take(&core_state.pt_lock);
    pt_live_put_hand_away();
    int level = pt_live_is_owners(at.v, CORE_PT_4K) ? pt_tree_find(&t, &path, at.v) : 0;
    int err = level > 0 && exo_is_aligned(at.v, pt_page_bytes(level)) ? 0 : -EXO_EINVAL;
    uint64_t *table = err == 0 ? t.table_alloc() : NULL;
    if (err == 0 && !table)
        err = -EXO_ENOMEM;
    if (err == 0)
        pt_tree_split(&t, &path, level, table);
    exo_lock_give(&core_state.pt_lock);
    if (err == 0)
        pt_live_forget(at.v, pt_page_bytes(level));
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
    if (!exo_is_aligned(at.v | bytes, CORE_PT_4K) || bytes == 0 || !pt_live_bits(rights) ||
        at.v + bytes < at.v)
        return -EXO_EINVAL;
    struct pt_tree t = pt_live();
    exo_lock_take(&core_state.pt_lock);
    int err = check_run(&t, at.v, at.v + bytes);
    if (err == 0)
        change_run(&t, at.v, at.v + bytes, pt_live_bits(rights));
    exo_lock_give(&core_state.pt_lock);
    if (err == 0)
        pt_live_forget(at.v, bytes);
    return err;
}

int core_pt_protect(struct va at, uint64_t bytes, uint32_t rights)
{
    return pt_live_is_owners(at.v, bytes) ? pt_set_rights(at, bytes, rights) : -EXO_EINVAL;
}

// --- look -----------------------------------------------------------------------------

static bool is_canonical(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

int core_pt_query(struct va at, struct core_pt_entry *out)
{
    struct pt_tree t = pt_live();
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
    struct pt_tree t = pt_live();
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
