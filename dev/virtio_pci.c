// SPDX-License-Identifier: MIT
// virtio_pci.c - registers of a modern virtio device behind PCI capabilities.
#include "dev/virtio_pci.h"

#include "core/clock.h"
#include "core/log.h"
#include "exo/bits.h"
#include "exo/err.h"

#define PCI_CAP_VENDOR 0x09

enum { // struct virtio_pci_cap (§4.1.4)
    CAP_LEN = 2,
    CAP_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_NOTIFY_MULTIPLIER = 16,
    CAP_BYTES = 16,
    CAP_NOTIFY_BYTES = 20,
};

enum { CAP_TYPE_COMMON = 1, CAP_TYPE_NOTIFY = 2, CAP_TYPE_DEVICE = 4 };

enum { // struct virtio_pci_common_cfg (§4.1.4.3)
    DEVICE_FEATURE_SELECT = 0,
    DEVICE_FEATURE = 4,
    DRIVER_FEATURE_SELECT = 8,
    DRIVER_FEATURE = 12,
    CONFIG_MSIX_VECTOR = 16,
    NUM_QUEUES = 18,
    DEVICE_STATUS = 20,
    CONFIG_GENERATION = 21,
    QUEUE_SELECT = 22,
    QUEUE_SIZE = 24,
    QUEUE_MSIX_VECTOR = 26,
    QUEUE_ENABLE = 28,
    QUEUE_NOTIFY_OFF = 30,
    QUEUE_DESC = 32,
    QUEUE_DRIVER = 40,
    QUEUE_DEVICE = 48,
    COMMON_BYTES = 56,
};

enum { // device status (§2.1)
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_FAILED = 128,
};

// Longer than any device takes; a device that is not back by then is broken.
#define RESET_TIMEOUT_NS  EXO_S(1)
#define CONFIG_TIMEOUT_NS EXO_MS(100)

static volatile uint8_t *common(const struct virtio_pci *dev, uint32_t offset)
{
    return dev->common.base + offset;
}

static void status_add(struct virtio_pci *dev, uint8_t bits)
{
    volatile uint8_t *status = common(dev, DEVICE_STATUS);
    hal_mmio_write8(status, hal_mmio_read8(status) | bits);
}

// Says why, tells the device (§3.1.1), and passes the error on.
static int fail(struct virtio_pci *dev, int err, const char *why)
{
    core_log("virtio: %02x:%02x.%x: %s", dev->at.bus, dev->at.device, dev->at.function, why);
    if (dev->common.base)
        status_add(dev, STATUS_FAILED);
    return err;
}

// ---- finding the registers ----

// Maps what capability `cap` describes. Structures in I/O space, in reserved BARs or
// reaching out of their BAR are as good as absent: there may be another one.
static bool window_map(const struct virtio_pci *dev, uint16_t cap, uint32_t least_bytes,
                       uint32_t align, struct virtio_pci_window *out)
{
    uint8_t index = core_pci_read8(dev->at, cap + CAP_BAR);
    uint64_t offset = core_pci_read32(dev->at, cap + CAP_OFFSET);
    uint64_t bytes = core_pci_read32(dev->at, cap + CAP_LENGTH);
    struct core_pci_bar bar;
    if (index > 5 || bytes < least_bytes || !exo_is_aligned(offset, align))
        return false;
    if (core_pci_bar(dev->at, index, &bar) < 0 || !bar.base || offset + bytes > bar.bytes)
        return false;
    *out = (struct virtio_pci_window){.base = bar.base + offset, .bytes = bytes};
    return true;
}

// §4.1.4.1: of several structures of one type, the first that the driver can use counts.
static void window_take(struct virtio_pci *dev, uint16_t cap)
{
    uint8_t len = core_pci_read8(dev->at, cap + CAP_LEN);
    switch (core_pci_read8(dev->at, cap + CAP_TYPE)) {
    case CAP_TYPE_COMMON:
        if (!dev->common.base && len >= CAP_BYTES)
            window_map(dev, cap, COMMON_BYTES, 4, &dev->common);
        break;
    case CAP_TYPE_NOTIFY:
        if (dev->notify.base || len < CAP_NOTIFY_BYTES)
            break;
        if (window_map(dev, cap, sizeof(uint16_t), 2, &dev->notify))
            dev->notify_multiplier = core_pci_read32(dev->at, cap + CAP_NOTIFY_MULTIPLIER);
        break;
    case CAP_TYPE_DEVICE:
        if (!dev->device.base && len >= CAP_BYTES)
            window_map(dev, cap, 1, 4, &dev->device);
        break;
    }
}

static int reset(struct virtio_pci *dev)
{
    // §4.1.4.3.2: the device is reset when it reads 0, and not before.
    exo_ns deadline = core_clock_now() + RESET_TIMEOUT_NS;
    hal_mmio_write8(common(dev, DEVICE_STATUS), 0);
    while (hal_mmio_read8(common(dev, DEVICE_STATUS)) != 0) {
        if (core_clock_now() >= deadline)
            return -EXO_EIO;
    }
    return 0;
}

int virtio_pci_open(struct virtio_pci *dev, struct pci_addr at, const char *owner)
{
    *dev = (struct virtio_pci){.at = at, .owner = owner};
    int err = core_pci_claim(at, owner);
    if (err < 0)
        return err;

    for (uint16_t cap = 0; (cap = core_pci_capability(at, PCI_CAP_VENDOR, cap));)
        window_take(dev, cap);
    if (!dev->common.base || !dev->notify.base)
        err = fail(dev, -EXO_ENOTSUP, "no modern virtio registers (is disable-modern on?)");
    else if (reset(dev) < 0)
        err = fail(dev, -EXO_EIO, "the device does not come out of reset");
    if (err < 0) {
        core_pci_release(at);
        return err;
    }
    status_add(dev, STATUS_ACKNOWLEDGE);
    status_add(dev, STATUS_DRIVER);
    return 0;
}

void virtio_pci_close(struct virtio_pci *dev)
{
    // A device that ignores the reset is stopped by release, which takes bus mastering away.
    if (reset(dev) < 0)
        fail(dev, -EXO_EIO, "the device does not stop");
    core_pci_release(dev->at);
}

// ---- features ----

static uint64_t offered_features(struct virtio_pci *dev)
{
    uint64_t features = 0;
    for (uint32_t half = 0; half < 2; half++) {
        hal_mmio_write32(common(dev, DEVICE_FEATURE_SELECT), half);
        features |= (uint64_t)hal_mmio_read32(common(dev, DEVICE_FEATURE)) << half * 32;
    }
    return features;
}

static void accept_features(struct virtio_pci *dev)
{
    for (uint32_t half = 0; half < 2; half++) {
        hal_mmio_write32(common(dev, DRIVER_FEATURE_SELECT), half);
        hal_mmio_write32(common(dev, DRIVER_FEATURE), (uint32_t)(dev->features >> half * 32));
    }
}

int virtio_pci_negotiate(struct virtio_pci *dev, uint64_t required, uint64_t wanted)
{
    uint64_t offered = offered_features(dev);
    if ((offered & required) != required)
        return fail(dev, -EXO_ENOTSUP, "a feature that the driver needs is not offered");
    dev->features = offered & (required | wanted);
    accept_features(dev);

    // §3.1.1 steps 5 and 6: the device has the last word.
    status_add(dev, STATUS_FEATURES_OK);
    if (!(hal_mmio_read8(common(dev, DEVICE_STATUS)) & STATUS_FEATURES_OK))
        return fail(dev, -EXO_ENOTSUP, "the device refuses the driver's choice of features");
    return 0;
}

// ---- queues ----

uint16_t virtio_pci_queue_size(struct virtio_pci *dev, uint16_t index)
{
    if (index >= hal_mmio_read16(common(dev, NUM_QUEUES)))
        return 0;
    hal_mmio_write16(common(dev, QUEUE_SELECT), index);
    return hal_mmio_read16(common(dev, QUEUE_SIZE));
}

// §4.1.4.4: where the selected queue's doorbell is, or null if it is nowhere.
static volatile void *selected_doorbell(struct virtio_pci *dev)
{
    uint64_t place = (uint64_t)hal_mmio_read16(common(dev, QUEUE_NOTIFY_OFF));
    uint64_t offset = place * dev->notify_multiplier;
    bool inside = offset + sizeof(uint16_t) <= dev->notify.bytes && exo_is_aligned(offset, 2);
    return inside ? dev->notify.base + offset : NULL;
}

int virtio_pci_queue_setup(struct virtio_pci *dev, const struct virtio_pci_queue *queue,
                           volatile void **doorbell)
{
    if (virtio_pci_queue_size(dev, queue->index) < queue->size) // this selects it, too
        return fail(dev, -EXO_ENOTSUP, "a queue is missing or too short");
    *doorbell = selected_doorbell(dev);
    if (!*doorbell)
        return fail(dev, -EXO_EIO, "a doorbell lies outside its BAR");

    hal_mmio_write16(common(dev, QUEUE_SIZE), queue->size);
    hal_mmio_write64(common(dev, QUEUE_DESC), queue->desc.v);
    hal_mmio_write64(common(dev, QUEUE_DRIVER), queue->avail.v);
    hal_mmio_write64(common(dev, QUEUE_DEVICE), queue->used.v);

    // §4.1.5.1.2: a device that cannot bind the vector answers with "none".
    volatile uint8_t *vector = common(dev, QUEUE_MSIX_VECTOR);
    hal_mmio_write16(vector, queue->msix_entry);
    if (hal_mmio_read16(vector) != queue->msix_entry)
        return fail(dev, -EXO_EIO, "the device refuses an interrupt vector");

    hal_mmio_write16(common(dev, QUEUE_ENABLE), 1);
    return 0;
}

void virtio_pci_start(struct virtio_pci *dev)
{
    hal_mmio_write16(common(dev, CONFIG_MSIX_VECTOR), VIRTIO_PCI_NO_VECTOR);
    status_add(dev, STATUS_DRIVER_OK);
}

// ---- the device's own configuration ----

static bool config_has(const struct virtio_pci *dev, uint32_t offset, uint32_t len)
{
    return (uint64_t)offset + len <= dev->device.bytes;
}

int virtio_pci_config_bytes(struct virtio_pci *dev, uint32_t offset, uint8_t *out, uint32_t len)
{
    if (!config_has(dev, offset, len))
        return fail(dev, -EXO_EIO, "its configuration is shorter than its features say");

    // §2.5.1: what takes several reads may change between them; the generation tells.
    exo_ns deadline = core_clock_now() + CONFIG_TIMEOUT_NS;
    uint8_t before, after;
    do {
        before = hal_mmio_read8(common(dev, CONFIG_GENERATION));
        for (uint32_t i = 0; i < len; i++)
            out[i] = hal_mmio_read8(dev->device.base + offset + i);
        after = hal_mmio_read8(common(dev, CONFIG_GENERATION));
    } while (before != after && core_clock_now() < deadline);
    return before == after ? 0 : fail(dev, -EXO_EIO, "its configuration does not hold still");
}

int virtio_pci_config_read16(struct virtio_pci *dev, uint32_t offset, uint16_t *out)
{
    if (!config_has(dev, offset, sizeof *out))
        return fail(dev, -EXO_EIO, "its configuration is shorter than its features say");
    *out = hal_mmio_read16(dev->device.base + offset);
    return 0;
}
