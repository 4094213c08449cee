// SPDX-License-Identifier: MIT
// direct_map.h - usable memory, seen at one fixed distance. Core's own business.
//
// Nothing is mapped before somebody claims a frame near it: then the 2 MiB around it are (or
// 1 GiB, where the CPU has such pages and all of it is memory). So start-up costs the same
// however much memory there is. What is mapped stays.
//
// These tables are guarded by the lock of the frames, not by that of the page tables: they
// grow while frames are claimed. The two share the top table, where each has entries of
// its own.
#ifndef CORE_DIRECT_MAP_H
#define CORE_DIRECT_MAP_H

#include "exo/types.h"

// Tables in reserve, for when no known frame is free: one for each level below the top, the
// most that showing 2 MiB can need.
#define DIRECT_MAP_RESERVE 3u

// How many frames the direct map has or will have for tables. They are core's own from the
// start, so that no count of free frames changes when one is made.
uint64_t direct_map_frames(void);

// Begins, in the tables under core_state.pml4, which show the loader's memory, with the
// DIRECT_MAP_RESERVE pages of that from `reserve` on.
void direct_map_init(uint64_t reserve);

// frame_pool's `show`: shows [start, end), which is memory, all of it. False: no frame for a
// page table.
bool direct_map_show(void *ctx, uint64_t start, uint64_t end);

// Shows [start, end) at its place in the direct map for core to look at: memory as ever, and
// what is no memory, the firmware's tables, read-only. False: no frame for a page table.
bool direct_map_look(uint64_t start, uint64_t end);

// Fills the reserve, as far as known frames are free. After each claim that may have made
// frames known.
void direct_map_refill(void);

#endif
