// SPDX-License-Identifier: MIT
// virtio_mmio_place.h - where virtio devices are on a machine whose bus, if any, does not know.
//
// The command line may say so in Linux' words, which some monitors append (QEMU's microvm
// without ACPI, Firecracker):
//
//     virtio_mmio.device=512@0xfeb00e00:12[:id]     bytes (K, M, G), address, interrupt wire
//
// Or ACPI does (QEMU's microvm with it): devices called LNRO0005.
#ifndef DEV_VIRTIO_MMIO_PLACE_H
#define DEV_VIRTIO_MMIO_PLACE_H

#include <stdbool.h>

#include "exo/types.h"
#include "hal/apics.h"

struct virtio_mmio_place {
    struct pa at;
    uint64_t bytes;
    struct hal_wire wire; // core/gsi.h
    bool has_shape;       // the wire's is told; else the board knows
};

// The nth place that a command line names well; what it names badly does not count. False if
// there are fewer.
bool virtio_mmio_place(const char *cmdline, uint32_t nth, struct virtio_mmio_place *out);

// The `*nth`-th device (from 0) of a type (§5) among those that the machine's command line
// names, and among those that ACPI alone describes. False if there are fewer; then `*nth` is
// less by their number.
bool virtio_mmio_named(uint32_t type, uint32_t *nth, struct virtio_mmio_place *out);
bool virtio_mmio_described(uint32_t type, uint32_t *nth, struct virtio_mmio_place *out);

#endif
