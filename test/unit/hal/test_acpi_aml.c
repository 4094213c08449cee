// SPDX-License-Identifier: MIT
// test_acpi_aml.c - constants in machine code, however they are written, and what looks like them.
#include "hal/acpi_aml.h"

#include <stdlib.h>
#include <string.h>

#include "test/support/check_main.h"

// A table with that machine code, where the sanitizer sees its end.
static struct cspan table_of(const void *aml, size_t len)
{
    uint8_t *dsdt = calloc(1, 36 + len);
    memcpy(dsdt + 36, aml, len);
    return (struct cspan){dsdt, 36 + len};
}

static bool find_s5(const void *aml, size_t len, struct hal_acpi_s5 *out)
{
    struct cspan dsdt = table_of(aml, len);
    bool found = hal_acpi_s5(dsdt, out);
    free((void *)(uintptr_t)dsdt.ptr);
    return found;
}

static bool find_cba(const void *aml, size_t len, uint64_t *base)
{
    struct cspan dsdt = table_of(aml, len);
    bool found = hal_acpi_cba(dsdt, base);
    free((void *)(uintptr_t)dsdt.ptr);
    return found;
}

#define FIND_S5(literal, out)   find_s5(literal, sizeof(literal) - 1, out)
#define FIND_CBA(literal, base) find_cba(literal, sizeof(literal) - 1, base)

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
    ck_assert(!FIND_S5("\x08_S5_\x12\x06\x04", &s5));
    ck_assert(!FIND_S5("\x08_S5_\x12\x06\x04\x01", &s5));
    ck_assert(!FIND_S5("\x08_S5_\x12\x06\x04\x0b\x01", &s5));
    ck_assert(!FIND_S5("\x08_S5_\x12\x06\x00\x01\x01", &s5));         // an empty package
    ck_assert(!FIND_S5("\x08_S5_\x12\x06\x04\x0a\x08\x00", &s5));     // four bits
    ck_assert(!FIND_S5("\x08_S5_\x12\x06\x04\x14\x00\x00\x00", &s5)); // not a number
    ck_assert(!FIND_S5("\x08_S5_\x0a\x05", &s5));                     // not a package
}
END_TEST

START_TEST(cba_is_a_constant_or_a_method_that_returns_one)
{
    uint64_t base;
    ck_assert(FIND_CBA("\x14\x0c_CBA\x00\xa4\x0c\x00\x00\x00\xe0", &base)); // QEMU's microvm
    ck_assert_uint_eq(base, 0xe0000000);
    ck_assert(FIND_CBA("\x14\x42\x01_CBA\x00\xa4\x0e\x00\x00\x00\x00\x40\x00\x00\x00", &base));
    ck_assert_uint_eq(base, 0x4000000000);
    ck_assert(FIND_CBA("\x08_CBA\x0c\x00\x00\x00\xb0", &base));
    ck_assert_uint_eq(base, 0xb0000000);
    ck_assert(!FIND_CBA("\x14\x0c_CBA\x00\x70\x0c\x00\x00\x00\xe0", &base)); // computes
    ck_assert(!FIND_CBA("\x14\x0c_CBA\x00\xa4\x0c\x00\x00\x00", &base));     // cut off
    ck_assert(!FIND_CBA("\x14\x4c_CBA\x00\xa4\x0c\x00\x00\x00\xe0", &base)); // no such length
    ck_assert(!FIND_CBA("_CBA\x00\xa4\x0c\x00\x00\x00\xe0", &base));         // a mention
    ck_assert(!FIND_CBA("\x08_CBA", &base)); // cut off
    ck_assert(!FIND_CBA("\x14\x0c_CBA\x00\xa4", &base));
}
END_TEST

START_TEST(bbn_adds_the_first_bus_of_each_bridge)
{
    static const char code[] = "\x08_BBN\x00 \x08_BBN\x0a\x40 \x08_BBN\x0b\xff\x00"
                               "\x08_BBN\x0b\x00\x01 \x14\x09_BBN\x00\xa4\x0a\x80"
                               "\x14\x08_BBN\x00\xa4\x01 \x14\x08_BBN\x00\xa4\x60 _BBN\x0a\x20";
    struct cspan dsdt = table_of(code, sizeof(code) - 1);
    struct hal_acpi_buses buses = {{0}};
    hal_acpi_bbn(dsdt, &buses); // 256 is no bus; nor is what is computed, or only mentioned
    ck_assert_uint_eq(buses.bits[0], 3);
    ck_assert_uint_eq(buses.bits[1], 1);
    ck_assert_uint_eq(buses.bits[2], 1);
    ck_assert_uint_eq(buses.bits[3], UINT64_C(1) << 63);
    free((void *)(uintptr_t)dsdt.ptr);
}
END_TEST

CHECK_MAIN("hal.acpi_aml", bbn_adds_the_first_bus_of_each_bridge, s5_is_found_however_it_is_written,
           s5_is_not_made_up, cba_is_a_constant_or_a_method_that_returns_one)
