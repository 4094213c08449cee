// SPDX-License-Identifier: MIT
// virtio.c - what is the same over every transport: status, features, configuration.
#include "dev/virtio.h"

#include "core/clock.h"
#include "core/log.h"
#include "exo/err.h"

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

static void status_add(struct virtio *dev, uint8_t bits)
{
    dev->transport->set_status(dev, dev->transport->status(dev) | bits);
}

void virtio_say(const struct virtio *dev, const char *what)
{
    uint64_t at = dev->nic.at;
    if (dev->nic.bus == CORE_NIC_PCI)
        core_log("virtio: %02x:%02x.%x: %s", (unsigned)(at >> 16), (unsigned)(at >> 8 & 0xff),
                 (unsigned)(at & 0xff), what);
    else
        core_log("virtio: %#llx: %s", (unsigned long long)at, what);
}

int virtio_fail(struct virtio *dev, int err, const char *why)
{
    virtio_say(dev, why);
    status_add(dev, STATUS_FAILED);
    return err;
}

uint64_t virtio_halves_read(volatile void *select, volatile void *half)
{
    hal_mmio_write32(select, 0);
    uint64_t low = hal_mmio_read32(half);
    hal_mmio_write32(select, 1);
    return low | (uint64_t)hal_mmio_read32(half) << 32;
}

void virtio_halves_write(volatile void *select, volatile void *half, uint64_t value)
{
    hal_mmio_write32(select, 0);
    hal_mmio_write32(half, (uint32_t)value);
    hal_mmio_write32(select, 1);
    hal_mmio_write32(half, (uint32_t)(value >> 32));
}

// §4.1.4.3.2, §4.2.2.2: the device is reset when it reads 0, and not before. Most are at
// once: those start no clock.
static int reset(struct virtio *dev)
{
    dev->transport->set_status(dev, 0);
    if (dev->transport->status(dev) == 0)
        return 0;
    exo_ns deadline = core_clock_now() + RESET_TIMEOUT_NS;
    while (dev->transport->status(dev) != 0) {
        if (core_clock_now() >= deadline)
            return -EXO_EIO;
    }
    return 0;
}

int virtio_begin(struct virtio *dev)
{
    if (reset(dev) < 0)
        return virtio_fail(dev, -EXO_EIO, "the device does not come out of reset");
    dev->transport->set_status(dev, STATUS_ACKNOWLEDGE);
    dev->transport->set_status(dev, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    return 0;
}

void virtio_close(struct virtio *dev)
{
    if (reset(dev) < 0)
        virtio_fail(dev, -EXO_EIO, "the device does not stop");
    dev->transport->release(dev);
}

int virtio_negotiate(struct virtio *dev, uint64_t required, uint64_t wanted)
{
    const struct virtio_transport *transport = dev->transport;
    uint64_t offered = transport->offered(dev);
    required |= UINT64_C(1) << (transport->is_legacy ? VIRTIO_F_ANY_LAYOUT : VIRTIO_F_VERSION_1);
    if ((offered & required) != required)
        return virtio_fail(dev, -EXO_ENOTSUP, "a feature that the driver needs is not offered");
    dev->features = offered & (required | wanted);
    transport->accept(dev, dev->features);

    // §3.1.1 steps 5 and 6: the device has the last word, but for a legacy one (§3.1.2).
    uint8_t last_word = transport->is_legacy ? 0 : STATUS_FEATURES_OK;
    status_add(dev, last_word);
    if ((transport->status(dev) & last_word) != last_word)
        return virtio_fail(dev, -EXO_ENOTSUP, "the device refuses the driver's choice of features");
    return 0;
}

uint16_t virtio_queue_size(struct virtio *dev, uint16_t index)
{
    return dev->transport->queue_size(dev, index);
}

int virtio_route(struct virtio *dev, uint16_t entry, int irq)
{
    return dev->transport->route(dev, entry, irq);
}

int virtio_queue_setup(struct virtio *dev, const struct virtio_queue *queue,
                       volatile void **doorbell)
{
    if (virtio_queue_size(dev, queue->index) < queue->size) // this selects it, too
        return virtio_fail(dev, -EXO_ENOTSUP, "a queue is missing or too short");
    return dev->transport->queue_setup(dev, queue, doorbell);
}

void virtio_start(struct virtio *dev)
{
    status_add(dev, STATUS_DRIVER_OK);
}

static int config_check(struct virtio *dev, uint32_t offset, uint32_t len)
{
    if ((uint64_t)offset + len <= dev->config_bytes)
        return 0;
    return virtio_fail(dev, -EXO_EIO, "its configuration is shorter than its features say");
}

int virtio_config_bytes(struct virtio *dev, uint32_t offset, uint8_t *out, uint32_t len)
{
    int err = config_check(dev, offset, len);
    if (err < 0)
        return err;

    // §2.5.1: what takes several reads may change between them; the generation tells.
    exo_ns deadline = 0;
    for (;;) {
        uint32_t before = dev->transport->generation(dev);
        for (uint32_t i = 0; i < len; i++)
            out[i] = hal_mmio_read8(dev->config + offset + i);
        if (dev->transport->generation(dev) == before)
            return 0;
        exo_ns now = core_clock_now();
        if (deadline == 0)
            deadline = now + CONFIG_TIMEOUT_NS;
        if (now >= deadline)
            return virtio_fail(dev, -EXO_EIO, "its configuration does not hold still");
    }
}

int virtio_config_read16(struct virtio *dev, uint32_t offset, uint16_t *out)
{
    int err = config_check(dev, offset, sizeof *out);
    if (err == 0)
        *out = hal_mmio_read16(dev->config + offset);
    return err;
}
