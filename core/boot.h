// SPDX-License-Identifier: MIT
// boot.h - the slot that this kernel was booted from, and telling the loader that it works.
//
// Core drives no disk. Whoever does lends it one for the length of a call; core knows only
// what docs/handoff.md §6 says of a slot's bytes.
#ifndef CORE_BOOT_H
#define CORE_BOOT_H

#include "exo/types.h"

// A disk as core needs it. What `write` has taken is on the medium when it returns. Both
// return 0 or a negative error; buffers lie in claimed frames and hold `sectors` sectors.
struct core_boot_disk {
    int (*read)(void *ctx, uint64_t lba, void *buf, uint32_t sectors);
    int (*write)(void *ctx, uint64_t lba, const void *buf, uint32_t sectors);
    void *ctx;
    uint64_t sectors;      // how many there are; 0: nobody knows
    uint32_t sector_bytes; // 512 … 4096, a power of two
};

// The slot: 0 for A, 1 for B, or -EXO_ENOENT if the kernel came from no slot.
int core_boot_slot(void);

// Marks the booted slot successful: from now on the loader boots it without counting tries.
// Harmless when repeated; it writes only if there is something to change.
//
// Errors: -EXO_ENOENT  the kernel came from no slot (a direct road).
//         -EXO_ENODEV  `disk` is not the one that it came from.
//         -EXO_EIO     neither copy of the slot's state can be read and is sound, or none can be
//                      newer, or the disk does not give back what was written.
//         -EXO_ENOMEM  no frame for a buffer.
//         or what the disk returned.
// Spec:   docs/handoff.md §6.
int core_boot_confirm(const struct core_boot_disk *disk);

#endif
