// SPDX-License-Identifier: MIT
// virtio_mmio.c - registers of a virtio device at an address that somebody told us.
#include "dev/virtio_mmio.h"

#include "core/gsi.h"
#include "core/mmio.h"
#include "dev/virtio_mmio_legacy.h"
#include "dev/virtio_mmio_regs.h"
#include "exo/err.h"

enum { VERSION_LEGACY = 1, VERSION_MODERN = 2 };

uint32_t virtio_mmio_type(const struct virtio_mmio_place *place)
{
    struct pa id_at = {place->at.v + MMIO_DEVICE_ID};
    uint32_t magic, type;
    if (core_mmio_peek32(place->at, &magic) < 0 || magic != MMIO_MAGIC ||
        core_mmio_peek32(id_at, &type) < 0)
        return 0;
    return type;
}

static uint8_t status(struct virtio *dev)
{
    return (uint8_t)hal_mmio_read32(mmio_reg(dev, MMIO_STATUS));
}

static void set_status(struct virtio *dev, uint8_t value)
{
    hal_mmio_write32(mmio_reg(dev, MMIO_STATUS), value);
}

static uint64_t offered(struct virtio *dev)
{
    return virtio_halves_read(mmio_reg(dev, MMIO_DEVICE_FEATURES_SEL),
                              mmio_reg(dev, MMIO_DEVICE_FEATURES));
}

static void accept(struct virtio *dev, uint64_t features)
{
    virtio_halves_write(mmio_reg(dev, MMIO_DRIVER_FEATURES_SEL),
                        mmio_reg(dev, MMIO_DRIVER_FEATURES), features);
}

static uint16_t queue_size(struct virtio *dev, uint16_t index)
{
    hal_mmio_write32(mmio_reg(dev, MMIO_QUEUE_SEL), index);
    return (uint16_t)EXO_MIN(hal_mmio_read32(mmio_reg(dev, MMIO_QUEUE_NUM_MAX)), 0x8000u);
}

static int queue_setup(struct virtio *dev, const struct virtio_queue *queue,
                       volatile void **doorbell)
{
    if (hal_mmio_read32(mmio_reg(dev, MMIO_QUEUE_READY)) != 0)
        return virtio_fail(dev, -EXO_EIO, "a queue is in use right after the reset");
    hal_mmio_write32(mmio_reg(dev, MMIO_QUEUE_NUM), queue->size);
    hal_mmio_write64(mmio_reg(dev, MMIO_QUEUE_DESC), queue->desc.v);
    hal_mmio_write64(mmio_reg(dev, MMIO_QUEUE_DRIVER), queue->avail.v);
    hal_mmio_write64(mmio_reg(dev, MMIO_QUEUE_DEVICE), queue->used.v);
    hal_mmio_write32(mmio_reg(dev, MMIO_QUEUE_READY), 1);
    *doorbell = mmio_reg(dev, MMIO_QUEUE_NOTIFY);
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
    return hal_mmio_read32(mmio_reg(dev, MMIO_CONFIG_GENERATION));
}

// The wire falls, so that it can rise again.
static void heard(struct virtio *dev)
{
    uint32_t reasons = hal_mmio_read32(mmio_reg(dev, MMIO_INTERRUPT_STATUS));
    if (reasons)
        hal_mmio_write32(mmio_reg(dev, MMIO_INTERRUPT_ACK), reasons);
}

static void release(struct virtio *dev)
{
    struct virtio_mmio *mmio = EXO_CONTAINER(dev, struct virtio_mmio, virtio);
    if (mmio->routed)
        core_gsi_release(mmio->place.wire.gsi);
    core_mmio_release(mmio->place.at);
}

static const struct virtio_transport modern = {
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

static const struct virtio_transport legacy = {
    .is_legacy = true,
    .status = status,
    .set_status = set_status,
    .offered = virtio_mmio_legacy_offered,
    .accept = virtio_mmio_legacy_accept,
    .queue_size = queue_size,
    .queue_setup = virtio_mmio_legacy_queue_setup,
    .route = route,
    .generation = virtio_mmio_legacy_generation,
    .heard = heard,
    .release = release,
};

// Is it a device that we can drive? Says why not.
static int check(struct virtio_mmio *dev)
{
    if (hal_mmio_read32(dev->regs + MMIO_MAGIC_VALUE) != MMIO_MAGIC ||
        hal_mmio_read32(dev->regs + MMIO_DEVICE_ID) == 0) {
        virtio_say(&dev->virtio, "no device is there");
        return -EXO_EIO;
    }
    uint32_t version = hal_mmio_read32(dev->regs + MMIO_VERSION);
    if (version != VERSION_MODERN && version != VERSION_LEGACY) {
        virtio_say(&dev->virtio, "its registers are of a version that nobody knows");
        return -EXO_ENOTSUP;
    }
    dev->virtio.transport = version == VERSION_MODERN ? &modern : &legacy;
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
        .virtio = {.owner = owner,
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
