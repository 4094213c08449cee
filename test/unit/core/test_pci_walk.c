// SPDX-License-Identifier: MIT
// test_pci_walk.c - a configuration space that tells the truth, and ones that do not.
#include "core/pci_walk.h"

#include <stdlib.h>
#include <string.h>

#include "exo/bits.h"
#include "test/support/check_main.h"

#define FAKES_MAX 16

// The platform: a few functions with 256 bytes each, all ones elsewhere.
struct fake {
    struct pci_addr at;
    uint8_t config[256];
};

static struct {
    struct fake fakes[FAKES_MAX];
    uint32_t count;
    uint64_t reads;
} bus;

static bool is_same(struct pci_addr a, struct pci_addr b)
{
    return a.segment == b.segment && a.bus == b.bus && a.device == b.device &&
           a.function == b.function;
}

static uint32_t read_fake(void *ctx, struct pci_addr at, uint16_t offset)
{
    (void)ctx;
    bus.reads++;
    ck_assert(offset % 4 == 0 && offset <= 252);
    for (uint32_t i = 0; i < bus.count; i++) {
        struct fake *fake = &bus.fakes[i];
        if (is_same(fake->at, at)) {
            uint32_t value;
            memcpy(&value, fake->config + offset, sizeof(value));
            return value;
        }
    }
    return UINT32_MAX;
}

static const struct pci_space space = {.read = read_fake};

static uint8_t *add(uint8_t on_bus, uint8_t device, uint8_t function)
{
    struct fake *fake = &bus.fakes[bus.count++];
    memset(fake, 0, sizeof(*fake));
    fake->at = (struct pci_addr){on_bus, device, function, 0};
    memcpy(fake->config, "\xf4\x1a\x41\x10", 4);
    fake->config[PCI_CLASS + 3] = 2;
    fake->config[PCI_SUBSYSTEM + 2] = device;
    return fake->config;
}

static uint8_t *add_bridge(uint8_t on_bus, uint8_t device, uint8_t secondary)
{
    uint8_t *config = add(on_bus, device, 0);
    config[PCI_HEADER + 2] = 1;
    config[PCI_BUS_NUMBERS + 1] = secondary;
    return config;
}

static uint32_t walk(struct core_pci_function *out, uint32_t max)
{
    bus.reads = 0;
    uint32_t count = pci_walk(&space, (struct pci_range){.last_bus = 255}, out, max);
    ck_assert_uint_lt(bus.reads, 256 * 32 * 8 * 6);
    return count;
}

START_TEST(pci_walk_follows_bridges_in_bus_order)
{
    struct core_pci_function found[8];
    bus.count = 0;
    add(7, 1, 0);
    add_bridge(2, 4, 7);
    add_bridge(0, 3, 2);
    add(0, 31, 0)[PCI_HEADER + 2] = 0x80;
    add(0, 31, 5);
    add(9, 0, 0); // behind no bridge
    ck_assert_uint_eq(walk(found, EXO_COUNT(found)), 5);
    ck_assert_uint_eq(found[0].at.device, 3);
    ck_assert_uint_eq(found[0].subsystem_id, 0); // a bridge has none
    ck_assert_uint_eq(found[2].at.function, 5);
    ck_assert_uint_eq(found[3].at.bus, 2);
    ck_assert_uint_eq(found[4].at.bus, 7);
    ck_assert_uint_eq(found[4].vendor_id, 0x1af4);
    ck_assert_uint_eq(found[4].device_id, 0x1041);
    ck_assert_uint_eq(found[4].class_code, 2);
    ck_assert_uint_eq(found[4].subsystem_id, 1);
}
END_TEST

START_TEST(pci_walk_sees_one_function_unless_told_of_more)
{
    struct core_pci_function found[8];
    bus.count = 0;
    add(0, 2, 0);
    add(0, 2, 1); // the same device, decoding carelessly
    add(0, 4, 1); // no function 0: not there
    ck_assert_uint_eq(walk(found, EXO_COUNT(found)), 1);
}
END_TEST

START_TEST(pci_walk_ends_when_bridges_point_at_themselves)
{
    struct core_pci_function found[8];
    bus.count = 0;
    add_bridge(0, 1, 0);
    add_bridge(0, 2, 5);
    add_bridge(0, 3, 5); // two bridges to one bus
    add_bridge(5, 0, 5);
    add_bridge(5, 1, 3);
    ck_assert_uint_eq(walk(found, EXO_COUNT(found)), 5);
}
END_TEST

static uint32_t read_nonsense(void *ctx, struct pci_addr at, uint16_t offset)
{
    (void)ctx;
    (void)at;
    (void)offset;
    bus.reads++;
    return (uint32_t)rand() << 8 ^ (uint32_t)rand();
}

START_TEST(pci_walk_ends_on_nonsense_and_counts_what_does_not_fit)
{
    struct pci_space nonsense = {.read = read_nonsense};
    struct core_pci_function found[4];
    srand(7);
    bus.reads = 0;
    ck_assert_uint_gt(
        pci_walk(&nonsense, (struct pci_range){.last_bus = 255}, found, EXO_COUNT(found)),
        EXO_COUNT(found));
    ck_assert_uint_le(bus.reads, 256 * 32 * 8 * 7);
    for (int i = 0; i < 1000; i++)
        pci_find_capability(&nonsense, (struct pci_addr){0}, 0x11, 0);
}
END_TEST

START_TEST(pci_capability_lists_end_even_if_they_loop)
{
    struct pci_addr at = {.device = 2};
    bus.count = 0;
    uint8_t *config = add(0, 2, 0);
    config[PCI_CAPABILITIES] = 0x43; // the low bits are reserved
    memcpy(config + 0x40, "\x09\x50", 2);
    memcpy(config + 0x50, "\x11\x60", 2);
    memcpy(config + 0x60, "\x09\x40", 2);                           // back to the first
    ck_assert_uint_eq(pci_find_capability(&space, at, 0x11, 0), 0); // the status says: no list

    config[PCI_COMMAND + 2] = 0x10;
    ck_assert_uint_eq(pci_find_capability(&space, at, 0x11, 0), 0x50);
    ck_assert_uint_eq(pci_find_capability(&space, at, 0x09, 0), 0x40);
    ck_assert_uint_eq(pci_find_capability(&space, at, 0x09, 0x40), 0x60);
    ck_assert_uint_eq(pci_find_capability(&space, at, 0x09, 0x60), 0); // each is given once
    ck_assert_uint_eq(pci_find_capability(&space, at, 0x05, 0), 0);

    config[PCI_CAPABILITIES] = 0x04; // into the header
    ck_assert_uint_eq(pci_find_capability(&space, at, 0x11, 0), 0);
    config[PCI_CAPABILITIES] = 0xff;
    ck_assert_uint_eq(pci_find_capability(&space, at, 0x11, 0), 0);
}
END_TEST

START_TEST(pci_walk_keeps_to_its_range)
{
    struct core_pci_function found[8];
    bus.count = 0;
    add(0, 1, 0); // another root's
    add_bridge(16, 0, 17);
    add_bridge(16, 1, 40); // leads beyond
    add(17, 0, 0);
    add(40, 0, 0);
    for (uint32_t i = 0; i < bus.count; i++)
        bus.fakes[i].at.segment = 3;
    add(16, 2, 0); // of another segment
    struct pci_range range = {.segment = 3, .first_bus = 16, .last_bus = 31};
    ck_assert_uint_eq(pci_walk(&space, range, found, EXO_COUNT(found)), 3);
    ck_assert_uint_eq(found[0].at.bus, 16);
    ck_assert_uint_eq(found[0].at.segment, 3);
    ck_assert_uint_eq(found[2].at.bus, 17);
}
END_TEST

START_TEST(pci_walk_begins_at_every_root_and_visits_each_bus_once)
{
    struct core_pci_function found[8];
    bus.count = 0;
    add_bridge(0, 1, 5);
    add(5, 0, 0);
    add(64, 0, 0);
    add(65, 0, 0); // neither behind a bridge nor named
    struct pci_range range = {.last_bus = 255, .roots = {UINT64_C(1) << 5, 1, 0, 0}};
    ck_assert_uint_eq(pci_walk(&space, range, found, EXO_COUNT(found)), 3);
    ck_assert_uint_eq(found[1].at.bus, 5);
    ck_assert_uint_eq(found[2].at.bus, 64);
}
END_TEST

CHECK_MAIN("core.pci_walk", pci_walk_begins_at_every_root_and_visits_each_bus_once,
           pci_walk_keeps_to_its_range, pci_walk_follows_bridges_in_bus_order,
           pci_walk_sees_one_function_unless_told_of_more,
           pci_walk_ends_when_bridges_point_at_themselves,
           pci_walk_ends_on_nonsense_and_counts_what_does_not_fit,
           pci_capability_lists_end_even_if_they_loop)
