// SPDX-License-Identifier: MIT
// pt.h - page tables: which frame is seen where, and with which rights.
//
//     0000000000000000   page 0, never mapped: null faults
//     0000000000001000   for owners, CORE_PT_LOW_END below: empty until somebody maps
//     ffff800000000000   direct map: all usable memory but the kernel's own, RW, no X
//     ffffc00000000000   device registers, uncached: physical address + this
//     ffffe00000000000   for owners, up to CORE_PT_HIGH_END
//     ffffffff80000000   the image: code RX, constants R, data RW, each by 4 KiB pages
//
// No page is writable and executable, whoever asks. Everything belongs to ring 0.
// Pages are of 4 KiB, 2 MiB or, where the CPU has them, 1 GiB; core neither joins nor splits
// them unless asked. The tables themselves are frames like any other; they appear with the
// first page that needs them and go back with the last.
//
// All calls may be made on any CPU. When one returns that took something away, no CPU uses
// it any more. (Intel SDM vol. 3, "4-Level Paging and 5-Level Paging".)
#ifndef CORE_PT_H
#define CORE_PT_H

#include "exo/types.h"

#define CORE_PT_LOW_START  UINT64_C(0x0000000000001000)
#define CORE_PT_LOW_END    UINT64_C(0x0000800000000000)
#define CORE_PT_DEVICES    UINT64_C(0xffffc00000000000)
#define CORE_PT_HIGH_START UINT64_C(0xffffe00000000000)
#define CORE_PT_HIGH_END   UINT64_C(0xffffffff00000000)

#define CORE_PT_4K UINT64_C(0x1000)
#define CORE_PT_2M UINT64_C(0x200000)
#define CORE_PT_1G UINT64_C(0x40000000)

// Rights of a mapping. Reading is always allowed; memory is cached unless one of the last
// two says otherwise.
enum {
    CORE_PT_WRITE = 1,
    CORE_PT_EXECUTE = 2,
    CORE_PT_UNCACHED = 4,  // device registers
    CORE_PT_COMBINING = 8, // frame buffers: uncached, and writes may be joined and wait
};

struct core_pt_entry {
    struct pa at;    // what the address asked for is mapped to, byte for byte
    uint64_t bytes;  // size of the page: CORE_PT_4K, _2M or _1G
    uint32_t rights; // CORE_PT_…
};

#define CORE_PT_LEVELS 4

// The entries that the CPU reads on its way to an address, as they stand in the tables.
struct core_pt_walk {
    uint32_t count;                  // entries read; the last is the page's, or not present
    struct pa table[CORE_PT_LEVELS]; // [0] the PML4, [1] a PDPT, [2] a PD, [3] a PT
    uint64_t entry[CORE_PT_LEVELS];  // of that table; bits 52 … 61 of one that points at
};                                   // a table are core's: how many of its are in use

// Maps a frame at a page of an owner's region. The frame stays its owner's, and cannot be
// released while a page shows it. Device memory, which is in no owner's hands, is mapped
// as well: whoever claims the device says where it is.
//
// Errors: -EXO_EINVAL  an address is not on a page boundary or in no owner's region, or the
//                      rights make no sense together: to write and to execute, two kinds
//                      of caching.
//         -EXO_EPERM   the frame is core's (the image, a page table), or nobody's.
//         -EXO_EEXIST  something is mapped there.
//         -EXO_ENOMEM  no frame for a page table.
//         -EXO_ENOSPC  65535 pages show the frame.
int core_pt_map(struct va at, struct pa frame, uint32_t rights);

// Takes one page of 4 KiB out again; `frame`, if not null, gets what was mapped there.
//
// Errors: -EXO_EINVAL  as above, or a larger page is there.
//         -EXO_ENOENT  nothing is.
int core_pt_unmap(struct va at, struct pa *frame);

// The same for a page of `bytes`, one of the three sizes; both addresses are multiples of
// it, and each of its frames is held against release.
//
// Errors: as above, and
//         -EXO_ENOTSUP  this CPU has no pages of 1 GiB.
int core_pt_map_large(struct va at, struct pa frame, uint64_t bytes, uint32_t rights);
int core_pt_unmap_large(struct va at, uint64_t bytes, struct pa *frame);

// Makes 512 smaller pages, with the same rights, of the large one that begins at `at`.
//
// Errors: -EXO_EINVAL  in no owner's region, or no large page begins there.
//         -EXO_ENOMEM  no frame for a page table.
int core_pt_split(struct va at);

// Gives all pages of [at, at + bytes) other rights, in place.
//
// Errors: -EXO_EINVAL  rights or addresses make no sense, as above, or a page sticks out.
//         -EXO_ENOENT  something in between is not mapped. Nothing has changed.
int core_pt_protect(struct va at, uint64_t bytes, uint32_t rights);

// What any address of the whole address space is mapped to.
//
// Errors: -EXO_ENOENT  nothing.
int core_pt_query(struct va at, struct core_pt_entry *out);

// The tables on the way to any address.
//
// Errors: -EXO_EINVAL  the address is not canonical: there is no way.
int core_pt_walk(struct va at, struct core_pt_walk *out);

// --- for core itself -----------------------------------------------------------------

// Maps device registers and returns where the first of them is seen, or null: beyond
// the window, over usable memory, mapped with other rights, or no frame for a page table.
// Mapping the same registers again gives the same address.
volatile void *pt_map_device(struct pa at, uint64_t bytes);

// The same with rights of the caller's choice: CORE_PT_COMBINING for a frame buffer.
volatile void *pt_map_device_as(struct pa at, uint64_t bytes, uint32_t rights);

// Shows memory that is nobody's to claim, a table of the firmware's, cached and read-only,
// and returns where its first byte is seen, or null: beyond what the CPU or the direct map
// reach, part of the kernel's image, or no frame for a page table. For acpi.c.
const void *pt_map_table(struct pa at, uint64_t bytes);

// As core_pt_protect, for any region.
int pt_set_rights(struct va at, uint64_t bytes, uint32_t rights);

// Takes out of the owners' regions all pages that show a frame of CORE_TAG_TAKEN.
void pt_unmap_taken(void);

// Gives this CPU what the tables rely on: no-execute, write protection of ring 0, and memory
// types by IA32_PAT. The same on each CPU, before it uses the tables.
void pt_cpu_init(void);

#endif
