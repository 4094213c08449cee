// SPDX-License-Identifier: MIT
// probe.h - the table of NIC drivers: which one knows a PCI function.
//
// A driver is added by one line in probe.c; nic_open (dev/nic.h) does the rest.
#ifndef DEV_PROBE_H
#define DEV_PROBE_H

#include "core/pci.h"
#include "dev/nic.h"

struct nic_driver {
    const char *name;
    bool (*knows)(const struct core_pci_function *function);
    int (*open)(const struct core_pci_function *function, uint16_t queue, const char *owner,
                struct nic **out); // as nic_open
};

// The driver that knows `function`, or null.
const struct nic_driver *nic_driver_for(const struct core_pci_function *function);

#endif
