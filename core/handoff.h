// SPDX-License-Identifier: MIT
// handoff.h - the block of facts that every boot road hands to core.
//
// docs/handoff.md is the specification; bootloader/handoff.inc is the same layout
// for NASM, and a test compares the two offset by offset. Everything is little
// endian and naturally aligned; every pointer is a physical address below 4 GiB.
#ifndef CORE_HANDOFF_H
#define CORE_HANDOFF_H

#include <stddef.h>
#include <stdint.h>

#define HANDOFF_MAGIC   UINT64_C(0x31444e48204f5845) // "EXO HND1" as bytes in memory
#define HANDOFF_VERSION 2

// Where the loader's page tables show its own memory, and where core shows all of memory in
// time. Core goes on with the same tables.
#define HANDOFF_DIRECT_MAP UINT64_C(0xffff800000000000)

// One entry of the memory map, ACPI's address range descriptor ("E820", ACPI 6.5 §15.1):
// as the firmware gave it, in any order, overlapping or empty. core/memmap.c cleans it.
struct handoff_range {
    uint64_t base;       // physical address of the first byte
    uint64_t bytes;      // length
    uint32_t type;       // HANDOFF_RANGE_…; any other value is reserved memory
    uint32_t attributes; // ACPI 3.0 extended attributes; 1 where the firmware gives none
};

enum {
    HANDOFF_RANGE_USABLE = 1,
    HANDOFF_RANGE_RESERVED = 2,
    HANDOFF_RANGE_ACPI = 3, // tables; usable once they have been read
    HANDOFF_RANGE_NVS = 4,
    HANDOFF_RANGE_BAD = 5,
};
// A file that the loader was told to put beside the kernel; a value that ACPI leaves to others.
#define HANDOFF_RANGE_MODULE UINT32_C(0xf0000001)

enum handoff_road {
    HANDOFF_ROAD_BIOS = 1,
    HANDOFF_ROAD_UEFI = 2,
    HANDOFF_ROAD_PVH = 3,
    HANDOFF_ROAD_MULTIBOOT2 = 4,
};

#define HANDOFF_SLOT_NONE UINT32_C(0xffffffff) // the kernel came from no slot

#define HANDOFF_BYTES_MIN 208 // the block without what was added since; that reads as zero

struct handoff {
    uint64_t magic;        //   0  HANDOFF_MAGIC
    uint32_t version;      //   8  HANDOFF_VERSION
    uint32_t bytes;        //  12  sizeof(struct handoff) as the loader knows it
    uint64_t tsc_at_entry; //  16  time stamp counter at the loader's first instruction
    uint32_t road;         //  24  enum handoff_road: for the log only
    uint32_t boot_drive;   //  28  BIOS drive number (INT 13h), 0 on other roads
    uint64_t loader_name;  //  32  zero-terminated string, at most 63 bytes
    uint64_t cmdline;      //  40  zero-terminated string, at most 1023 bytes; never 0
    uint64_t map;          //  48  struct handoff_range[map_count]
    uint32_t map_count;    //  56
    uint32_t slot;         //  60  kernel slot that was booted: 0 = A, 1 = B, or _SLOT_NONE
    uint64_t kernel_pa;    //  64  where the kernel's first byte (its lowest segment) lies
    uint64_t kernel_va;    //  72  and at which address it is mapped
    uint64_t kernel_bytes; //  80  from there to the end of its highest segment, page rounded
    uint64_t low_end;      //  88  the loader uses memory below this,
    uint64_t rsdp;         //  96  ACPI root pointer, 0 = core looks for it (BIOS)
    uint64_t fb_base;      // 104  linear frame buffer, 0 = none
    uint32_t fb_width;     // 112  pixels
    uint32_t fb_height;    // 116
    uint32_t fb_pitch;     // 120  bytes from one line to the next
    uint32_t fb_format;    // 124  0 = none, 1 = 32-bit BGRX, 2 = 32-bit RGBX
    uint8_t disk_guid[16]; // 128  of the partition table that the slot was found in
    uint8_t slot_guid[16]; // 144  of the slot's partition
    uint64_t slot_offset;  // 160  the slot's first byte on its disk
    uint64_t slot_bytes;   // 168  0 = from no slot
    uint32_t sector_bytes; // 176  of that disk, as the loader saw it
    uint32_t reserved;     // 180  0
    uint64_t low_start;    // 184  and from here; 0 = from the start of memory
    uint64_t seed;         // 192  chance, of the best that the loader found; 0 = it has none
    uint64_t tables;       // 200  page tables, from the PML4 on, fill the memory to low_end
};                         // 208

_Static_assert(sizeof(struct handoff) == 208, "docs/handoff.md");
_Static_assert(sizeof(struct handoff_range) == 24, "docs/handoff.md");

#endif
