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
// The tables themselves are frames like any other; they appear with the first page that
// needs them and go back with the last.
// (Intel SDM vol. 3, "4-Level Paging and 5-Level Paging".)
#ifndef CORE_PT_H
#define CORE_PT_H

#include "exo/types.h"

#define CORE_PT_LOW_START  UINT64_C(0x0000000000001000)
#define CORE_PT_LOW_END    UINT64_C(0x0000800000000000)
#define CORE_PT_DEVICES    UINT64_C(0xffffc00000000000)
#define CORE_PT_HIGH_START UINT64_C(0xffffe00000000000)
#define CORE_PT_HIGH_END   UINT64_C(0xffffffff00000000)

// Rights of a mapping. Reading is always allowed.
enum {
    CORE_PT_WRITE = 1,
    CORE_PT_EXECUTE = 2,
    CORE_PT_UNCACHED = 4, // device registers
};

struct core_pt_entry {
    struct pa at;    // what the address asked for is mapped to, byte for byte
    uint64_t bytes;  // size of the page: 4 KiB, 2 MiB or 1 GiB
    uint32_t rights; // CORE_PT_…
};

// Maps one frame at one page of an owner's region. The frame stays its owner's: core
// does not look whether it is claimed, since device memory has no bit.
//
// Errors: -EXO_EINVAL  an address is not on a page boundary or in no owner's region, or
//                      the rights are both to write and to execute.
//         -EXO_EPERM   the frame holds the kernel's image.
//         -EXO_EEXIST  something is mapped there.
//         -EXO_ENOMEM  no frame for a page table.
int core_pt_map(struct va at, struct pa frame, uint32_t rights);

// Takes one page out again; `frame`, if not null, gets what was mapped there.
//
// Errors: -EXO_EINVAL  as above.   -EXO_ENOENT  nothing is mapped there.
int core_pt_unmap(struct va at, struct pa *frame);

// What any address of the whole address space is mapped to.
//
// Errors: -EXO_ENOENT  nothing.
int core_pt_query(struct va at, struct core_pt_entry *out);

// Maps device registers and returns where the first of them is seen, or null: beyond
// the window, over usable memory, or no frame for a page table. Mapping the same
// registers again gives the same address. For pci.c and core itself.
volatile void *pt_map_device(struct pa at, uint64_t bytes);

// Shows memory that is nobody's to claim, a table of the firmware's, cached and read-only,
// and returns where its first byte is seen, or null: beyond what the CPU or the direct map
// reach, part of the kernel's image, or no frame for a page table. For acpi.c.
const void *pt_map_table(struct pa at, uint64_t bytes);

#endif
