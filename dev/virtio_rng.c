// SPDX-License-Identifier: MIT
// virtio_rng.c - one request to the entropy device, polled.
#include "dev/virtio_rng.h"

#include "core/clock.h"
#include "core/frame.h"
#include "dev/ring/virtio_ring.h"
#include "dev/virtio_mmio.h"
#include "dev/virtio_pci.h"
#include "exo/bits.h"
#include "exo/err.h"

#include <string.h>

#define TYPE             4 // §5
#define PCI_ID           0x1044
#define PCI_TRANSITIONAL 0x1005
#define OWNER            "virtio-rng"

#define RING_SIZE 2u

// The hypervisor has its bytes at hand, but may have to wait for a turn of its host's. One that
// never hands them out does not hold up a boot: there are other sources.
#define TIMEOUT_NS EXO_S(1)

// One frame: the ring, and from the middle on what the device writes.
#define BUFFER_AT (CORE_FRAME_BYTES / 2)

_Static_assert(BUFFER_AT + VIRTIO_RNG_BYTES_MAX <= CORE_FRAME_BYTES, "one frame");

struct rng_device {
    union {
        struct virtio_pci pci;
        struct virtio_mmio mmio;
    } transport;
    struct virtio *virtio; // of either
    struct virtio_ring ring;
    struct virtio_ring_slot slots[RING_SIZE];
    struct pa frame;
    volatile void *doorbell;
};

// ---- where it is ----

static bool find_function(struct core_pci_function *out)
{
    for (uint32_t n = 0; core_pci_function(n, out) == 0; n++) {
        if (out->vendor_id == VIRTIO_PCI_VENDOR &&
            (out->device_id == PCI_ID || out->device_id == PCI_TRANSITIONAL))
            return true;
    }
    return false;
}

static int open_mmio(struct rng_device *dev, const struct virtio_mmio_place *place)
{
    dev->virtio = &dev->transport.mmio.virtio;
    return virtio_mmio_open(&dev->transport.mmio, place, OWNER);
}

static int open_pci(struct rng_device *dev, struct pci_addr at)
{
    dev->virtio = &dev->transport.pci.virtio;
    int err = virtio_pci_open(&dev->transport.pci, at, OWNER);
    return err == -EXO_ENOTSUP ? -EXO_ENODEV : err;
}

// What costs least to look for comes first: words, a bus, machine code.
static int open(struct rng_device *dev)
{
    uint32_t nth = 0;
    struct virtio_mmio_place place;
    struct core_pci_function function;
    if (virtio_mmio_named(TYPE, &nth, &place))
        return open_mmio(dev, &place);
    if (find_function(&function))
        return open_pci(dev, function.at);
    if (virtio_mmio_described(TYPE, &nth, &place))
        return open_mmio(dev, &place);
    return -EXO_ENODEV;
}

// ---- the request ----

static int start(struct rng_device *dev)
{
    int err = virtio_negotiate(dev->virtio, 0, 0);
    if (err < 0)
        return -EXO_EIO;
    virtio_ring_init(&dev->ring, core_phys(dev->frame), dev->slots, RING_SIZE, false);
    const struct virtio_queue queue = {
        .size = RING_SIZE,
        .desc = dev->frame,
        .avail = {dev->frame.v + virtio_ring_avail_offset(RING_SIZE)},
        .used = {dev->frame.v + virtio_ring_used_offset(RING_SIZE)},
        .entry = VIRTIO_PCI_NO_VECTOR,
    };
    if (virtio_queue_setup(dev->virtio, &queue, &dev->doorbell) < 0)
        return -EXO_EIO;
    virtio_start(dev->virtio);
    return 0;
}

// Waits for the one buffer that is out. Returns its length, or -EXO_EIO.
static int wait(struct rng_device *dev, uint32_t len)
{
    exo_ns deadline = core_clock_now() + TIMEOUT_NS;
    uint32_t used_len;
    while (virtio_ring_ready(&dev->ring) == 0) {
        if (dev->ring.fault)
            return virtio_fail(dev->virtio, -EXO_EIO, "the entropy device's ring makes no sense");
        if (core_clock_now() >= deadline)
            return virtio_fail(dev->virtio, -EXO_EIO, "the entropy device is silent");
    }
    if (virtio_ring_reap(&dev->ring, &used_len) < 0 || used_len == 0 || used_len > len)
        return virtio_fail(dev->virtio, -EXO_EIO, "the entropy device claims what cannot be");
    return (int)used_len;
}

static bool is_zero(const uint8_t *bytes, uint32_t len)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < len; i++)
        any |= bytes[i];
    return any == 0;
}

static int ask(struct rng_device *dev, void *out, uint32_t len)
{
    struct pa buffer = {dev->frame.v + BUFFER_AT};
    virtio_ring_add(&dev->ring, buffer, len, VIRTQ_DESC_WRITE);
    virtio_ring_publish(&dev->ring);
    virtio_notify(dev->virtio, dev->doorbell, 0);
    int got = wait(dev, len);
    if (got < 0)
        return got;
    // A copy first: the device may go on writing while we look.
    memcpy(out, core_phys(buffer), (size_t)got);
    explicit_bzero(core_phys(buffer), len);
    if (is_zero(out, (uint32_t)got))
        return virtio_fail(dev->virtio, -EXO_EIO, "the entropy device gives nothing but zeros");
    return got;
}

int virtio_rng_read(void *out, uint32_t len)
{
    struct rng_device dev = {0};
    if (core_frame_claim(NULL, 1, 1, &dev.frame) < 0)
        return -EXO_ENOMEM;
    memset(core_phys(dev.frame), 0, CORE_FRAME_BYTES);
    int result = open(&dev);
    if (result == 0) {
        result = start(&dev);
        if (result == 0)
            result = ask(&dev, out, EXO_MIN(len, VIRTIO_RNG_BYTES_MAX));
        virtio_close(dev.virtio); // before its buffer becomes somebody else's
    }
    core_frame_release(NULL, dev.frame, 1);
    return result;
}
