// SPDX-License-Identifier: MIT
// virtq_device.h - the device side of a split virtqueue, for tests of the driver side.
//
// Written from virtio 1.2 §2.7 alone: it finds everything through the shared memory,
// as hardware would, and knows nothing of struct virtio_ring. An honest test takes and
// completes; a lying one writes the used ring itself with virtq_device_write_used.
#ifndef TEST_SUPPORT_VIRTQ_DEVICE_H
#define TEST_SUPPORT_VIRTQ_DEVICE_H

#include "dev/ring/virtio_ring.h"

struct virtq_device {
    const struct virtq_desc *desc;
    const uint16_t *avail; // flags, idx, ring[size], used_event
    uint16_t *used;        // flags, idx, then elements of 8 bytes, then avail_event
    uint16_t size;
    uint16_t avail_seen; // chains taken
    uint16_t used_idx;   // chains completed
    bool event_idx;
    uint32_t interrupts; // that it has raised
};

void virtq_device_init(struct virtq_device *dev, void *mem, uint16_t size, bool event_idx);

// Takes the next available chain. Returns its head, or -1 if there is none.
int32_t virtq_device_take(struct virtq_device *dev);

// The descriptors of a chain in order; returns how many, at most `max`.
uint16_t virtq_device_chain(const struct virtq_device *dev, uint32_t head, struct virtq_desc *out,
                            uint16_t max);

// Completes a chain, and interrupts if the driver wants it.
void virtq_device_complete(struct virtq_device *dev, uint32_t head, uint32_t len);

// Writes one used element and the index as told, honest or not.
void virtq_device_write_used(struct virtq_device *dev, uint16_t at, uint32_t id, uint32_t len,
                             uint16_t idx);

// Whether and when it wants to be notified.
void virtq_device_sleep(struct virtq_device *dev); // at the next chain
void virtq_device_poll(struct virtq_device *dev);  // not at all

// A started ring in the middle of its life: both sides' indices stand at `idx`.
void virtq_device_age(struct virtq_device *dev, struct virtio_ring *ring, uint16_t idx);

#endif
