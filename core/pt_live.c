// SPDX-License-Identifier: MIT
// pt_live.c - maps pages in the tables that the CPUs use, and supplies those with tables.
#include "core/pt_live.h"

#include <string.h>

#include "core/frame.h"
#include "core/report.h"
#include "exo/bits.h"
#include "exo/err.h"

#define SPARES_MAX   3u  // one for each level below the top: the most one mapping needs
#define PA_BITS_MIN  36u // of a physical address, on any CPU with long mode
#define FORGET_PAGES 64u // more are forgotten sooner all at once

// The machine's last words are to reach its screen even if memory is what is missing.
static uint64_t *last_table(void)
{
    if (!report_has_begun() || core_state.last_tables == 0)
        return NULL;
    uint64_t at = pt_reserve_start() + --core_state.last_tables * PT_TABLE_BYTES;
    return memset(core_phys((struct pa){at}), 0, PT_TABLE_BYTES);
}

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
        return last_table();
    return memset(core_phys(frame), 0, PT_TABLE_BYTES);
}

void pt_live_free(uint64_t *list)
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

struct pt_tree pt_live(void)
{
    return (struct pt_tree){
        .root = core_state.pml4,
        .direct_map = HANDOFF_DIRECT_MAP,
        .table_alloc = table_alloc,
    };
}

void pt_live_forget(uint64_t va, uint64_t bytes)
{
    if (bytes > FORGET_PAGES * CORE_PT_4K)
        hal_cr3_write(hal_cr3_read());
    else
        for (uint64_t at = va; at < va + bytes; at += CORE_PT_4K)
            hal_invlpg(at);
    shootdown(va, bytes / CORE_PT_4K);
}

void pt_live_put_hand_away(void)
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

bool pt_live_is_owners(uint64_t va, uint64_t bytes)
{
    uint64_t last = va + bytes - 1;
    return bytes != 0 && ((va >= CORE_PT_LOW_START && va <= last && last < CORE_PT_LOW_END) ||
                          (va >= CORE_PT_HIGH_START && va <= last && last < CORE_PT_HIGH_END));
}

bool pt_live_reaches(uint64_t last)
{
    if (last >> PA_BITS_MIN == 0)
        return true;
    uint32_t bits = hal_cpuid_if_any(0x80000008, 0).eax & 0xff;
    return bits >= 64 || (bits > PA_BITS_MIN && last >> bits == 0);
}

int pt_live_map(uint64_t va, uint64_t pa, int level, uint64_t bits)
{
    struct pt_tree t = pt_live();
    struct pt_path path;
    uint64_t *unused = NULL;
    exo_lock_take(&core_state.pt_lock);
    pt_live_put_hand_away();
    int err = pt_tree_enter(&t, &path, va, level);
    if (err == 0)
        pt_tree_set(&path, level, pt_leaf(pa, level, bits));
    else if (err == -EXO_ENOMEM)
        unused = pt_tree_prune(&t, &path);
    if (err == 0 && level == 0 && pt_live_is_owners(va, CORE_PT_4K))
        put_in_hand(&path, va);
    exo_lock_give(&core_state.pt_lock);
    if (unused)
        pt_live_forget(va, CORE_PT_4K);
    pt_live_free(unused);
    return err;
}
