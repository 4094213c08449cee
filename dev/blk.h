// SPDX-License-Identifier: MIT
// blk.h - what every disk offers: whole sectors, one transfer at a time, polled.
//
// Enough to read and write a few sectors (a slot's state, a configuration); not a fast path:
// each call copies through the driver's own buffer and returns when the device is done.
#ifndef DEV_BLK_H
#define DEV_BLK_H

#include "exo/types.h"

struct blk;

struct blk_ops {
    int (*read)(struct blk *blk, uint64_t lba, void *buf, uint32_t sectors);
    int (*write)(struct blk *blk, uint64_t lba, const void *buf, uint32_t sectors);
    void (*close)(struct blk *blk);
};

struct blk {
    const struct blk_ops *ops;
    const char *driver;
    uint64_t sectors;      // how many there are
    uint32_t sector_bytes; // 512 … 4096, a power of two
};

// Opens the disk at place `nth`. Places are numbered over all controllers that a driver
// knows, in bus order; not every place has a disk.
//
// Owner:  gives the disk, and its whole controller with it, to the caller.
// Errors: -EXO_ENODEV   there are fewer places.
//         -EXO_ENOENT   nothing is there.
//         -EXO_EBUSY    the controller has an owner.
//         -EXO_ENOTSUP, -EXO_EIO, -EXO_ENOMEM  as the driver says.
int blk_open(uint32_t nth, const char *owner, struct blk **out);

// Gives it back. The device has stopped.
static inline void blk_close(struct blk *blk)
{
    blk->ops->close(blk);
}

// Errors: -EXO_EINVAL  beyond the end; -EXO_EIO  the device says no, or nothing.
static inline int blk_read(struct blk *blk, uint64_t lba, void *buf, uint32_t sectors)
{
    return blk->ops->read(blk, lba, buf, sectors);
}

// As blk_read; the sectors are on the medium when it returns.
static inline int blk_write(struct blk *blk, uint64_t lba, const void *buf, uint32_t sectors)
{
    return blk->ops->write(blk, lba, buf, sectors);
}

#endif
