// SPDX-License-Identifier: MIT
// blk_probe.h - the table of disk drivers: which one knows a PCI function.
#ifndef DEV_BLK_PROBE_H
#define DEV_BLK_PROBE_H

#include "core/pci.h"
#include "dev/blk.h"

struct blk_driver {
    const char *name;
    uint32_t places; // disks that one controller may have
    bool (*knows)(const struct core_pci_function *function);
    int (*open)(const struct core_pci_function *function, uint32_t place, const char *owner,
                struct blk **out); // as blk_open
};

extern const struct blk_driver virtio_blk_driver;
extern const struct blk_driver ata_driver;
extern const struct blk_driver ahci_driver;

#endif
