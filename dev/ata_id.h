// SPDX-License-Identifier: MIT
// ata_id.h - ATA commands, and a disk's answer to IDENTIFY DEVICE (ATA8-ACS §7.16), whatever
// carried them.
#ifndef DEV_ATA_ID_H
#define DEV_ATA_ID_H

#include "dev/blk.h"
#include "exo/bits.h"
#include "exo/err.h"

#include <string.h>

enum {
    ATA_READ_EXT = 0x24,
    ATA_READ_DMA_EXT = 0x25,
    ATA_WRITE_EXT = 0x34,
    ATA_WRITE_DMA_EXT = 0x35,
    ATA_FLUSH_EXT = 0xea,
    ATA_IDENTIFY = 0xec,
};

#define ATA_ID_BYTES   512u
#define ATA_SECTOR_MAX 4096u

// Fills in the disk's size.
//
// Errors: -EXO_ENOTSUP  it has no 48-bit addresses; -EXO_EIO  sectors of an odd size.
static inline int ata_identify(const void *answer, struct blk *blk)
{
    enum { COMMANDS = 83, SECTORS = 100, SECTOR_FLAGS = 106, SECTOR_WORDS = 117 };
    uint16_t id[ATA_ID_BYTES / 2];
    memcpy(id, answer, sizeof id);
    if (!(id[COMMANDS] & 1 << 10))
        return -EXO_ENOTSUP;
    memcpy(&blk->sectors, &id[SECTORS], sizeof blk->sectors);
    blk->sector_bytes = 512;
    if ((id[SECTOR_FLAGS] & 0xd000) == 0x5000) // the word is valid, and sectors are longer
        blk->sector_bytes = ((uint32_t)id[SECTOR_WORDS + 1] << 16 | id[SECTOR_WORDS]) * 2;
    bool sane = exo_is_pow2(blk->sector_bytes) && blk->sector_bytes >= 512 &&
                blk->sector_bytes <= ATA_SECTOR_MAX;
    return sane ? 0 : -EXO_EIO;
}

#endif
