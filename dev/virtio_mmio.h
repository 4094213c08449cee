// SPDX-License-Identifier: MIT
// virtio_mmio.h - the memory-mapped transport of virtio (1.2 §4.2), for machines without a
// bus: QEMU's microvm, Firecracker.
#ifndef DEV_VIRTIO_MMIO_H
#define DEV_VIRTIO_MMIO_H

#include "dev/virtio.h"
#include "dev/virtio_mmio_place.h"

#define VIRTIO_MMIO_BYTES 0x100u // registers in front of the device's own configuration
#define VIRTIO_TYPE_NET   1      // §5

struct virtio_mmio {
    struct virtio virtio;
    struct virtio_mmio_place place;
    volatile uint8_t *regs;
    bool routed; // the wire is ours
};

// What is there: a type of §5, or 0 for an empty place or no virtio device at all.
uint32_t virtio_mmio_type(const struct virtio_mmio_place *place);

// Claims the device's registers and resets it.
//
// Owner:  gives the device to the caller, until virtio_close.
// Errors: -EXO_EBUSY    it has an owner.
//         -EXO_ENOTSUP  its registers are of no version that we know.
//         -EXO_EIO      no device, or it does not come out of reset.
int virtio_mmio_open(struct virtio_mmio *dev, const struct virtio_mmio_place *place,
                     const char *owner);

#endif
