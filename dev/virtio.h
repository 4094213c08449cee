// SPDX-License-Identifier: MIT
// virtio.h - a virtio device over whichever transport: how a driver agrees on features with
// it, hands it rings, rings its doorbells and hears its interrupts (virtio 1.2 §3.1.1).
//
//     virtio_pci_open  ─┐
//     virtio_mmio_open ─┴► negotiate ─► route ─► queue_setup … ─► start ─► … ─► close
//
// After an open that failed there is nothing to do; any later call that fails has left
// FAILED in the device's status and a line in the log, and only close is left.
#ifndef DEV_VIRTIO_H
#define DEV_VIRTIO_H

#include "core/nicq.h"
#include "hal/mmio.h"

enum {                        // feature bits of the ring and the transport (§6)
    VIRTIO_F_ANY_LAYOUT = 27, // of a legacy device: buffers are cut as the driver likes
    VIRTIO_F_EVENT_IDX = 29,
    VIRTIO_F_VERSION_1 = 32,
};

struct virtio;

struct virtio_queue { // what the device and the driver have to know of one virtqueue
    uint16_t index;
    uint16_t size;  // descriptors, a power of two, at most virtio_queue_size
    struct pa desc; // §2.7: the three parts
    struct pa avail;
    struct pa used;
    uint16_t entry; // as given to virtio_route
};

// What a transport does in its own way; virtio.c does the rest.
struct virtio_transport {
    bool is_legacy; // the device is older than virtio 1.0, or behaves so (§1.3)
    uint8_t (*status)(struct virtio *dev);
    void (*set_status)(struct virtio *dev, uint8_t status);
    uint64_t (*offered)(struct virtio *dev); // feature bits
    void (*accept)(struct virtio *dev, uint64_t features);
    uint16_t (*queue_size)(struct virtio *dev, uint16_t index); // 0 without it; selects it
    int (*queue_setup)(struct virtio *dev, const struct virtio_queue *queue,
                       volatile void **doorbell); // the selected queue; virtio_fail says why not
    int (*route)(struct virtio *dev, uint16_t entry, int irq); // the same
    uint32_t (*generation)(struct virtio *dev);                // changes with the configuration
    void (*heard)(struct virtio *dev);   // null: an interrupt is a message, and over
    void (*release)(struct virtio *dev); // everything back to core
};

struct virtio {
    const struct virtio_transport *transport;
    const char *owner;
    struct core_nic nic;      // the device's place
    bool wide_doorbell;       // 32 bits, not 16
    volatile uint8_t *config; // the device type's own fields
    uint64_t config_bytes;    // 0: there are none
    uint64_t features;        // agreed on
};

// For a transport's open: resets the device and says that a driver is there. -EXO_EIO if it
// does not come out of the reset.
int virtio_begin(struct virtio *dev);

// Says something about the device in the log.
void virtio_say(const struct virtio *dev, const char *what);

// Says why, tells the device, and passes the error on.
int virtio_fail(struct virtio *dev, int err, const char *why);

// For a transport: 64 feature bits, of which a register shows the half that another one selects
// (§4.1.4.3, §4.2.2).
uint64_t virtio_halves_read(volatile void *select, volatile void *half);
void virtio_halves_write(volatile void *select, volatile void *half, uint64_t value);

// Stops the device by a reset and gives it back: after this no DMA happens.
void virtio_close(struct virtio *dev);

// Agrees on `required` and on what the device offers of `wanted` (sets of bits, 1 << F), and
// on VIRTIO_F_VERSION_1 or, with a legacy device, VIRTIO_F_ANY_LAYOUT.
//
// Errors: -EXO_ENOTSUP  a required feature is not offered, or the device takes back
//                       FEATURES_OK.
int virtio_negotiate(struct virtio *dev, uint64_t required, uint64_t wanted);

// Descriptors that a queue may have at most; 0 if there is no such queue.
uint16_t virtio_queue_size(struct virtio *dev, uint16_t index);

// Points interrupt `entry` of the device, to which queues are bound, at a line. A transport
// with one interrupt for all has entry 0 only.
//
// Errors: -EXO_ENOTSUP  no such entry; -EXO_ENODEV, -EXO_EBUSY as core_gsi_claim.
int virtio_route(struct virtio *dev, uint16_t entry, int irq);

// Gives the device a ring and switches the queue on. `doorbell` becomes its register.
//
// Owner:  the ring's memory is the device's until virtio_close.
// Errors: -EXO_ENOTSUP  no such queue, or not of that size.
//         -EXO_EIO      the device refuses it.
int virtio_queue_setup(struct virtio *dev, const struct virtio_queue *queue,
                       volatile void **doorbell);

// DRIVER_OK: the device may use its queues from now on.
void virtio_start(struct virtio *dev);

// Fields of the device's own configuration, each read by its natural width (§4.1.3.1, §4.2.2.2):
// an array of bytes as one snapshot, or one 16-bit number.
//
// Errors: -EXO_EIO  they lie outside, or do not hold still.
int virtio_config_bytes(struct virtio *dev, uint32_t offset, uint8_t *out, uint32_t len);
int virtio_config_read16(struct virtio *dev, uint32_t offset, uint16_t *out);

// Tells the device that queue `index` has new chains.
static inline void virtio_notify(const struct virtio *dev, volatile void *doorbell, uint16_t index)
{
    if (dev->wide_doorbell)
        hal_mmio_write32(doorbell, index);
    else
        hal_mmio_write16(doorbell, index);
}

// Tells the device that its interrupt was heard. Look at the rings after that, not before:
// what it adds from now on raises the next interrupt.
static inline void virtio_heard(struct virtio *dev)
{
    if (dev->transport->heard)
        dev->transport->heard(dev);
}

#endif
