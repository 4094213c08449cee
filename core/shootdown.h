// SPDX-License-Identifier: MIT
// shootdown.h - makes the other CPUs forget translations that are no longer true.
//
// Whoever takes a mapping away, or rights from one, changes the page tables first, then
// forgets on its own CPU (INVLPG), then calls this, and only then gives away what was mapped
// or the tables themselves. Core's own business: core_pt_unmap and its kin do it for everybody.
//
// Code runs with interrupts off, so an ordinary interrupt could wait for ever: the others are
// told by an NMI, and each has answered when this returns
// (docs/decisions/shootdown-by-nmi.md). While no other CPU runs, it is a load and a branch.
#ifndef CORE_SHOOTDOWN_H
#define CORE_SHOOTDOWN_H

#include "core/state.h"

void shootdown_others(uint64_t va, uint64_t pages);

// `pages` of 4 KiB from `va`. May be called with core's locks held, but for its own.
static inline void shootdown(uint64_t va, uint64_t pages)
{
    if (__builtin_expect(__atomic_load_n(&core_state.cpus_running, __ATOMIC_RELAXED) != 0, 0))
        shootdown_others(va, pages);
}

#endif
