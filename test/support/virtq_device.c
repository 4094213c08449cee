// SPDX-License-Identifier: MIT
// virtq_device.c - the device side of a split virtqueue.
#include "test/support/virtq_device.h"

#include "exo/bits.h"

#include <string.h>

enum { FLAGS, IDX, RING }; // places in the two rings, counted in 16-bit words

static const uint16_t *used_event(const struct virtq_device *dev)
{
    return &dev->avail[RING + dev->size];
}

static uint16_t *avail_event(const struct virtq_device *dev)
{
    return &dev->used[RING + dev->size * 4];
}

void virtq_device_init(struct virtq_device *dev, void *mem, uint16_t size, bool event_idx)
{
    uint8_t *base = mem;
    *dev = (struct virtq_device){
        .desc = mem,
        .avail = (const uint16_t *)(const void *)(base + virtio_ring_avail_offset(size)),
        .used = (uint16_t *)(void *)(base + virtio_ring_used_offset(size)),
        .size = size,
        .event_idx = event_idx,
    };
}

int32_t virtq_device_take(struct virtq_device *dev)
{
    if (dev->avail_seen == dev->avail[IDX])
        return -1;
    return dev->avail[RING + dev->avail_seen++ % dev->size];
}

uint16_t virtq_device_chain(const struct virtq_device *dev, uint32_t head, struct virtq_desc *out,
                            uint16_t max)
{
    uint16_t n = 0;
    uint32_t at = head;
    while (n < max) {
        out[n++] = dev->desc[at];
        if (!(dev->desc[at].flags & VIRTQ_DESC_NEXT))
            break;
        at = dev->desc[at].next;
    }
    return n;
}

void virtq_device_write_used(struct virtq_device *dev, uint16_t at, uint32_t id, uint32_t len,
                             uint16_t idx)
{
    struct virtq_used_elem elem = {.id = id, .len = len};
    memcpy(&dev->used[RING + at % dev->size * 4], &elem, sizeof elem);
    dev->used[IDX] = idx;
}

void virtq_device_complete(struct virtq_device *dev, uint32_t head, uint32_t len)
{
    uint16_t old = dev->used_idx++;
    virtq_device_write_used(dev, old, head, len, dev->used_idx);
    if (dev->event_idx)
        dev->interrupts += *used_event(dev) == old;
    else
        dev->interrupts += !(dev->avail[FLAGS] & VIRTQ_AVAIL_NO_INTERRUPT);
}

void virtq_device_sleep(struct virtq_device *dev)
{
    if (dev->event_idx)
        *avail_event(dev) = dev->avail_seen;
    else
        dev->used[FLAGS] = 0;
}

void virtq_device_poll(struct virtq_device *dev)
{
    if (dev->event_idx)
        *avail_event(dev) = (uint16_t)(dev->avail_seen - 1);
    else
        dev->used[FLAGS] = VIRTQ_USED_NO_NOTIFY;
}

void virtq_device_age(struct virtq_device *dev, struct virtio_ring *ring, uint16_t idx)
{
    ring->added = ring->published = ring->reaped = idx;
    ring->avail->idx = idx;
    ring->used->idx = idx;
    dev->avail_seen = dev->used_idx = idx;
    virtio_ring_disarm(ring);
    if (dev->event_idx)
        ring->avail->ring[ring->size] = (uint16_t)(idx - 1);
}
