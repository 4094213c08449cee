// SPDX-License-Identifier: MIT
// test_acpi_fadt.c - fixed hardware, of old tables, new ones and wrong ones; \_S5 in AML.
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

static bool find_s5(const void *aml, size_t len, struct hal_acpi_s5 *out)
{
    uint8_t *dsdt = calloc(1, 36 + len);
    memcpy(dsdt + 36, aml, len);
    bool found = hal_acpi_s5((struct cspan){dsdt, 36 + len}, out);
    free(dsdt);
    return found;
}

#define FIND_S5(literal, out) find_s5(literal, sizeof(literal) - 1, out)

START_TEST(s5_is_found_however_it_is_written)
{
    struct hal_acpi_s5 s5;
    ck_assert(FIND_S5("junk\x08_S5_\x12\x06\x04\x00\x00\x00\x00", &s5));
    ck_assert_uint_eq(s5.type_a, 0);
    ck_assert(FIND_S5("\x08\\_S5_\x12\x0a\x04\x0a\x05\x0b\x07\x00\x00\x00", &s5));
    ck_assert_uint_eq(s5.type_a, 5);
    ck_assert_uint_eq(s5.type_b, 7);
    ck_assert(FIND_S5("\x08_S5_\x12\x47\x00\x02\x0c\x01\x00\x00\x00\x01", &s5)); // long length
    ck_assert_uint_eq(s5.type_a, 1);
    ck_assert_uint_eq(s5.type_b, 1);
    ck_assert(FIND_S5("\x08_S5_\x12\x03\x01\x01", &s5)); // a package of one
    ck_assert_uint_eq(s5.type_a, 1);
    ck_assert_uint_eq(s5.type_b, 0);
    // A mention, then the thing itself.
    ck_assert(FIND_S5("\x70_S5_\x60\x08_S5_\x12\x05\x02\x0a\x03\x00", &s5));
    ck_assert_uint_eq(s5.type_a, 3);
}
END_TEST

START_TEST(s5_is_not_made_up)
{
    struct hal_acpi_s5 s5;
    ck_assert(!FIND_S5("", &s5));
    ck_assert(!FIND_S5("_S5_\x12\x06\x04\x00\x00\x00\x00", &s5)); // no name
    ck_assert(!FIND_S5("\x08_S5_", &s5));                         // cut off at each place
    ck_assert(!FIND_S5("\x08_S5_\x12", &s5));
    ck_assert(!FIND_S5("\x08_S5_\x12\xc6", &s5));
    ck_assert(!FIND_S5("\x08_S5_\x12\x06\x04\x0b\x01", &s5));
    ck_assert(!FIND_S5("\x08_S5_\x12\x06\x00\x01\x01", &s5));         // an empty package
    ck_assert(!FIND_S5("\x08_S5_\x12\x06\x04\x0a\x08\x00", &s5));     // four bits
    ck_assert(!FIND_S5("\x08_S5_\x12\x06\x04\x14\x00\x00\x00", &s5)); // not a number
    ck_assert(!FIND_S5("\x08_S5_\x0a\x05", &s5));                     // not a package
}
END_TEST

CHECK_MAIN("hal.acpi_fadt", fadt_of_the_first_version_has_ports, fadt_extended_fields_win,
           fadt_of_reduced_hardware_has_a_sleep_register_alone,
           fadt_registers_that_cannot_be_are_not_there, s5_is_found_however_it_is_written,
           s5_is_not_made_up)
