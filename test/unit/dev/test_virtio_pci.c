// SPDX-License-Identifier: MIT
// test_virtio_pci.c - capabilities that lie about where registers are.
//
// The device is passive memory: a configuration space and one BAR of exactly its size, so
// that the address sanitizer sees every access beyond it. What a register keeps is what
// was written last, which is enough for everything but refusing.
#include "core/clock.h"
#include "core/log.h"
#include "dev/virtio_pci.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"

#include <string.h>

enum { COMMON = 1, NOTIFY = 2, ISR = 3, DEVICE = 4 }; // virtio 1.2 §4.1.4
enum { DEVICE_FEATURES = 4, STATUS = 20, NUM_QUEUES = 18, QUEUE_SIZE = 24, QUEUE_NOTIFY_OFF = 30 };

static struct {
    uint8_t config[256];
    uint16_t last; // the newest capability
    uint8_t *bar;  // BAR 4, a memory BAR; BAR 0 is in I/O space
    uint32_t bar_bytes;
    int claims;
} card;

// ---- the platform below the transport ----

void core_log(const char *format, ...)
{
    (void)format;
}

exo_ns core_clock_now(void)
{
    static exo_ns now;
    return now += EXO_US(1);
}

int core_pci_claim(struct pci_addr at, const char *owner)
{
    (void)at, (void)owner;
    card.claims++;
    return 0;
}

void core_pci_release(struct pci_addr at)
{
    (void)at;
    card.claims--;
}

int core_pci_msix(struct pci_addr at, uint16_t entry, int irq)
{
    (void)at, (void)irq;
    return entry < 2 ? 0 : -EXO_ENOTSUP;
}

uint8_t core_pci_read8(struct pci_addr at, uint16_t offset)
{
    (void)at;
    return offset < sizeof card.config ? card.config[offset] : UINT8_MAX;
}

uint32_t core_pci_read32(struct pci_addr at, uint16_t offset)
{
    uint32_t value = 0;
    for (uint16_t i = 0; i < 4; i++)
        value |= (uint32_t)core_pci_read8(at, (uint16_t)(offset + i)) << i * 8;
    return value;
}

uint16_t core_pci_capability(struct pci_addr at, uint8_t id, uint16_t after)
{
    (void)at;
    uint16_t next = card.config[after ? after + 1 : 0x34];
    return next && card.config[next] == id ? next : 0;
}

int core_pci_bar(struct pci_addr at, uint32_t index, struct core_pci_bar *out)
{
    (void)at;
    if (index != 4)
        return -EXO_EINVAL;
    *out = (struct core_pci_bar){.base = card.bar, .bytes = card.bar_bytes};
    return 0;
}

// ---- building cards ----

static void card_init(uint32_t bar_bytes)
{
    free(card.bar);
    memset(&card, 0, sizeof card);
    card.bar = calloc(1, bar_bytes);
    card.bar_bytes = bar_bytes;
}

// Hangs one more vendor capability into the list.
static void add(uint8_t type, uint8_t bar, uint32_t offset, uint32_t length)
{
    uint16_t at = card.last ? (uint16_t)(card.last + 20) : 0x40;
    card.config[card.last ? card.last + 1 : 0x34] = (uint8_t)at;
    uint8_t cap[20] = {9, 0, 20, type, bar};
    memcpy(cap + 8, &offset, 4);
    memcpy(cap + 12, &length, 4);
    cap[16] = 4; // notify_off_multiplier
    memcpy(card.config + at, cap, sizeof cap);
    card.last = at;
}

static void set16(uint32_t offset, uint16_t value)
{
    memcpy(card.bar + offset, &value, sizeof value);
}

static const struct pci_addr anywhere = {.device = 3};

static void expect_refused(void)
{
    struct virtio_pci dev;
    ck_assert_int_eq(virtio_pci_open(&dev, anywhere, "test"), -EXO_ENOTSUP);
    ck_assert_int_eq(card.claims, 0);
}

// common at 0, notify at 64, device at 128: as tight as it gets.
static void card_init_good(void)
{
    card_init(140);
    add(COMMON, 4, 0, 56);
    add(ISR, 4, 60, 1);
    add(NOTIFY, 4, 64, 8);
    add(DEVICE, 4, 128, 12);
    set16(DEVICE_FEATURES, 1); // in both halves: VERSION_1 among them
    set16(NUM_QUEUES, 2);
    set16(QUEUE_SIZE, 256);
}

START_TEST(good_registers_are_found_and_used)
{
    card_init_good();
    struct virtio_pci dev;
    ck_assert_int_eq(virtio_pci_open(&dev, anywhere, "test"), 0);
    ck_assert_uint_eq(card.bar[STATUS], 1 | 2); // ACKNOWLEDGE, DRIVER
    ck_assert_int_eq(virtio_negotiate(&dev.virtio, 0, UINT64_MAX), 0);
    ck_assert_uint_eq(card.bar[STATUS], 1 | 2 | 8); // FEATURES_OK

    ck_assert_int_eq(virtio_route(&dev.virtio, 1, 5), 0);
    ck_assert_int_eq(virtio_route(&dev.virtio, 2, 5), -EXO_ENOTSUP);
    ck_assert_uint_eq(card.bar[STATUS], 1 | 2 | 8 | 128); // FAILED; here it goes on
    card.bar[STATUS] = 1 | 2 | 8;

    set16(QUEUE_NOTIFY_OFF, 1);
    volatile void *doorbell;
    const struct virtio_queue queue = {.index = 1, .size = 128};
    ck_assert_int_eq(virtio_queue_setup(&dev.virtio, &queue, &doorbell), 0);
    virtio_notify(&dev.virtio, doorbell, 1);
    ck_assert_uint_eq(card.bar[64 + 4], 1);
    virtio_start(&dev.virtio);
    ck_assert_uint_eq(card.bar[STATUS], 1 | 2 | 4 | 8);
    virtio_close(&dev.virtio);
    ck_assert_uint_eq(card.bar[STATUS], 0);
    ck_assert_int_eq(card.claims, 0);
}
END_TEST

START_TEST(structures_outside_their_bar_are_absent)
{
    static const struct {
        uint8_t bar;
        uint32_t offset, length;
    } table[] = {
        {4, 0, 55},         {4, 8, 133},         {4, 85, 56},        {4, 144, 56},
        {4, UINT32_MAX, 1}, {4, 0xfffffffc, 56}, {4, 0, UINT32_MAX}, {4, 4, 0xfffffffc},
        {4, 2, 56},         {0, 0, 56},          {6, 0, 56},         {255, 0, 56},
    };
    for (size_t i = 0; i < EXO_COUNT(table); i++) {
        card_init(140);
        add(COMMON, table[i].bar, table[i].offset, table[i].length);
        add(NOTIFY, 4, 64, 8);
        expect_refused();
    }
    for (uint32_t offset = 139; offset < 200; offset++) {
        card_init(140);
        add(COMMON, 4, 0, 56);
        add(NOTIFY, 4, offset, 2);
        expect_refused();
    }
    card_init(140);
    expect_refused(); // no capability at all
}
END_TEST

START_TEST(the_first_usable_structure_counts)
{
    card_init(140);
    add(COMMON, 0, 0, 56); // in I/O space
    add(COMMON, 4, 0, 56);
    add(COMMON, 4, 72, 56);
    add(NOTIFY, 7, 0, 8); // in a reserved BAR
    add(NOTIFY, 4, 64, 8);
    struct virtio_pci dev;
    ck_assert_int_eq(virtio_pci_open(&dev, anywhere, "test"), 0);
    ck_assert(dev.common.base == card.bar);
    ck_assert(dev.notify.base == card.bar + 64);
    virtio_close(&dev.virtio);
}
END_TEST

START_TEST(doorbells_outside_the_window_are_refused)
{
    static const struct {
        uint16_t place;
        uint32_t multiplier;
        bool ok;
    } table[] = {
        {0, 4, true},
        {1, 4, true},
        {2, 4, false},
        {65535, 4, false},
        {3, 2, true},
        {1, 1, false},
        {65535, 0, true},
        {1, UINT32_MAX, false},
        {1, 7, false},
        {65535, 0x10000, false},
        {2, 0x80000000u, false},
    };
    for (size_t i = 0; i < EXO_COUNT(table); i++) {
        card_init_good();
        struct virtio_pci dev;
        ck_assert_int_eq(virtio_pci_open(&dev, anywhere, "test"), 0);
        dev.notify_multiplier = table[i].multiplier;
        set16(QUEUE_NOTIFY_OFF, table[i].place);
        volatile void *doorbell;
        const struct virtio_queue queue = {.index = 0, .size = 256};
        int err = virtio_queue_setup(&dev.virtio, &queue, &doorbell);
        ck_assert_msg(err == (table[i].ok ? 0 : -EXO_EIO), "row %zu: %d", i, err);
        if (err == 0)
            virtio_notify(&dev.virtio, doorbell, 0);
        else
            ck_assert_uint_eq(card.bar[STATUS] & 128, 128); // FAILED
        virtio_close(&dev.virtio);
    }
}
END_TEST

START_TEST(queues_that_are_not_there_are_refused)
{
    card_init_good();
    struct virtio_pci dev;
    ck_assert_int_eq(virtio_pci_open(&dev, anywhere, "test"), 0);
    ck_assert_uint_eq(virtio_queue_size(&dev.virtio, 1), 256);
    ck_assert_uint_eq(virtio_queue_size(&dev.virtio, 2), 0);
    volatile void *doorbell;
    struct virtio_queue queue = {.index = 2, .size = 1};
    ck_assert_int_eq(virtio_queue_setup(&dev.virtio, &queue, &doorbell), -EXO_ENOTSUP);
    queue = (struct virtio_queue){.index = 0, .size = 512};
    ck_assert_int_eq(virtio_queue_setup(&dev.virtio, &queue, &doorbell), -EXO_ENOTSUP);
    virtio_close(&dev.virtio);
}
END_TEST

START_TEST(configuration_is_read_inside_its_window_only)
{
    card_init_good();
    memcpy(card.bar + 128, "\x52\x54\x00\x12\x34\x56\0\0\0\0\xdc\x05", 12);
    struct virtio_pci dev;
    ck_assert_int_eq(virtio_pci_open(&dev, anywhere, "test"), 0);
    uint8_t mac[6];
    uint16_t mtu;
    ck_assert_int_eq(virtio_config_bytes(&dev.virtio, 0, mac, 6), 0);
    ck_assert_mem_eq(mac, "\x52\x54\x00\x12\x34\x56", 6);
    ck_assert_int_eq(virtio_config_read16(&dev.virtio, 10, &mtu), 0);
    ck_assert_uint_eq(mtu, 1500);
    ck_assert_int_eq(virtio_config_read16(&dev.virtio, 11, &mtu), -EXO_EIO);
    ck_assert_int_eq(virtio_config_read16(&dev.virtio, UINT32_MAX, &mtu), -EXO_EIO);
    ck_assert_int_eq(virtio_config_bytes(&dev.virtio, 7, mac, 6), -EXO_EIO);
    dev.virtio.config_bytes = 0; // a device without configuration
    ck_assert_int_eq(virtio_config_bytes(&dev.virtio, 0, mac, 6), -EXO_EIO);
    virtio_close(&dev.virtio);
}
END_TEST

CHECK_MAIN("dev.virtio_pci", good_registers_are_found_and_used,
           structures_outside_their_bar_are_absent, the_first_usable_structure_counts,
           doorbells_outside_the_window_are_refused, queues_that_are_not_there_are_refused,
           configuration_is_read_inside_its_window_only)
