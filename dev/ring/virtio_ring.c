// SPDX-License-Identifier: MIT
// virtio_ring.c - the split virtqueue's layout, and what is not done for every buffer.
#include "dev/ring/virtio_ring.h"

#include "exo/bits.h"

uint32_t virtio_ring_avail_offset(uint16_t size)
{
    return (uint32_t)(size * sizeof(struct virtq_desc));
}

uint32_t virtio_ring_used_offset(uint16_t size)
{
    uint32_t avail_bytes = (uint32_t)(sizeof(struct virtq_avail) + (size + 1u) * sizeof(uint16_t));
    return (uint32_t)exo_align_up(virtio_ring_avail_offset(size) + avail_bytes,
                                  VIRTIO_RING_USED_ALIGN);
}

uint32_t virtio_ring_bytes(uint16_t size)
{
    size_t used_bytes = sizeof(struct virtq_used) + size * sizeof(struct virtq_used_elem);
    return (uint32_t)(virtio_ring_used_offset(size) + used_bytes + sizeof(uint16_t));
}

static uint16_t *used_event(struct virtio_ring *ring)
{
    return &ring->avail->ring[ring->size];
}

void virtio_ring_init(struct virtio_ring *ring, void *mem, struct virtio_ring_slot *slots,
                      uint16_t size, bool event_idx)
{
    exo_assert(exo_is_pow2(size) && size <= VIRTIO_RING_SIZE_MAX);
    exo_assert(exo_is_aligned((uintptr_t)mem, VIRTIO_RING_USED_ALIGN));
    uint8_t *base = mem;
    *ring = (struct virtio_ring){
        .desc = (struct virtq_desc *)mem,
        .avail = (struct virtq_avail *)(void *)(base + virtio_ring_avail_offset(size)),
        .used = (struct virtq_used *)(void *)(base + virtio_ring_used_offset(size)),
        .slots = slots,
        .size = size,
        .mask = size - 1u,
        .free_count = size,
        .event_idx = event_idx,
    };
    for (uint16_t i = 0; i < size; i++)
        slots[i] = (struct virtio_ring_slot){.next = (uint16_t)(i + 1)};

    // With event indices, §2.7.10 wants the flag left at 0, and the index one behind
    // the first element is the furthest away: that is "suppressed".
    if (event_idx)
        *used_event(ring) = UINT16_MAX;
    else
        ring->avail->flags = VIRTQ_AVAIL_NO_INTERRUPT;
}

uint32_t virtio_ring_add_chain(struct virtio_ring *ring, const struct virtio_ring_part *parts,
                               uint32_t n)
{
    exo_assert(n && n <= ring->free_count);
    uint32_t head = ring->free_head;
    uint16_t at = (uint16_t)head;
    for (uint32_t i = 0; i < n; i++) {
        bool more = i + 1 < n;
        uint16_t next = ring->slots[at].next;
        ring->desc[at] = (struct virtq_desc){
            .addr = parts[i].pa.v,
            .len = parts[i].len,
            .flags = (uint16_t)(parts[i].flags | (more ? VIRTQ_DESC_NEXT : 0)),
            .next = more ? next : 0,
        };
        at = next;
    }
    ring->slots[head].count = (uint16_t)n;
    ring->free_head = at;
    ring->free_count -= n;
    ring->avail->ring[ring->added++ & ring->mask] = (uint16_t)head;
    return head;
}

bool virtio_ring_arm(struct virtio_ring *ring, uint32_t after)
{
    exo_assert(after);
    if (ring->event_idx)
        __atomic_store_n(used_event(ring), (uint16_t)(ring->reaped + after - 1), __ATOMIC_RELAXED);
    else
        __atomic_store_n(&ring->avail->flags, (uint16_t)0, __ATOMIC_RELAXED);

    // §2.7.10.1: the wish is in memory before the last look. The device adds an
    // element and then reads the wish; without the fence an element could slip in
    // between our look and our wish, and nobody would be woken for it.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return virtio_ring_ready(ring) >= after;
}

void virtio_ring_disarm(struct virtio_ring *ring)
{
    if (!ring->event_idx)
        __atomic_store_n(&ring->avail->flags, (uint16_t)VIRTQ_AVAIL_NO_INTERRUPT, __ATOMIC_RELAXED);
}
