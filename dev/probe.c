// SPDX-License-Identifier: MIT
// probe.c - from "the nth NIC of the machine" to the driver that opens it.
#include "dev/probe.h"

#include "core/log.h"
#include "dev/virtio_mmio.h"
#include "dev/virtio_net.h"
#include "exo/bits.h"
#include "exo/err.h"

#define PCI_CLASS_NETWORK 0x02

static const struct nic_driver drivers[] = {
    {"virtio-net", virtio_net_knows, virtio_net_open},
};

const struct nic_driver *nic_driver_for(const struct core_pci_function *function)
{
    for (size_t i = 0; i < EXO_COUNT(drivers); i++) {
        if (drivers[i].knows(function))
            return &drivers[i];
    }
    return NULL;
}

// The nth NIC on a bus, or nth less than there are.
static bool find_nic(uint32_t *nth, struct core_pci_function *out)
{
    for (uint32_t n = 0; core_pci_function(n, out) == 0; n++) {
        if (out->class_code == PCI_CLASS_NETWORK && (*nth)-- == 0)
            return true;
    }
    return false;
}

static void name_stranger(const struct core_pci_function *f)
{
    core_log("dev: no driver for the NIC at %02x:%02x.%x, %04x:%04x; known are:", f->at.bus,
             f->at.device, f->at.function, f->vendor_id, f->device_id);
    for (size_t i = 0; i < EXO_COUNT(drivers); i++)
        core_log("dev:   %s", drivers[i].name);
    core_log("dev: under QEMU, use -device virtio-net-pci");
}

static int open_function(const struct core_pci_function *function, uint16_t queue,
                         const char *owner, struct nic **out)
{
    const struct nic_driver *driver = nic_driver_for(function);
    if (!driver) {
        name_stranger(function);
        return -EXO_ENOTSUP;
    }
    return driver->open(function, queue, owner, out);
}

// What costs least to look for comes first: words, a bus, machine code.
int nic_open(uint32_t nth, uint16_t queue, const char *owner, struct nic **out)
{
    struct virtio_mmio_place place;
    struct core_pci_function function;
    if (virtio_mmio_named(VIRTIO_TYPE_NET, &nth, &place))
        return virtio_net_open_mmio(&place, queue, owner, out);
    if (find_nic(&nth, &function))
        return open_function(&function, queue, owner, out);
    if (virtio_mmio_described(VIRTIO_TYPE_NET, &nth, &place))
        return virtio_net_open_mmio(&place, queue, owner, out);
    return -EXO_ENODEV;
}

void nic_close(struct nic *nic)
{
    nic->ops->close(nic);
}
