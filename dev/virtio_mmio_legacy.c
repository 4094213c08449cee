// SPDX-License-Identifier: MIT
// virtio_mmio_legacy.c - features, queues and configuration of version 1.
#include "dev/virtio_mmio_legacy.h"

#include "dev/ring/virtio_ring.h"
#include "dev/virtio_mmio_regs.h"
#include "exo/assert.h"
#include "exo/err.h"

#define PAGE_BYTES 4096u

uint64_t virtio_mmio_legacy_offered(struct virtio *dev)
{
    hal_mmio_write32(mmio_reg(dev, MMIO_DEVICE_FEATURES_SEL), 0);
    return hal_mmio_read32(mmio_reg(dev, MMIO_DEVICE_FEATURES));
}

// The device wants to know what a page is once, before the first queue; this comes before.
void virtio_mmio_legacy_accept(struct virtio *dev, uint64_t features)
{
    hal_mmio_write32(mmio_reg(dev, MMIO_DRIVER_FEATURES_SEL), 0);
    hal_mmio_write32(mmio_reg(dev, MMIO_DRIVER_FEATURES), (uint32_t)features);
    hal_mmio_write32(mmio_reg(dev, MMIO_GUEST_PAGE_SIZE), PAGE_BYTES);
}

// §2.7.2: the device finds the other two parts behind the first by their sizes, and the used
// ring at the next multiple of what it is told.
static bool is_one_piece(const struct virtio_queue *queue)
{
    return exo_is_aligned(queue->desc.v, PAGE_BYTES) &&
           queue->avail.v == queue->desc.v + virtio_ring_avail_offset(queue->size) &&
           queue->used.v == queue->desc.v + virtio_ring_used_offset(queue->size);
}

int virtio_mmio_legacy_queue_setup(struct virtio *dev, const struct virtio_queue *queue,
                                   volatile void **doorbell)
{
    exo_assert(is_one_piece(queue));
    uint64_t page = queue->desc.v / PAGE_BYTES;
    if (page > UINT32_MAX)
        return virtio_fail(dev, -EXO_ENOTSUP, "its queue would be where its pages have no number");
    if (hal_mmio_read32(mmio_reg(dev, MMIO_QUEUE_PFN)) != 0)
        return virtio_fail(dev, -EXO_EIO, "a queue is in use right after the reset");
    hal_mmio_write32(mmio_reg(dev, MMIO_QUEUE_NUM), queue->size);
    hal_mmio_write32(mmio_reg(dev, MMIO_QUEUE_ALIGN), VIRTIO_RING_USED_ALIGN);
    hal_mmio_write32(mmio_reg(dev, MMIO_QUEUE_PFN), (uint32_t)page);
    *doorbell = mmio_reg(dev, MMIO_QUEUE_NOTIFY);
    return 0;
}

// §2.5.4: nothing tells of a change. What our drivers read does not change while they do.
uint32_t virtio_mmio_legacy_generation(struct virtio *dev)
{
    (void)dev;
    return 0;
}
