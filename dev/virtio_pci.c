// SPDX-License-Identifier: MIT
// virtio_pci.c - registers of a modern virtio device behind PCI capabilities.
#include "dev/virtio_pci.h"

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

static struct virtio_pci *pci_of(struct virtio *dev)
{
    return EXO_CONTAINER(dev, struct virtio_pci, virtio);
}

static volatile uint8_t *common(struct virtio *dev, uint32_t offset)
{
    return pci_of(dev)->common.base + offset;
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
    struct virtio_pci_window window;
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
        if (!dev->virtio.config && len >= CAP_BYTES && window_map(dev, cap, 1, 4, &window)) {
            dev->virtio.config = window.base;
            dev->virtio.config_bytes = window.bytes;
        }
        break;
    }
}

// ---- the transport ----

static uint8_t status(struct virtio *dev)
{
    return hal_mmio_read8(common(dev, DEVICE_STATUS));
}

static void set_status(struct virtio *dev, uint8_t value)
{
    hal_mmio_write8(common(dev, DEVICE_STATUS), value);
}

static uint64_t offered(struct virtio *dev)
{
    return virtio_halves_read(common(dev, DEVICE_FEATURE_SELECT), common(dev, DEVICE_FEATURE));
}

static void accept(struct virtio *dev, uint64_t features)
{
    virtio_halves_write(common(dev, DRIVER_FEATURE_SELECT), common(dev, DRIVER_FEATURE), features);
}

static uint16_t queue_size(struct virtio *dev, uint16_t index)
{
    if (index >= hal_mmio_read16(common(dev, NUM_QUEUES)))
        return 0;
    hal_mmio_write16(common(dev, QUEUE_SELECT), index);
    return hal_mmio_read16(common(dev, QUEUE_SIZE));
}

// §4.1.4.4: where the selected queue's doorbell is, or null if it is nowhere.
static volatile void *selected_doorbell(struct virtio_pci *pci)
{
    uint64_t place = (uint64_t)hal_mmio_read16(common(&pci->virtio, QUEUE_NOTIFY_OFF));
    uint64_t offset = place * pci->notify_multiplier;
    bool inside = offset + sizeof(uint16_t) <= pci->notify.bytes && exo_is_aligned(offset, 2);
    return inside ? pci->notify.base + offset : NULL;
}

static int queue_setup(struct virtio *dev, const struct virtio_queue *queue,
                       volatile void **doorbell)
{
    *doorbell = selected_doorbell(pci_of(dev));
    if (!*doorbell)
        return virtio_fail(dev, -EXO_EIO, "a doorbell lies outside its BAR");

    hal_mmio_write16(common(dev, QUEUE_SIZE), queue->size);
    hal_mmio_write64(common(dev, QUEUE_DESC), queue->desc.v);
    hal_mmio_write64(common(dev, QUEUE_DRIVER), queue->avail.v);
    hal_mmio_write64(common(dev, QUEUE_DEVICE), queue->used.v);

    // §4.1.5.1.2: a device that cannot bind the vector answers with "none".
    volatile uint8_t *vector = common(dev, QUEUE_MSIX_VECTOR);
    hal_mmio_write16(vector, queue->entry);
    if (hal_mmio_read16(vector) != queue->entry)
        return virtio_fail(dev, -EXO_EIO, "the device refuses an interrupt vector");

    hal_mmio_write16(common(dev, QUEUE_ENABLE), 1);
    return 0;
}

// Changes of the configuration interrupt nobody.
static int route(struct virtio *dev, uint16_t entry, int irq)
{
    hal_mmio_write16(common(dev, CONFIG_MSIX_VECTOR), VIRTIO_PCI_NO_VECTOR);
    int err = core_pci_msix(pci_of(dev)->at, entry, irq);
    return err < 0 ? virtio_fail(dev, err, "it has no MSI-X entry for its queues") : 0;
}

static uint32_t generation(struct virtio *dev)
{
    return hal_mmio_read8(common(dev, CONFIG_GENERATION));
}

// A device that ignored its reset is stopped by this, which takes bus mastering away.
static void release(struct virtio *dev)
{
    core_pci_release(pci_of(dev)->at);
}

static const struct virtio_transport transport = {
    .status = status,
    .set_status = set_status,
    .offered = offered,
    .accept = accept,
    .queue_size = queue_size,
    .queue_setup = queue_setup,
    .route = route,
    .generation = generation,
    .release = release,
};

int virtio_pci_open(struct virtio_pci *dev, struct pci_addr at, const char *owner)
{
    int err = core_pci_claim(at, owner);
    if (err < 0)
        return err;
    *dev = (struct virtio_pci){
        .at = at,
        .virtio = {.transport = &transport, .owner = owner, .nic = core_nic_pci(at)},
    };

    for (uint16_t cap = 0; (cap = core_pci_capability(at, PCI_CAP_VENDOR, cap));)
        window_take(dev, cap);
    if (!dev->common.base || !dev->notify.base) {
        virtio_say(&dev->virtio, "no modern virtio registers (is disable-modern on?)");
        err = -EXO_ENOTSUP;
    } else {
        err = virtio_begin(&dev->virtio);
    }
    if (err < 0)
        core_pci_release(at);
    return err;
}
