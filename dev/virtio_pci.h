// SPDX-License-Identifier: MIT
// virtio_pci.h - the modern PCI transport of virtio (1.2 §4.1): where a device's registers
// are. Everything else is virtio.h's.
//
// The function's configuration space and BARs are not trusted: no register is touched
// that does not lie inside a BAR.
#ifndef DEV_VIRTIO_PCI_H
#define DEV_VIRTIO_PCI_H

#include "core/pci.h"
#include "dev/virtio.h"

#define VIRTIO_PCI_VENDOR 0x1af4

struct virtio_pci_window { // registers inside one BAR
    volatile uint8_t *base;
    uint64_t bytes;
};

struct virtio_pci {
    struct virtio virtio; // config is absent if the device has none
    struct pci_addr at;
    struct virtio_pci_window common; // struct virtio_pci_common_cfg, offsets in the .c
    struct virtio_pci_window notify; // one doorbell a queue, notify_multiplier bytes apart
    uint32_t notify_multiplier;
};

#define VIRTIO_PCI_NO_VECTOR 0xffff // as a queue's entry: it never interrupts

// Claims the function, finds its registers and resets the device. Its interrupts are MSI-X
// entries.
//
// Owner:  gives the function to the caller, until virtio_close.
// Errors: -EXO_EBUSY    it has an owner.
//         -EXO_ENOTSUP  it has no modern interface (disable-modern=on).
//         -EXO_EIO      it does not come out of reset.
int virtio_pci_open(struct virtio_pci *dev, struct pci_addr at, const char *owner);

#endif
