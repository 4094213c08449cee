// SPDX-License-Identifier: MIT
// test_virtio_blk.c - the disk driver above a device that this file plays, honest and not. The
// device acts whenever the driver looks at the clock, as it does while it waits.
#include "core/clock.h"
#include "core/frame.h"
#include "core/log.h"
#include "dev/blk_probe.h"
#include "dev/virtio_pci.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"
#include "test/support/virtq_device.h"

#include <stdlib.h>
#include <string.h>

#define F_BLK_SIZE 6 // virtio 1.2 §5.2.3
#define F_FLUSH    9
#define UNITS      64u

enum lie { HONEST, SILENT, FAILING, STRANGE_ID, FAR_INDEX };

static struct machine {
    uint64_t offered;
    uint64_t units;      // of 512 bytes
    uint32_t block_size; // in its configuration
    enum lie lie;
    exo_ns now;
    uint64_t frames;
    uint32_t functions;
    uint32_t flushes;
    struct virtq_device queue;
    uint16_t doorbell;
    uint8_t disk[UNITS * 512];
} machine;

void core_log(const char *format, ...)
{
    (void)format;
}

int core_frame_claim(struct core_owner *owner, uint64_t count, uint64_t align, struct pa *out)
{
    (void)owner;
    out->v = (uintptr_t)aligned_alloc(CORE_FRAME_BYTES * align, CORE_FRAME_BYTES * count);
    machine.frames += count;
    return 0;
}

void core_frame_release(struct core_owner *owner, struct pa at, uint64_t count)
{
    (void)owner;
    ck_assert_uint_eq(machine.functions, 0); // the device has stopped, and cannot write any more
    free((void *)at.v);
    machine.frames -= count;
}

void *core_phys(struct pa at)
{
    return (void *)at.v;
}

int virtio_pci_open(struct virtio_pci *dev, struct pci_addr at, const char *owner)
{
    *dev = (struct virtio_pci){.at = at, .virtio = {.owner = owner}};
    machine.functions++;
    return 0;
}

void virtio_close(struct virtio *dev)
{
    (void)dev;
    machine.functions--;
}

int virtio_negotiate(struct virtio *dev, uint64_t required, uint64_t wanted)
{
    dev->features = machine.offered & (required | wanted);
    return required & ~machine.offered ? -EXO_ENOTSUP : 0;
}

int virtio_queue_setup(struct virtio *dev, const struct virtio_queue *queue,
                       volatile void **doorbell)
{
    (void)dev;
    ck_assert_uint_eq(queue->entry, VIRTIO_PCI_NO_VECTOR);
    virtq_device_init(&machine.queue, core_phys(queue->desc), queue->size, false);
    *doorbell = &machine.doorbell;
    return 0;
}

void virtio_start(struct virtio *dev)
{
    (void)dev;
}

int virtio_config_bytes(struct virtio *dev, uint32_t offset, uint8_t *out, uint32_t len)
{
    (void)dev;
    ck_assert(offset == 0 || offset == 20); // capacity, blk_size (§5.2.4)
    memcpy(out, offset ? (void *)&machine.block_size : (void *)&machine.units, len);
    return 0;
}

// §5.2.6: header, data, status.
static void serve(uint32_t head)
{
    struct virtq_desc part[3];
    uint16_t n = virtq_device_chain(&machine.queue, head, part, 3);
    uint32_t type;
    uint64_t unit;
    memcpy(&type, (void *)part[0].addr, 4);
    memcpy(&unit, (uint8_t *)part[0].addr + 8, 8);
    ck_assert(part[0].len == 16 && !(part[0].flags & VIRTQ_DESC_WRITE));
    ck_assert(part[n - 1].len == 1 && part[n - 1].flags & VIRTQ_DESC_WRITE);
    if (type == 4)
        machine.flushes++;
    else
        ck_assert(n == 3 && unit * 512 + part[1].len <= sizeof machine.disk);
    if (type == 0)
        memcpy((void *)part[1].addr, machine.disk + unit * 512, part[1].len);
    if (type == 1)
        memcpy(machine.disk + unit * 512, (void *)part[1].addr, part[1].len);
    *(uint8_t *)part[n - 1].addr = machine.lie == FAILING ? 1 : 0;
}

exo_ns core_clock_now(void)
{
    machine.now += EXO_MS(100);
    int32_t head = machine.lie == SILENT ? -1 : virtq_device_take(&machine.queue);
    if (head < 0)
        return machine.now;
    serve((uint32_t)head);
    if (machine.lie == STRANGE_ID)
        virtq_device_write_used(&machine.queue, 0, 3, 1, 1);
    else if (machine.lie == FAR_INDEX)
        virtq_device_write_used(&machine.queue, 0, (uint32_t)head, 1, 900);
    else
        virtq_device_complete(&machine.queue, (uint32_t)head, 1);
    return machine.now;
}

static struct blk *open_disk(uint32_t block_size)
{
    static const struct core_pci_function function = {.vendor_id = 0x1af4, .device_id = 0x1042};
    struct blk *blk = NULL;
    machine = (struct machine){.offered = UINT64_MAX, .units = UNITS, .block_size = block_size};
    ck_assert(virtio_blk_driver.knows(&function));
    int err = virtio_blk_driver.open(&function, 0, "test", &blk);
    ck_assert_int_eq(err, 0);
    return blk;
}

static void close_disk(struct blk *blk)
{
    blk_close(blk);
    ck_assert(machine.functions == 0 && machine.frames == 0);
}

START_TEST(virtio_blk_reads_back_what_it_wrote)
{
    static const uint32_t sizes[] = {512, 4096};
    static uint8_t out[8192], in[8192];
    for (size_t i = 0; i < 2; i++) {
        struct blk *blk = open_disk(sizes[i]);
        ck_assert(blk->sector_bytes == sizes[i] && blk->sectors == UNITS * 512 / sizes[i]);
        for (size_t k = 0; k < sizeof out; k++)
            out[k] = (uint8_t)(k * 7 + i);
        ck_assert_int_eq(blk_write(blk, 3, out, 2), 0);
        ck_assert_mem_eq(machine.disk + (size_t)3 * sizes[i], out, (size_t)2 * sizes[i]);
        ck_assert_int_eq(blk_read(blk, 3, in, 2), 0);
        ck_assert_mem_eq(in, out, (size_t)2 * sizes[i]);
        ck_assert_uint_eq(machine.flushes, 1);
        close_disk(blk);
    }
}
END_TEST

START_TEST(virtio_blk_does_not_reach_beyond_the_end)
{
    static uint8_t buf[1024];
    struct blk *blk = open_disk(512);
    ck_assert_int_eq(blk_read(blk, UNITS - 1, buf, 1), 0);
    ck_assert_int_eq(blk_read(blk, UNITS - 1, buf, 2), -EXO_EINVAL);
    ck_assert_int_eq(blk_write(blk, UINT64_MAX, buf, 2), -EXO_EINVAL);
    close_disk(blk);
}
END_TEST

START_TEST(virtio_blk_passes_on_an_error_and_goes_on)
{
    static uint8_t buf[512];
    struct blk *blk = open_disk(512);
    machine.lie = FAILING;
    ck_assert_int_eq(blk_read(blk, 0, buf, 1), -EXO_EIO);
    machine.lie = HONEST;
    for (int i = 0; i < 20; i++) // more than its ring has places
        ck_assert_int_eq(blk_read(blk, 0, buf, 1), 0);
    close_disk(blk);
}
END_TEST

START_TEST(virtio_blk_gives_up_a_device_that_lies)
{
    static const enum lie lies[] = {SILENT, STRANGE_ID, FAR_INDEX};
    static uint8_t buf[512];
    for (size_t i = 0; i < 3; i++) {
        struct blk *blk = open_disk(512);
        machine.lie = lies[i];
        ck_assert_int_eq(blk_read(blk, 0, buf, 1), -EXO_EIO);
        machine.lie = HONEST; // too late
        ck_assert_int_eq(blk_read(blk, 0, buf, 1), -EXO_EIO);
        ck_assert_int_eq(blk_write(blk, 0, buf, 1), -EXO_EIO);
        close_disk(blk);
    }
}
END_TEST

START_TEST(virtio_blk_refuses_odd_sectors)
{
    static const struct core_pci_function function = {.vendor_id = 0x1af4, .device_id = 0x1001};
    static const uint32_t sizes[] = {0, 1, 256, 513, 8192, UINT32_MAX};
    struct blk *blk;
    for (size_t i = 0; i < EXO_COUNT(sizes); i++) {
        machine = (struct machine){.offered = UINT64_MAX, .units = 8, .block_size = sizes[i]};
        ck_assert_int_eq(virtio_blk_driver.open(&function, 0, "test", &blk), -EXO_ENOTSUP);
        ck_assert(machine.functions == 0 && machine.frames == 0);
    }
}
END_TEST

START_TEST(virtio_blk_without_flush_or_block_size)
{
    static const struct core_pci_function function = {.vendor_id = 0x1af4, .device_id = 0x1042};
    static uint8_t buf[512];
    struct blk *blk;
    machine = (struct machine){.units = UNITS};
    machine.offered = ~(UINT64_C(1) << F_BLK_SIZE | UINT64_C(1) << F_FLUSH);
    ck_assert_int_eq(virtio_blk_driver.open(&function, 0, "test", &blk), 0);
    ck_assert_uint_eq(blk->sector_bytes, 512);
    ck_assert_int_eq(blk_write(blk, 0, buf, 1), 0);
    ck_assert_uint_eq(machine.flushes, 0);
    close_disk(blk);
}
END_TEST

CHECK_MAIN("dev.virtio_blk", virtio_blk_reads_back_what_it_wrote,
           virtio_blk_does_not_reach_beyond_the_end, virtio_blk_passes_on_an_error_and_goes_on,
           virtio_blk_gives_up_a_device_that_lies, virtio_blk_refuses_odd_sectors,
           virtio_blk_without_flush_or_block_size)
