// SPDX-License-Identifier: MIT
// virtio_mmio.c - registers of a virtio device at an address that somebody told us.
#include "dev/virtio_mmio.h"

#include "core/gsi.h"
#include "core/mmio.h"
#include "exo/bits.h"
#include "exo/err.h"

enum { // §4.2.2
    MAGIC_VALUE = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC = 0x080, // each of these three is two registers, the low one first
    QUEUE_DRIVER = 0x090,
    QUEUE_DEVICE = 0x0a0,
    CONFIG_GENERATION = 0x0fc,
};

#define MAGIC          0x74726976u // "virt"
#define VERSION_MODERN 2u

uint32_t virtio_mmio_type(const struct virtio_mmio_place *place)
{
    struct pa id_at = {place->at.v + DEVICE_ID};
    uint32_t magic, type;
    if (core_mmio_peek32(place->at, &magic) < 0 || magic != MAGIC ||
        core_mmio_peek32(id_at, &type) < 0)
        return 0;
    return type;
}

static volatile uint8_t *reg(struct virtio *dev, uint32_t offset)
{
    return EXO_CONTAINER(dev, struct virtio_mmio, virtio)->regs + offset;
}

static uint8_t status(struct virtio *dev)
{
    return (uint8_t)hal_mmio_read32(reg(dev, STATUS));
}

static void set_status(struct virtio *dev, uint8_t value)
{
    hal_mmio_write32(reg(dev, STATUS), value);
}

static uint64_t offered(struct virtio *dev)
{
    return virtio_halves_read(reg(dev, DEVICE_FEATURES_SEL), reg(dev, DEVICE_FEATURES));
}

static void accept(struct virtio *dev, uint64_t features)
{
    virtio_halves_write(reg(dev, DRIVER_FEATURES_SEL), reg(dev, DRIVER_FEATURES), features);
}

static uint16_t queue_size(struct virtio *dev, uint16_t index)
{
    hal_mmio_write32(reg(dev, QUEUE_SEL), index);
    return (uint16_t)EXO_MIN(hal_mmio_read32(reg(dev, QUEUE_NUM_MAX)), 0x8000u);
}

static int queue_setup(struct virtio *dev, const struct virtio_queue *queue,
                       volatile void **doorbell)
{
    if (hal_mmio_read32(reg(dev, QUEUE_READY)) != 0)
        return virtio_fail(dev, -EXO_EIO, "a queue is in use right after the reset");
    hal_mmio_write32(reg(dev, QUEUE_NUM), queue->size);
    hal_mmio_write64(reg(dev, QUEUE_DESC), queue->desc.v);
    hal_mmio_write64(reg(dev, QUEUE_DRIVER), queue->avail.v);
    hal_mmio_write64(reg(dev, QUEUE_DEVICE), queue->used.v);
    hal_mmio_write32(reg(dev, QUEUE_READY), 1);
    *doorbell = reg(dev, QUEUE_NOTIFY);
    return 0;
}

static int claim_wire(const struct virtio_mmio_place *place, int irq)
{
    return place->has_shape ? core_gsi_claim_wire(place->wire, irq)
                            : core_gsi_claim(place->wire.gsi, irq);
}

// One wire for everything.
static int route(struct virtio *dev, uint16_t entry, int irq)
{
    struct virtio_mmio *mmio = EXO_CONTAINER(dev, struct virtio_mmio, virtio);
    int err = entry ? -EXO_ENOTSUP : claim_wire(&mmio->place, irq);
    if (err < 0)
        return virtio_fail(dev, err, "its interrupt wire is not to be had");
    mmio->routed = true;
    return 0;
}

static uint32_t generation(struct virtio *dev)
{
    return hal_mmio_read32(reg(dev, CONFIG_GENERATION));
}

// The wire falls, so that it can rise again.
static void heard(struct virtio *dev)
{
    uint32_t reasons = hal_mmio_read32(reg(dev, INTERRUPT_STATUS));
    if (reasons)
        hal_mmio_write32(reg(dev, INTERRUPT_ACK), reasons);
}

static void release(struct virtio *dev)
{
    struct virtio_mmio *mmio = EXO_CONTAINER(dev, struct virtio_mmio, virtio);
    if (mmio->routed)
        core_gsi_release(mmio->place.wire.gsi);
    core_mmio_release(mmio->place.at);
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
    .heard = heard,
    .release = release,
};

// Is it a device that we can drive? Says why not.
static int check(struct virtio_mmio *dev)
{
    if (hal_mmio_read32(dev->regs + MAGIC_VALUE) != MAGIC ||
        hal_mmio_read32(dev->regs + DEVICE_ID) == 0) {
        virtio_say(&dev->virtio, "no device is there");
        return -EXO_EIO;
    }
    if (hal_mmio_read32(dev->regs + VERSION) != VERSION_MODERN) {
        virtio_say(&dev->virtio, "its registers are not virtio 1's (under QEMU, use "
                                 "-global virtio-mmio.force-legacy=false)");
        return -EXO_ENOTSUP;
    }
    return virtio_begin(&dev->virtio);
}

int virtio_mmio_open(struct virtio_mmio *dev, const struct virtio_mmio_place *place,
                     const char *owner)
{
    volatile uint8_t *regs;
    int err = core_mmio_claim(place->at, place->bytes, owner, &regs);
    if (err < 0)
        return err == -EXO_EBUSY ? err : -EXO_EIO;
    *dev = (struct virtio_mmio){
        .virtio = {.transport = &transport,
                   .owner = owner,
                   .nic = core_nic_mmio(place->at),
                   .wide_doorbell = true,
                   .config = regs + VIRTIO_MMIO_BYTES,
                   .config_bytes = place->bytes - VIRTIO_MMIO_BYTES},
        .place = *place,
        .regs = regs,
    };
    err = check(dev);
    if (err < 0)
        core_mmio_release(place->at);
    return err;
}
