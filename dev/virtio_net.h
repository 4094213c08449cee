// SPDX-License-Identifier: MIT
// virtio_net.h - the virtio network device (1.2 §5.1) behind dev/nic.h.
//
// One queue pair, whole frames, no offloads. Queue pair i is virtqueue 2i (receive) and
// 2i+1 (transmit), and both raise the device's interrupt i.
#ifndef DEV_VIRTIO_NET_H
#define DEV_VIRTIO_NET_H

#include "core/pci.h"
#include "dev/nic.h"
#include "dev/virtio_mmio.h"

// Is this function a virtio NIC, transitional or modern?
bool virtio_net_knows(const struct core_pci_function *function);

// As nic_open, for this function.
int virtio_net_open(const struct core_pci_function *function, uint16_t queue, const char *owner,
                    struct nic **out);

// The same for a device without a bus.
int virtio_net_open_mmio(const struct virtio_mmio_place *place, uint16_t queue, const char *owner,
                         struct nic **out);

#endif
