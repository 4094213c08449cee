// SPDX-License-Identifier: MIT
// blk_probe.c - disks by number.
#include "dev/blk_probe.h"

#include "exo/bits.h"
#include "exo/err.h"

static const struct blk_driver *const drivers[] = {&virtio_blk_driver, &ata_driver, &ahci_driver};

static const struct blk_driver *driver_for(const struct core_pci_function *function)
{
    for (size_t i = 0; i < EXO_COUNT(drivers); i++)
        if (drivers[i]->knows(function))
            return drivers[i];
    return NULL;
}

int blk_open(uint32_t nth, const char *owner, struct blk **out)
{
    struct core_pci_function function;
    for (uint32_t n = 0; core_pci_function(n, &function) == 0; n++) {
        const struct blk_driver *driver = driver_for(&function);
        if (!driver)
            continue;
        if (nth < driver->places)
            return driver->open(&function, nth, owner, out);
        nth -= driver->places;
    }
    return -EXO_ENODEV;
}
