// SPDX-License-Identifier: MIT
// virtio_mmio.c - registers of a virtio device at an address that somebody told us.
#include "dev/virtio_mmio.h"

#include "core/gsi.h"
#include "core/mmio.h"
#include "exo/bits.h"
#include "exo/err.h"

#include <string.h>

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

// ---- where they are ----

// Reads a number, with 0x in front or without, and moves on behind it. False if there is none
// or if it is too large.
static bool take_number(const char **text, uint64_t *out)
{
    const char *at = *text;
    uint32_t base = 10;
    if (at[0] == '0' && (at[1] | 0x20) == 'x') {
        base = 16;
        at += 2;
    }
    const char *first = at;
    for (*out = 0;; at++) {
        uint32_t digit = (uint32_t)*at - '0';
        if (digit > 9) // a letter, small or capital; what is none becomes too large
            digit = ((uint32_t)*at | 0x20) - 'a' < 26 ? ((uint32_t)*at | 0x20) - 'a' + 10 : base;
        if (digit >= base)
            break;
        if (__builtin_mul_overflow(*out, base, out) || __builtin_add_overflow(*out, digit, out))
            return false;
    }
    *text = at;
    return at != first;
}

static uint32_t take_unit_shift(const char **text)
{
    static const char units[] = "kmg";
    const char *unit = **text ? strchr(units, **text | 0x20) : NULL;
    *text += unit != NULL;
    return unit ? 10 * (uint32_t)(unit - units + 1) : 0;
}

static bool take_char(const char **text, char c)
{
    bool is_there = **text == c;
    *text += is_there;
    return is_there;
}

// SIZE@BASE:GSI, and an :ID that says nothing to us.
static bool take_place(const char *text, struct virtio_mmio_place *out)
{
    uint64_t gsi, id;
    if (!take_number(&text, &out->bytes))
        return false;
    out->bytes <<= take_unit_shift(&text);
    if (!take_char(&text, '@') || !take_number(&text, &out->at.v) || !take_char(&text, ':') ||
        !take_number(&text, &gsi) || gsi > UINT32_MAX)
        return false;
    out->gsi = (uint32_t)gsi;
    if (take_char(&text, ':') && !take_number(&text, &id))
        return false;
    bool ends = *text == '\0' || *text == ' ' || *text == '\t' || *text == '\n';
    return ends && out->bytes >= VIRTIO_MMIO_BYTES && exo_is_aligned(out->at.v, 4);
}

bool virtio_mmio_place(const char *cmdline, uint32_t nth, struct virtio_mmio_place *out)
{
    static const char word[] = "virtio_mmio.device=";
    const char *at = cmdline;
    while ((at = strstr(at, word))) {
        bool begins = at == cmdline || at[-1] == ' ' || at[-1] == '\t';
        at += strlen(word);
        if (begins && take_place(at, out) && nth-- == 0)
            return true;
    }
    return false;
}

uint32_t virtio_mmio_type(const struct virtio_mmio_place *place)
{
    struct pa id_at = {place->at.v + DEVICE_ID};
    uint32_t magic, type;
    if (core_mmio_peek32(place->at, &magic) < 0 || magic != MAGIC ||
        core_mmio_peek32(id_at, &type) < 0)
        return 0;
    return type;
}

// ---- the transport ----

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

static uint32_t offered(struct virtio *dev, uint32_t half)
{
    hal_mmio_write32(reg(dev, DEVICE_FEATURES_SEL), half);
    return hal_mmio_read32(reg(dev, DEVICE_FEATURES));
}

static void accept(struct virtio *dev, uint32_t half, uint32_t bits)
{
    hal_mmio_write32(reg(dev, DRIVER_FEATURES_SEL), half);
    hal_mmio_write32(reg(dev, DRIVER_FEATURES), bits);
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

// One wire for everything.
static int route(struct virtio *dev, uint16_t entry, int irq)
{
    struct virtio_mmio *mmio = EXO_CONTAINER(dev, struct virtio_mmio, virtio);
    int err = entry ? -EXO_ENOTSUP : core_gsi_claim(mmio->place.gsi, irq);
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
        core_gsi_release(mmio->place.gsi);
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
