// SPDX-License-Identifier: MIT
// virtio_mmio_legacy.h - what version 1 of virtio-mmio does in its own way (virtio 1.2 §4.2.4):
// QEMU's, where nobody asks for another, and kvmtool's.
//
// A queue is one piece of memory, whose page is all that the device is told; 32 features are
// all there are; and the configuration has no generation. Parts of a transport (virtio.h).
#ifndef DEV_VIRTIO_MMIO_LEGACY_H
#define DEV_VIRTIO_MMIO_LEGACY_H

#include "dev/virtio.h"

uint64_t virtio_mmio_legacy_offered(struct virtio *dev);
void virtio_mmio_legacy_accept(struct virtio *dev, uint64_t features);
int virtio_mmio_legacy_queue_setup(struct virtio *dev, const struct virtio_queue *queue,
                                   volatile void **doorbell);
uint32_t virtio_mmio_legacy_generation(struct virtio *dev);

#endif
