// SPDX-License-Identifier: MIT
// test_virtio_mmio.c - registers that keep their promises, and registers that lie.
//
// The device is passive memory, as in test_virtio_pci.c.
#include "core/clock.h"
#include "core/gsi.h"
#include "core/log.h"
#include "core/mmio.h"
#include "dev/ring/virtio_ring.h"
#include "dev/virtio_mmio.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"

#include <string.h>

enum { // virtio 1.2 §4.2.2
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    DEVICE_FEATURES = 0x010,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    GUEST_PAGE_SIZE = 0x028, // §4.2.4, as the next two
    QUEUE_ALIGN = 0x03c,
    QUEUE_PFN = 0x040,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    CONFIG = 0x100,
};

#define BASE 0xfeb00e00u

static struct {
    uint32_t regs[512 / 4];
    int windows, wires; // claimed now
    uint32_t shape;     // that was told of the last wire
} board;

// ---- the platform below the transport ----

void core_log(const char *format, ...)
{
    (void)format;
}

exo_ns core_clock_now(void)
{
    static exo_ns now;
    return now += EXO_MS(1);
}

int core_mmio_claim(struct pa at, uint64_t bytes, const char *owner, volatile uint8_t **regs)
{
    (void)owner;
    if (at.v != BASE || bytes != sizeof board.regs)
        return -EXO_EINVAL;
    board.windows++;
    *regs = (volatile uint8_t *)board.regs;
    return 0;
}

void core_mmio_release(struct pa at)
{
    (void)at;
    board.windows--;
}

int core_mmio_peek32(struct pa at, uint32_t *out)
{
    if (at.v < BASE || at.v - BASE >= sizeof board.regs)
        return -EXO_EINVAL;
    *out = board.regs[(at.v - BASE) / 4];
    return 0;
}

int core_gsi_claim(uint32_t gsi, int irq)
{
    (void)irq;
    board.wires += gsi < 24;
    return gsi < 24 ? 0 : -EXO_ENODEV;
}

int core_gsi_claim_wire(struct hal_wire wire, int irq)
{
    board.shape = wire.shape;
    return core_gsi_claim(wire.gsi, irq);
}

void core_gsi_release(uint32_t gsi)
{
    (void)gsi;
    board.wires--;
}

static void set(uint32_t offset, uint32_t value)
{
    board.regs[offset / 4] = value;
}

static uint32_t get(uint32_t offset)
{
    return board.regs[offset / 4];
}

static void board_init(void)
{
    memset(&board, 0, sizeof board);
    set(MAGIC, 0x74726976);
    set(VERSION, 2);
    set(DEVICE_ID, 1);
    set(DEVICE_FEATURES, 1); // in both halves: VERSION_1 among them
    set(QUEUE_NUM_MAX, 256);
}

#define ANY_LAYOUT 0x08000000u

static void board_init_legacy(void)
{
    board_init();
    set(VERSION, 1);
    set(DEVICE_FEATURES, ANY_LAYOUT | 0x21);
}

static const struct virtio_mmio_place here = {.at = {BASE}, .bytes = 512, .wire = {.gsi = 12}};

START_TEST(a_device_is_brought_up_and_given_back)
{
    board_init();
    struct virtio_mmio dev;
    ck_assert_uint_eq(virtio_mmio_type(&here), VIRTIO_TYPE_NET);
    ck_assert_int_eq(virtio_mmio_open(&dev, &here, "test"), 0);
    ck_assert_uint_eq(get(STATUS), 1 | 2); // ACKNOWLEDGE, DRIVER
    ck_assert_int_eq(virtio_negotiate(&dev.virtio, 0, UINT64_MAX), 0);
    ck_assert_int_eq(virtio_route(&dev.virtio, 0, 5), 0);
    ck_assert_int_eq(board.wires, 1);

    volatile void *doorbell;
    const struct virtio_queue queue = {.index = 1, .size = 128};
    ck_assert_int_eq(virtio_queue_setup(&dev.virtio, &queue, &doorbell), 0);
    ck_assert_uint_eq(get(QUEUE_NUM), 128);
    ck_assert_uint_eq(get(QUEUE_READY), 1);
    virtio_notify(&dev.virtio, doorbell, 1);
    ck_assert_uint_eq(get(QUEUE_NOTIFY), 1);
    virtio_start(&dev.virtio);
    ck_assert_uint_eq(get(STATUS), 1 | 2 | 4 | 8);

    virtio_heard(&dev.virtio);
    ck_assert_uint_eq(get(INTERRUPT_ACK), 0);
    set(INTERRUPT_STATUS, 3);
    virtio_heard(&dev.virtio);
    ck_assert_uint_eq(get(INTERRUPT_ACK), 3);

    virtio_close(&dev.virtio);
    ck_assert_uint_eq(get(STATUS), 0);
    ck_assert_int_eq(board.windows, 0);
    ck_assert_int_eq(board.wires, 0);
}
END_TEST

// A ring of that size in one piece, as dev/ring has them.
static struct virtio_queue ring_at(uint64_t pa, uint16_t size)
{
    return (struct virtio_queue){
        .size = size,
        .desc = {pa},
        .avail = {pa + virtio_ring_avail_offset(size)},
        .used = {pa + virtio_ring_used_offset(size)},
    };
}

START_TEST(a_legacy_device_is_told_pages)
{
    board_init_legacy();
    struct virtio_mmio dev;
    ck_assert_int_eq(virtio_mmio_open(&dev, &here, "test"), 0);
    ck_assert_int_eq(virtio_negotiate(&dev.virtio, 0, 0x20), 0);
    ck_assert_uint_eq(dev.virtio.features, ANY_LAYOUT | 0x20);
    ck_assert_uint_eq(get(DRIVER_FEATURES), ANY_LAYOUT | 0x20);
    ck_assert_uint_eq(get(DRIVER_FEATURES_SEL), 0); // there is no upper half
    ck_assert_uint_eq(get(GUEST_PAGE_SIZE), 4096);
    ck_assert_uint_eq(get(STATUS), 1 | 2); // it has no FEATURES_OK

    volatile void *doorbell;
    const struct virtio_queue queue = ring_at(0x12345000, 128);
    ck_assert_int_eq(virtio_queue_setup(&dev.virtio, &queue, &doorbell), 0);
    ck_assert_uint_eq(get(QUEUE_NUM), 128);
    ck_assert_uint_eq(get(QUEUE_PFN), 0x12345);
    ck_assert_uint_eq(get(QUEUE_READY), 0); // no such register
    // §2.7.2: where the device looks for the used ring.
    uint64_t align = get(QUEUE_ALIGN);
    ck_assert_uint_eq(exo_align_up(queue.avail.v + 2 * (3 + 128), align), queue.used.v);
    virtio_start(&dev.virtio);
    ck_assert_uint_eq(get(STATUS), 1 | 2 | 4);
    virtio_close(&dev.virtio);
    ck_assert_int_eq(board.windows, 0);
}
END_TEST

START_TEST(a_legacy_device_that_cannot_work_is_refused)
{
    board_init_legacy();
    set(DEVICE_FEATURES, ~ANY_LAYOUT);
    struct virtio_mmio dev;
    ck_assert_int_eq(virtio_mmio_open(&dev, &here, "test"), 0);
    ck_assert_int_eq(virtio_negotiate(&dev.virtio, 0, UINT64_MAX), -EXO_ENOTSUP);
    virtio_close(&dev.virtio);

    volatile void *doorbell;
    const struct virtio_queue far = ring_at(UINT64_C(1) << 44, 8), near = ring_at(4096, 8);
    board_init_legacy();
    ck_assert_int_eq(virtio_mmio_open(&dev, &here, "test"), 0);
    ck_assert_int_eq(virtio_queue_setup(&dev.virtio, &far, &doorbell), -EXO_ENOTSUP);
    set(QUEUE_PFN, 1); // a device that did not reset its queues
    ck_assert_int_eq(virtio_queue_setup(&dev.virtio, &near, &doorbell), -EXO_EIO);
    ck_assert_uint_eq(get(STATUS) & 128, 128); // FAILED
    virtio_close(&dev.virtio);
    ck_assert_int_eq(board.windows, 0);
}
END_TEST

START_TEST(what_is_no_device_is_refused)
{
    static const struct {
        uint32_t reg, value;
        int err;
    } table[] = {
        {MAGIC, 0, -EXO_EIO},       {MAGIC, UINT32_MAX, -EXO_EIO}, {DEVICE_ID, 0, -EXO_EIO},
        {VERSION, 0, -EXO_ENOTSUP}, {VERSION, 3, -EXO_ENOTSUP},
    };
    for (size_t i = 0; i < EXO_COUNT(table); i++) {
        board_init();
        set(table[i].reg, table[i].value);
        struct virtio_mmio dev;
        ck_assert_int_eq(virtio_mmio_open(&dev, &here, "test"), table[i].err);
        ck_assert_int_eq(board.windows, 0);
    }
    const struct virtio_mmio_place nowhere = {.at = {0x1000}, .bytes = 512};
    struct virtio_mmio dev;
    ck_assert_int_eq(virtio_mmio_open(&dev, &nowhere, "test"), -EXO_EIO);
    ck_assert_uint_eq(virtio_mmio_type(&nowhere), 0);
}
END_TEST

START_TEST(a_wire_or_queue_that_is_not_there_is_refused)
{
    board_init();
    struct virtio_mmio_place far = here;
    far.wire.gsi = 24;
    struct virtio_mmio dev;
    ck_assert_int_eq(virtio_mmio_open(&dev, &far, "test"), 0);
    ck_assert_int_eq(virtio_route(&dev.virtio, 0, 5), -EXO_ENODEV);
    ck_assert_int_eq(virtio_route(&dev.virtio, 1, 5), -EXO_ENOTSUP);

    volatile void *doorbell;
    const struct virtio_queue queue = {.index = 0, .size = 256};
    set(QUEUE_READY, 1); // a device that did not reset its queues
    ck_assert_int_eq(virtio_queue_setup(&dev.virtio, &queue, &doorbell), -EXO_EIO);
    set(QUEUE_READY, 0);
    set(QUEUE_NUM_MAX, 0);
    ck_assert_int_eq(virtio_queue_setup(&dev.virtio, &queue, &doorbell), -EXO_ENOTSUP);
    ck_assert_uint_eq(get(STATUS) & 128, 128); // FAILED
    virtio_close(&dev.virtio);
    ck_assert_int_eq(board.windows, 0);
    ck_assert_int_eq(board.wires, 0);
}
END_TEST

START_TEST(a_wire_has_the_shape_that_is_told)
{
    board_init();
    struct virtio_mmio_place told = here;
    told.wire.shape = HAL_WIRE_LEVEL | HAL_WIRE_ACTIVE_LOW;
    told.has_shape = true;
    struct virtio_mmio dev;
    ck_assert_int_eq(virtio_mmio_open(&dev, &told, "test"), 0);
    ck_assert_int_eq(virtio_route(&dev.virtio, 0, 5), 0);
    ck_assert_uint_eq(board.shape, HAL_WIRE_LEVEL | HAL_WIRE_ACTIVE_LOW);
    virtio_close(&dev.virtio);
    ck_assert_int_eq(board.wires, 0);
}
END_TEST

START_TEST(configuration_is_read_inside_its_window_only)
{
    board_init();
    memcpy((uint8_t *)board.regs + CONFIG, "\x52\x54\x00\x12\x34\x56", 6);
    struct virtio_mmio dev;
    ck_assert_int_eq(virtio_mmio_open(&dev, &here, "test"), 0);
    uint8_t mac[6];
    ck_assert_int_eq(virtio_config_bytes(&dev.virtio, 0, mac, 6), 0);
    ck_assert_mem_eq(mac, "\x52\x54\x00\x12\x34\x56", 6);
    ck_assert_int_eq(virtio_config_bytes(&dev.virtio, 512 - CONFIG - 5, mac, 6), -EXO_EIO);
    virtio_close(&dev.virtio);
}
END_TEST

CHECK_MAIN("dev.virtio_mmio", a_device_is_brought_up_and_given_back, a_legacy_device_is_told_pages,
           a_legacy_device_that_cannot_work_is_refused, what_is_no_device_is_refused,
           a_wire_or_queue_that_is_not_there_is_refused, a_wire_has_the_shape_that_is_told,
           configuration_is_read_inside_its_window_only)
