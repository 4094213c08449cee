// SPDX-License-Identifier: MIT
// test_virtio_rng.c - the entropy driver above a device that this file plays, honest and not. The
// device acts whenever the driver looks at the clock, as it does while it waits.
#include "core/clock.h"
#include "core/core_main.h"
#include "core/frame.h"
#include "dev/virtio_mmio.h"
#include "dev/virtio_pci.h"
#include "dev/virtio_rng.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"
#include "test/support/virtq_device.h"

#include <stdlib.h>
#include <string.h>

enum lie { HONEST, SILENT, EMPTY, TOO_LONG, STRANGE_ID, FAR_INDEX, ZEROS, REFUSES, BUSY };

static struct machine {
    enum lie lie;
    uint32_t gives;      // bytes at a time
    bool on_bus;         // a PCI function
    bool named;          // on the command line
    bool described;      // by ACPI
    exo_ns now, late;    // it does not answer before
    int frames, devices; // claimed
    uint32_t asked;      // bytes
    struct virtq_device queue;
    uint16_t doorbell;
} machine;

int core_frame_claim(struct core_owner *owner, uint64_t count, uint64_t align, struct pa *out)
{
    (void)owner;
    out->v = (uintptr_t)aligned_alloc(CORE_FRAME_BYTES * align, CORE_FRAME_BYTES * count);
    machine.frames++;
    return 0;
}

void core_frame_release(struct core_owner *owner, struct pa at, uint64_t count)
{
    (void)owner;
    (void)count;
    ck_assert_int_eq(machine.devices, 0); // it has stopped, and cannot write any more
    free((void *)at.v);
    machine.frames--;
}

void *core_phys(struct pa at)
{
    return (void *)at.v;
}

int core_pci_function(uint32_t n, struct core_pci_function *out)
{
    static const struct core_pci_function functions[] = {
        {.vendor_id = 0x1af4, .device_id = 0x1041},
        {.vendor_id = 0x8086, .device_id = 0x1044},
        {.vendor_id = 0x1af4, .device_id = 0x1044},
    };
    if (n >= (machine.on_bus ? 3u : 2u))
        return -EXO_ENOENT;
    *out = functions[n];
    return 0;
}

bool virtio_mmio_named(uint32_t type, uint32_t *nth, struct virtio_mmio_place *out)
{
    *out = (struct virtio_mmio_place){.bytes = 512};
    return type == 4 && *nth == 0 && machine.named;
}

bool virtio_mmio_described(uint32_t type, uint32_t *nth, struct virtio_mmio_place *out)
{
    *out = (struct virtio_mmio_place){.bytes = 1024};
    return type == 4 && *nth == 0 && machine.described;
}

static int claim(void)
{
    if (machine.lie == BUSY)
        return -EXO_EBUSY;
    machine.devices++;
    return 0;
}

int virtio_pci_open(struct virtio_pci *dev, struct pci_addr at, const char *owner)
{
    *dev = (struct virtio_pci){.at = at, .virtio = {.owner = owner}};
    return claim();
}

int virtio_mmio_open(struct virtio_mmio *dev, const struct virtio_mmio_place *place,
                     const char *owner)
{
    ck_assert_uint_eq(place->bytes, machine.named ? 512 : 1024);
    *dev =
        (struct virtio_mmio){.place = *place, .virtio = {.owner = owner, .wide_doorbell = false}};
    return claim();
}

void virtio_close(struct virtio *dev)
{
    ck_assert_str_eq(dev->owner, "virtio-rng");
    machine.devices--;
}

int virtio_fail(struct virtio *dev, int err, const char *why)
{
    ck_assert(dev->owner && why[0]);
    return err;
}

int virtio_negotiate(struct virtio *dev, uint64_t required, uint64_t wanted)
{
    (void)dev;
    (void)wanted;
    ck_assert_uint_eq(required, 0);
    return machine.lie == REFUSES ? -EXO_ENOTSUP : 0;
}

int virtio_queue_setup(struct virtio *dev, const struct virtio_queue *queue,
                       volatile void **doorbell)
{
    (void)dev;
    virtq_device_init(&machine.queue, core_phys(queue->desc), queue->size, false);
    *doorbell = &machine.doorbell;
    return 0;
}

void virtio_start(struct virtio *dev)
{
    (void)dev;
}

static void serve(uint32_t head)
{
    struct virtq_desc part[2];
    ck_assert_uint_eq(virtq_device_chain(&machine.queue, head, part, 2), 1);
    ck_assert_uint_eq(part[0].flags, VIRTQ_DESC_WRITE);
    machine.asked = part[0].len;
    uint32_t len = EXO_MIN(part[0].len, machine.gives);
    if (machine.lie != ZEROS)
        memset((void *)part[0].addr, 0x5a, len);
    if (machine.lie == STRANGE_ID)
        virtq_device_write_used(&machine.queue, 0, head ^ 1, len, 1);
    else if (machine.lie == FAR_INDEX)
        virtq_device_write_used(&machine.queue, 0, head, len, 900);
    else
        virtq_device_complete(&machine.queue, head,
                              machine.lie == EMPTY      ? 0
                              : machine.lie == TOO_LONG ? part[0].len + 1
                                                        : len);
}

exo_ns core_clock_now(void)
{
    machine.now += EXO_MS(10);
    bool is_awake = machine.lie != SILENT && machine.devices > 0 && machine.now >= machine.late;
    int32_t head = is_awake ? virtq_device_take(&machine.queue) : -1;
    if (head >= 0)
        serve((uint32_t)head);
    return machine.now;
}

static int ask(struct machine as, void *out, uint32_t len)
{
    machine = as;
    int got = virtio_rng_read(out, len);
    ck_assert(machine.frames == 0 && machine.devices == 0);
    return got;
}

START_TEST(bytes_come_by_any_transport)
{
    uint8_t out[64] = {0}, expected[64] = {0};
    memset(expected, 0x5a, 40);
    ck_assert_int_eq(ask((struct machine){.on_bus = true, .gives = 40}, out, 64), 40);
    ck_assert_mem_eq(out, expected, 64); // no more than it gave
    memset(out, 0, sizeof out);
    ck_assert_int_eq(ask((struct machine){.named = true, .gives = 4096}, out, 40), 40);
    ck_assert_mem_eq(out, expected, 64);
    ck_assert_uint_eq(machine.asked, 40);
    memset(out, 0, sizeof out);
    ck_assert_int_eq(ask((struct machine){.described = true, .gives = 4096}, out, 40), 40);
    ck_assert_mem_eq(out, expected, 64);
}
END_TEST

START_TEST(a_long_request_is_cut)
{
    static uint8_t out[4096];
    ck_assert_int_eq(ask((struct machine){.on_bus = true, .gives = 4096}, out, sizeof out),
                     VIRTIO_RNG_BYTES_MAX);
}
END_TEST

START_TEST(a_machine_without_one_says_so)
{
    uint8_t out[8];
    ck_assert_int_eq(ask((struct machine){.gives = 8}, out, 8), -EXO_ENODEV);
    ck_assert_int_eq(ask((struct machine){.on_bus = true, .lie = BUSY}, out, 8), -EXO_EBUSY);
}
END_TEST

START_TEST(a_device_that_has_to_wait_for_its_host_is_waited_for)
{
    uint8_t out[32];
    struct machine as = {.on_bus = true, .gives = 32, .late = EXO_MS(900)};
    ck_assert_int_eq(ask(as, out, sizeof out), 32);
}
END_TEST

START_TEST(a_device_that_lies_or_is_silent_costs_a_second)
{
    static const enum lie lies[] = {SILENT, EMPTY, TOO_LONG, STRANGE_ID, FAR_INDEX, ZEROS, REFUSES};
    uint8_t out[32];
    for (size_t i = 0; i < EXO_COUNT(lies); i++) {
        struct machine as = {.on_bus = true, .lie = lies[i], .gives = 32};
        ck_assert_int_eq(ask(as, out, sizeof out), -EXO_EIO);
        ck_assert_uint_le(machine.now, EXO_MS(1020));
    }
}
END_TEST

CHECK_MAIN("dev.virtio_rng", bytes_come_by_any_transport, a_long_request_is_cut,
           a_machine_without_one_says_so, a_device_that_has_to_wait_for_its_host_is_waited_for,
           a_device_that_lies_or_is_silent_costs_a_second)
