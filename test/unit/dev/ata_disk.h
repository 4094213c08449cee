// SPDX-License-Identifier: MIT
// ata_disk.h - what both tests of ATA drivers play: a small disk that knows its commands, and the
// answer to IDENTIFY DEVICE (ATA8-ACS §7.16).
#ifndef TEST_UNIT_DEV_ATA_DISK_H
#define TEST_UNIT_DEV_ATA_DISK_H

#include "dev/ata_id.h"

#define ATA_DISK_SECTORS 16u

struct ata_disk {
    uint16_t id[ATA_ID_BYTES / 2];
    uint8_t bytes[ATA_DISK_SECTORS * 512];
    uint32_t flushes;
};

static inline void ata_disk_init(struct ata_disk *d)
{
    memset(d, 0, sizeof *d);
    d->id[83] = 1 << 10; // 48-bit addresses
    d->id[100] = ATA_DISK_SECTORS;
    for (size_t i = 0; i < sizeof d->bytes; i++)
        d->bytes[i] = (uint8_t)(i / 512 * 7 + i);
}

// Sectors of so many bytes, whatever they are.
static inline void ata_disk_claim_sector_bytes(struct ata_disk *d, uint32_t bytes)
{
    d->id[106] = 0x5000;
    d->id[117] = (uint16_t)(bytes / 2);
    d->id[118] = (uint16_t)(bytes / 2 >> 16);
}

#endif
