// SPDX-License-Identifier: MIT
// test_acpi_places.c - addresses of the event timer and of configuration space.
#include "hal/acpi_places.h"

#include "test/support/check_main.h"
#include "test/support/firmware_fake.h"

static struct firmware_fake fake;
static struct hal_ecam ecams[2];

static uint64_t hpet(size_t len, uint8_t space, uint64_t at)
{
    uint8_t *table = calloc(1, len);
    if (len > 40)
        table[40] = space;
    if (len >= 52)
        memcpy(table + 44, &at, sizeof(at));
    firmware_fake_init(&fake);
    uint64_t found = hal_acpi_hpet(&fake.firmware, (struct cspan){table, len});
    free(table);
    return found;
}

START_TEST(hpet_is_where_the_table_says)
{
    ck_assert_uint_eq(hpet(56, 0, 0xfed00000), 0xfed00000);
    ck_assert_uint_eq(fake.lies, 0);
    ck_assert_uint_eq(hpet(56, 1, 0xfed00000), 0); // in ports
    ck_assert_uint_eq(fake.lies, 1);
    ck_assert_uint_eq(hpet(56, 0, 0xfed00004), 0);
    ck_assert_uint_eq(hpet(56, 0, 0), 0);
    ck_assert_uint_eq(hpet(40, 0, 0), 0);
}
END_TEST

static uint32_t mcfg(const struct hal_ecam *entries, size_t count, size_t cut)
{
    size_t len = 44 + count * 16 - cut;
    uint8_t *table = calloc(1, 44 + count * 16);
    for (size_t i = 0; i < count; i++) {
        memcpy(table + 44 + i * 16, &entries[i].base, 8);
        memcpy(table + 44 + i * 16 + 8, &entries[i].segment, 2);
        table[44 + i * 16 + 10] = entries[i].first_bus;
        table[44 + i * 16 + 11] = entries[i].last_bus;
    }
    firmware_fake_init(&fake);
    table = realloc(table, len);
    uint32_t found = hal_acpi_mcfg(&fake.firmware, (struct cspan){table, len}, ecams, 2);
    free(table);
    return found;
}

START_TEST(mcfg_lists_segments)
{
    static const struct hal_ecam entries[] = {{0xb0000000, 0, 0, 255}, {0x400000000, 1, 16, 31}};
    ck_assert_uint_eq(mcfg(entries, 2, 0), 2);
    ck_assert_uint_eq(fake.lies, 0);
    ck_assert_mem_eq(&ecams[1].base, &entries[1].base, 8);
    ck_assert_uint_eq(ecams[1].segment, 1);
    ck_assert_uint_eq(ecams[1].first_bus, 16);
    ck_assert_uint_eq(ecams[1].last_bus, 31);
    ck_assert_uint_eq(mcfg(entries, 2, 1), 1); // the second is cut off
    ck_assert_uint_eq(mcfg(entries, 0, 8), 0);
}
END_TEST

START_TEST(mcfg_ranges_that_make_no_sense_are_dropped)
{
    static const struct hal_ecam entries[] = {
        {0, 0, 0, 255},                // nowhere
        {0xb0080000, 0, 0, 255},       // half a bus
        {0xb0000000, 0, 9, 3},         // ends before it begins
        {UINT64_MAX << 20, 0, 0, 255}, // wraps around
        {0xb0000000, 0, 0, 127},
        {0xc0000000, 0, 100, 255}, // overlaps
        {0xc0000000, 0, 128, 255},
        {0xd0000000, 1, 0, 255}, // one too many
    };
    ck_assert_uint_eq(mcfg(entries, 8, 0), 2);
    ck_assert_uint_eq(fake.lies, 6);
    ck_assert_uint_eq(ecams[0].last_bus, 127);
    ck_assert_uint_eq(ecams[1].first_bus, 128);
}
END_TEST

CHECK_MAIN("hal.acpi_places", hpet_is_where_the_table_says, mcfg_lists_segments,
           mcfg_ranges_that_make_no_sense_are_dropped)
