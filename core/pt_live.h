// SPDX-License-Identifier: MIT
// pt_live.h - the page tables that the CPUs use: their lock, their supply of empty tables, and
// what CPUs remember of them. Core's own business.
//
// Whoever takes something away does so in this order: under core_state.pt_lock the entry, and
// the tables that are empty then; pt_live_forget; and only then gives away the frame that was
// shown, and the tables (pt_live_free).
#ifndef CORE_PT_LIVE_H
#define CORE_PT_LIVE_H

#include "core/pt.h"
#include "core/pt_tree.h"
#include "core/shootdown.h"
#include "core/state.h"
#include "hal/cpu.h"

// The tree. Its table_alloc wants the lock.
struct pt_tree pt_live(void);

// Empties core_state.pt_hand, so that the tables are right: before anything is done to them
// past it, under the lock.
void pt_live_put_hand_away(void);

// Maps a page, of whichever region, and puts its table into the hand if that is an owner's.
//
// Errors: -EXO_EEXIST, -EXO_ENOMEM  as pt_tree_enter.
int pt_live_map(uint64_t va, uint64_t pa, int level, uint64_t bits);

// Makes all CPUs forget [va, va + bytes), and what they remember of tables on the way there.
void pt_live_forget(uint64_t va, uint64_t bytes);

static inline void pt_live_forget_page(uint64_t va)
{
    hal_invlpg(va);
    shootdown(va, 1);
}

// Takes a list of pt_tree_prune apart, without the lock, once no CPU remembers its tables.
void pt_live_free(uint64_t *list);

// Is all of [va, va + bytes) in one of the owners' regions?
bool pt_live_is_owners(uint64_t va, uint64_t bytes);

// Has the CPU the address bits to reach physical `last`? What it has not is a fault, not an error,
// once it is mapped.
bool pt_live_reaches(uint64_t last);

// The entry that maps the image's page at `va`.
uint64_t *pt_image_entry(uint64_t va);

// Below the tables that the loader made lie pages of its memory that core keeps as well: the
// direct map's first reserve, and tables that a report shows its screen with, where there is no
// memory left. Here they begin.
#define PT_LAST_TABLES   3u
#define PT_RESERVE_BYTES ((PT_LAST_TABLES + DIRECT_MAP_RESERVE) * PT_TABLE_BYTES)
uint64_t pt_reserve_start(void);

// The bits of a page's entry for these rights, or 0.
static inline uint64_t pt_live_bits(uint32_t rights)
{
    return rights < PT_RIGHTS_COUNT ? pt_rights_bits[rights] : 0;
}

#endif
