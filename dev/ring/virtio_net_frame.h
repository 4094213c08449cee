// SPDX-License-Identifier: MIT
// virtio_net_frame.h - what stands in front of every frame on a virtio NIC's queues
// (virtio 1.2 §5.1.6), and which lengths a device may report.
//
//     data - 12 (10)         data                   data + len
//        │ virtio_net_hdr      │ Ethernet frame          │
//
// Without offloads the header says nothing: it is sent as zeros and skipped when received.
#ifndef DEV_RING_VIRTIO_NET_FRAME_H
#define DEV_RING_VIRTIO_NET_FRAME_H

#include "exo/types.h"

struct virtio_net_hdr {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t num_buffers; // there in every modern device, merged buffers or not (§5.1.6.1)
};

#define VIRTIO_NET_HDR_BYTES        12u
#define VIRTIO_NET_HDR_LEGACY_BYTES 10u // without num_buffers

_Static_assert(sizeof(struct virtio_net_hdr) == VIRTIO_NET_HDR_BYTES, "virtio 1.2 §5.1.6");
_Static_assert(offsetof(struct virtio_net_hdr, num_buffers) == VIRTIO_NET_HDR_LEGACY_BYTES,
               "virtio 1.2 §5.1.6.1");

// May a device that was lent `space` bytes behind its header of `hdr_bytes` have written
// `used_len` in all? It must have written the header, and at least one byte of a frame.
static inline bool virtio_net_rx_len_ok(uint32_t used_len, uint32_t hdr_bytes, uint32_t space)
{
    return used_len > hdr_bytes && used_len - hdr_bytes <= space;
}

#endif
