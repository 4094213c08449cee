// SPDX-License-Identifier: MIT
// virtio_pci.h - the modern PCI transport of virtio (1.2 §4.1): how a driver finds a
// device's registers, agrees on features, hands it rings and rings its doorbells.
//
// The order of calls is the order of §3.1.1. After an open that failed there is nothing
// to do; any later call that fails has left FAILED in the device's status and a line in
// the log, and only close is left:
//
//     open ─► negotiate ─► queue_setup … ─► start ─► (rings and doorbells) ─► close
//
// The function's configuration space and BARs are not trusted: no register is touched
// that does not lie inside a BAR.
#ifndef DEV_VIRTIO_PCI_H
#define DEV_VIRTIO_PCI_H

#include "core/pci.h"
#include "hal/mmio.h"

#define VIRTIO_PCI_VENDOR 0x1af4

enum { // feature bits of the ring and the transport (§6)
    VIRTIO_F_EVENT_IDX = 29,
    VIRTIO_F_VERSION_1 = 32,
};

struct virtio_pci_window { // registers inside one BAR
    volatile uint8_t *base;
    uint64_t bytes;
};

struct virtio_pci {
    struct pci_addr at;
    const char *owner;
    struct virtio_pci_window common; // struct virtio_pci_common_cfg, offsets in the .c
    struct virtio_pci_window notify; // one doorbell a queue, notify_multiplier bytes apart
    struct virtio_pci_window device; // the device type's own fields; may be absent
    uint32_t notify_multiplier;
    uint64_t features; // agreed on
};

struct virtio_pci_queue { // what the device and the driver have to know of one virtqueue
    uint16_t index;
    uint16_t size;  // descriptors, a power of two, at most virtio_pci_queue_size
    struct pa desc; // §2.7: the three parts
    struct pa avail;
    struct pa used;
    uint16_t msix_entry; // VIRTIO_PCI_NO_VECTOR: it never interrupts
};

#define VIRTIO_PCI_NO_VECTOR 0xffff

// Claims the function, finds its registers and resets the device.
//
// Owner:  gives the function to the caller.
// Errors: -EXO_EBUSY    it has an owner.
//         -EXO_ENOTSUP  it has no modern interface (disable-modern=on).
//         -EXO_EIO      it does not come out of reset.
int virtio_pci_open(struct virtio_pci *dev, struct pci_addr at, const char *owner);

// Stops the device by a reset and gives the function back: after this no DMA happens.
void virtio_pci_close(struct virtio_pci *dev);

// Agrees on `required` and on what the device offers of `wanted` (sets of bits, 1 << F).
//
// Errors: -EXO_ENOTSUP  a required feature is not offered, or the device takes back
//                       FEATURES_OK.
int virtio_pci_negotiate(struct virtio_pci *dev, uint64_t required, uint64_t wanted);

// Descriptors that a queue may have at most; 0 if there is no such queue.
uint16_t virtio_pci_queue_size(struct virtio_pci *dev, uint16_t index);

// Gives the device a ring and switches the queue on. `doorbell` becomes its register.
//
// Owner:  the ring's memory is the device's until virtio_pci_close.
// Errors: -EXO_ENOTSUP  no such queue, or not of that size.
//         -EXO_EIO      the doorbell lies outside its BAR, or the device refused the
//                       interrupt vector.
int virtio_pci_queue_setup(struct virtio_pci *dev, const struct virtio_pci_queue *queue,
                           volatile void **doorbell);

// DRIVER_OK: the device may use its queues from now on.
void virtio_pci_start(struct virtio_pci *dev);

// Fields of the device's own configuration, each read by its natural width (§4.1.3.1):
// an array of bytes as one snapshot, or one 16-bit number.
//
// Errors: -EXO_EIO  they lie outside, or do not hold still.
int virtio_pci_config_bytes(struct virtio_pci *dev, uint32_t offset, uint8_t *out, uint32_t len);
int virtio_pci_config_read16(struct virtio_pci *dev, uint32_t offset, uint16_t *out);

// Tells the device that queue `index` has new chains.
static inline void virtio_pci_notify(volatile void *doorbell, uint16_t index)
{
    hal_mmio_write16(doorbell, index);
}

#endif
