// SPDX-License-Identifier: MIT
// test_acpi_fadt.c - fixed hardware, of old tables, new ones and wrong ones.
#include "hal/acpi_fadt.h"

#include "test/support/check_main.h"
#include "test/support/firmware_fake.h"

#define FADT_BYTES 276u

static struct firmware_fake fake;
static uint8_t table[FADT_BYTES];

static void setup(void)
{
    firmware_fake_init(&fake);
    memset(table, 0, sizeof(table));
}

static void put32(size_t at, uint32_t value)
{
    memcpy(table + at, &value, sizeof(value));
}

static void put_generic(size_t at, uint8_t space, uint64_t address)
{
    table[at] = space;
    memcpy(table + at + 4, &address, sizeof(address));
}

// The first `len` bytes, where the sanitizer sees their end.
static struct hal_acpi_fadt parse(size_t len)
{
    struct hal_acpi_fadt fadt;
    uint8_t *copy = memcpy(malloc(len), table, len);
    hal_acpi_fadt(&fake.firmware, (struct cspan){copy, len}, &fadt);
    free(copy);
    return fadt;
}

START_TEST(fadt_of_the_first_version_has_ports)
{
    setup();
    put32(40, 0x7fe0040);
    put32(48, 0xb2);
    table[52] = 2;
    put32(64, 0x604);
    put32(68, 0x704);
    put32(76, 0x608);
    put_generic(116, 1, 0xcf9); // beyond the end
    struct hal_acpi_fadt fadt = parse(116);
    ck_assert_uint_eq(fadt.dsdt, 0x7fe0040);
    ck_assert_uint_eq(fadt.enable_port, 0xb2);
    ck_assert_uint_eq(fadt.enable_value, 2);
    ck_assert_uint_eq(fadt.control_a.at, 0x604);
    ck_assert_uint_eq(fadt.control_a.space, HAL_ACPI_PORT);
    ck_assert_uint_eq(fadt.control_b.at, 0x704);
    ck_assert_uint_eq(fadt.pm_timer.at, 0x608);
    ck_assert_uint_eq(fadt.pm_timer_bits, 24);
    ck_assert_uint_eq(fadt.reset.at, 0);
    ck_assert_uint_eq(fadt.sleep.at, 0);
    ck_assert_uint_eq(fake.lies, 0);
}
END_TEST

START_TEST(fadt_extended_fields_win)
{
    setup();
    put32(40, 0x7fe0040);
    put32(76, 0x608);
    put32(112, 1u << 8 | 1u << 10);
    put_generic(116, 1, 0xcf9);
    table[128] = 6;
    memcpy(table + 140, "\0\0\0\0\1\0\0\0", 8);
    put_generic(172, 1, 0x1804);
    put_generic(208, 0, 0xfed80808);
    struct hal_acpi_fadt fadt = parse(FADT_BYTES);
    ck_assert_uint_eq(fadt.dsdt, 0x100000000);
    ck_assert_uint_eq(fadt.reset.at, 0xcf9);
    ck_assert_uint_eq(fadt.reset.space, HAL_ACPI_PORT);
    ck_assert_uint_eq(fadt.reset_value, 6);
    ck_assert_uint_eq(fadt.control_a.at, 0x1804);
    ck_assert_uint_eq(fadt.control_b.at, 0);
    ck_assert_uint_eq(fadt.pm_timer.at, 0xfed80808);
    ck_assert_uint_eq(fadt.pm_timer.space, HAL_ACPI_MEMORY);
    ck_assert_uint_eq(fadt.pm_timer_bits, 32);
}
END_TEST

START_TEST(fadt_of_reduced_hardware_has_a_sleep_register_alone)
{
    setup();
    put32(64, 0x604);
    put32(76, 0x608);
    put32(112, 1u << 20);
    put_generic(116, 1, 0xcf9); // the flag that makes it count is not set
    put_generic(244, 0, 0xfea00000);
    struct hal_acpi_fadt fadt = parse(FADT_BYTES);
    ck_assert_uint_eq(fadt.sleep.at, 0xfea00000);
    ck_assert_uint_eq(fadt.control_a.at, 0);
    ck_assert_uint_eq(fadt.pm_timer.at, 0);
    ck_assert_uint_eq(fadt.reset.at, 0);
}
END_TEST

START_TEST(fadt_registers_that_cannot_be_are_not_there)
{
    setup();
    put32(64, 0x10604);
    put32(48, 0x100b2);
    table[52] = 2;
    put32(112, 1u << 10);
    put_generic(116, 7, 0xcf9);
    struct hal_acpi_fadt fadt = parse(FADT_BYTES);
    ck_assert_uint_eq(fadt.control_a.at, 0);
    ck_assert_uint_eq(fadt.enable_port, 0);
    ck_assert_uint_eq(fadt.reset.at, 0);
    ck_assert_uint_eq(fake.lies, 2);
}
END_TEST

CHECK_MAIN("hal.acpi_fadt", fadt_of_the_first_version_has_ports, fadt_extended_fields_win,
           fadt_of_reduced_hardware_has_a_sleep_register_alone,
           fadt_registers_that_cannot_be_are_not_there)
