// SPDX-License-Identifier: MIT
// test_virtio_mmio_place.c - devices that the command line names, and those that ACPI describes.
#include "core/acpi.h"
#include "core/core_main.h"
#include "dev/virtio_mmio.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"

#include <string.h>

#define NET VIRTIO_TYPE_NET
#define RNG 4

// ---- the machine ----

static const char *cmdline = "";
static const struct hal_acpi_device *described;
static uint32_t described_count;

const char *core_cmdline(void)
{
    return cmdline;
}

int core_acpi_device(const char *hid, uint32_t n, struct hal_acpi_device *out)
{
    ck_assert_str_eq(hid, "LNRO0005");
    if (n >= described_count)
        return -EXO_ENOENT;
    *out = described[n];
    return 0;
}

// Of the devices here the address tells: 0x1000 … are NICs, 0x2000 … give entropy.
uint32_t virtio_mmio_type(const struct virtio_mmio_place *place)
{
    uint64_t thousands = place->at.v >> 12;
    return thousands == 1 ? NET : thousands == 2 ? RNG : 0;
}

// ---- the command line ----

START_TEST(places_are_read_from_the_command_line)
{
    static const char line[] = "verbose virtio_mmio.device=512@0xfeb00e00:12 x=virtio_mmio.device="
                               "1@1:1 virtio_mmio.device=4K@0xD0000000:5:0 quiet";
    struct virtio_mmio_place place;
    ck_assert(virtio_mmio_place(line, 0, &place));
    ck_assert_uint_eq(place.at.v, 0xfeb00e00);
    ck_assert_uint_eq(place.bytes, 512);
    ck_assert_uint_eq(place.wire.gsi, 12);
    ck_assert(virtio_mmio_place(line, 1, &place));
    ck_assert_uint_eq(place.at.v, 0xd0000000);
    ck_assert_uint_eq(place.bytes, 4096);
    ck_assert_uint_eq(place.wire.gsi, 5);
    ck_assert(!virtio_mmio_place(line, 2, &place));
    ck_assert(!virtio_mmio_place("", 0, &place));
    ck_assert(!place.has_shape);
}
END_TEST

START_TEST(badly_named_places_do_not_count)
{
    static const char *const lines[] = {
        "virtio_mmio.device=",
        "virtio_mmio.device=512",
        "virtio_mmio.device=512@",
        "virtio_mmio.device=512@0x1000",
        "virtio_mmio.device=512@0x:1",
        "virtio_mmio.device=512@0x1000:",
        "virtio_mmio.device=@0x1000:1",
        "virtio_mmio.device=512@0x1000:1x",
        "virtio_mmio.device=16@0x1000:1",
        "virtio_mmio.device=512@0x1002:1",
        "virtio_mmio.device=512@0x1000:1:",
        "virtio_mmio.device=512@0x1000:99999999999",
        "virtio_mmio.device=512@0x11111111111111111:1",
        "virtio_mmio.device=99999999999999999999@0x1000:1",
        "virtio_mmio.device=512@z:1",
    };
    struct virtio_mmio_place place;
    for (size_t i = 0; i < EXO_COUNT(lines); i++)
        ck_assert_msg(!virtio_mmio_place(lines[i], 0, &place), "%s", lines[i]);
}
END_TEST

START_TEST(named_devices_are_counted_by_their_type)
{
    cmdline = "virtio_mmio.device=512@0x2000:5 virtio_mmio.device=512@0x1000:6 "
              "virtio_mmio.device=512@0x3000:7 virtio_mmio.device=512@0x1200:8";
    struct virtio_mmio_place place;
    uint32_t nth = 1;
    ck_assert(virtio_mmio_named(NET, &nth, &place));
    ck_assert_uint_eq(place.at.v, 0x1200);
    nth = 0;
    ck_assert(virtio_mmio_named(RNG, &nth, &place));
    ck_assert_uint_eq(place.at.v, 0x2000);
    nth = 7;
    ck_assert(!virtio_mmio_named(NET, &nth, &place));
    ck_assert_uint_eq(nth, 5);
}
END_TEST

// ---- ACPI ----

#define LOW_LEVEL (HAL_WIRE_LEVEL | HAL_WIRE_ACTIVE_LOW)

static const struct hal_acpi_device devices[] = {
    {.at = 0x2000, .bytes = 512, .wire = {24, HAL_WIRE_LEVEL}},
    {.at = 0x1000, .bytes = 512, .wire = {25, HAL_WIRE_LEVEL}},
    {.at = 0x1202, .bytes = 512, .wire = {26, HAL_WIRE_LEVEL}}, // no place for 32-bit registers
    {.at = 0x1400, .bytes = 255, .wire = {27, HAL_WIRE_LEVEL}}, // nor enough of it
    {.at = 0x1600, .bytes = 512, .wire = {28, LOW_LEVEL}},
};

START_TEST(described_devices_have_a_wire_with_its_shape)
{
    cmdline = "";
    described = devices;
    described_count = EXO_COUNT(devices);
    struct virtio_mmio_place place;
    uint32_t nth = 1;
    ck_assert(virtio_mmio_described(NET, &nth, &place));
    ck_assert_uint_eq(place.at.v, 0x1600);
    ck_assert_uint_eq(place.bytes, 512);
    ck_assert_uint_eq(place.wire.gsi, 28);
    ck_assert_uint_eq(place.wire.shape, LOW_LEVEL);
    ck_assert(place.has_shape);
    nth = 2;
    ck_assert(!virtio_mmio_described(NET, &nth, &place));
    ck_assert_uint_eq(nth, 0);
}
END_TEST

START_TEST(a_device_that_is_named_and_described_is_one)
{
    cmdline = "virtio_mmio.device=512@0x1000:5";
    described = devices;
    described_count = EXO_COUNT(devices);
    struct virtio_mmio_place place;
    uint32_t nth = 0;
    ck_assert(virtio_mmio_described(NET, &nth, &place));
    ck_assert_uint_eq(place.at.v, 0x1600);
    nth = 1;
    ck_assert(!virtio_mmio_described(NET, &nth, &place));
}
END_TEST

CHECK_MAIN("dev.virtio_mmio_place", places_are_read_from_the_command_line,
           badly_named_places_do_not_count, named_devices_are_counted_by_their_type,
           described_devices_have_a_wire_with_its_shape,
           a_device_that_is_named_and_described_is_one)
