// SPDX-License-Identifier: MIT
// boot_confirm.c - walks the disks until one is the one that was booted.
#include "sdk/glue/boot_confirm.h"

#include "core/boot.h"
#include "dev/blk.h"
#include "exo/err.h"

static int disk_read(void *ctx, uint64_t lba, void *buf, uint32_t sectors)
{
    return blk_read(ctx, lba, buf, sectors);
}

static int disk_write(void *ctx, uint64_t lba, const void *buf, uint32_t sectors)
{
    return blk_write(ctx, lba, buf, sectors);
}

// A disk that fails may be ours, or a stranger's: its error is the answer if no other is ours.
int exo_boot_confirm(void)
{
    if (core_boot_slot() < 0)
        return -EXO_ENOENT;
    int answer = -EXO_ENOTSUP;
    int err = 0;
    for (uint32_t n = 0; err != -EXO_ENODEV; n++) {
        struct blk *blk;
        err = blk_open(n, "boot_confirm", &blk);
        if (err < 0)
            continue; // nothing there, or somebody's, or broken: the next may be the one
        struct core_boot_disk disk = {disk_read, disk_write, blk, blk->sectors, blk->sector_bytes};
        int outcome = core_boot_confirm(&disk);
        blk_close(blk);
        if (outcome == 0)
            return 0;
        if (outcome != -EXO_ENODEV)
            answer = outcome;
    }
    return answer;
}
