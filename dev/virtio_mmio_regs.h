// SPDX-License-Identifier: MIT
// virtio_mmio_regs.h - the registers of virtio-mmio (virtio 1.2 §4.2.2), those of version 1
// among them (§4.2.4). Each is read and written as 32 bits.
#ifndef DEV_VIRTIO_MMIO_REGS_H
#define DEV_VIRTIO_MMIO_REGS_H

#include "dev/virtio_mmio.h"
#include "exo/bits.h"

enum {
    MMIO_MAGIC_VALUE = 0x000,
    MMIO_VERSION = 0x004,
    MMIO_DEVICE_ID = 0x008,
    MMIO_DEVICE_FEATURES = 0x010,
    MMIO_DEVICE_FEATURES_SEL = 0x014,
    MMIO_DRIVER_FEATURES = 0x020,
    MMIO_DRIVER_FEATURES_SEL = 0x024,
    MMIO_GUEST_PAGE_SIZE = 0x028, // version 1
    MMIO_QUEUE_SEL = 0x030,
    MMIO_QUEUE_NUM_MAX = 0x034,
    MMIO_QUEUE_NUM = 0x038,
    MMIO_QUEUE_ALIGN = 0x03c, // version 1
    MMIO_QUEUE_PFN = 0x040,   // version 1
    MMIO_QUEUE_READY = 0x044, // version 2
    MMIO_QUEUE_NOTIFY = 0x050,
    MMIO_INTERRUPT_STATUS = 0x060,
    MMIO_INTERRUPT_ACK = 0x064,
    MMIO_STATUS = 0x070,
    MMIO_QUEUE_DESC = 0x080, // version 2; each of these three is two registers, the low one first
    MMIO_QUEUE_DRIVER = 0x090,
    MMIO_QUEUE_DEVICE = 0x0a0,
    MMIO_CONFIG_GENERATION = 0x0fc, // version 2
};

#define MMIO_MAGIC 0x74726976u // "virt"

static inline volatile uint8_t *mmio_reg(struct virtio *dev, uint32_t offset)
{
    return EXO_CONTAINER(dev, struct virtio_mmio, virtio)->regs + offset;
}

#endif
