// SPDX-License-Identifier: MIT
// test_acpi.c - the way from the root pointer to a table, past everything that lies.
#include "hal/acpi.h"

#include "test/support/check_main.h"
#include "test/support/firmware_fake.h"

static struct firmware_fake fake;
static struct hal_acpi_root root;

static void setup(void)
{
    firmware_fake_init(&fake);
}

static bool open_root(uint64_t rsdp)
{
    return hal_acpi_root(&fake.firmware, rsdp, &root);
}

static bool find(const char *signature, uint32_t n, struct cspan *out)
{
    return hal_acpi_find(&fake.firmware, &root, signature, n, out);
}

START_TEST(acpi_prefers_the_xsdt)
{
    setup();
    firmware_fake_root(&fake, 0x1000, 0x2000, 0x123400000000);
    firmware_fake_table(&fake, 0x2000, "RSDT", "\x00\x50\x00\x00", 4);
    firmware_fake_table(&fake, 0x123400000000, "XSDT", "\x00\x60\x00\x00\x00\x00\x00\x00", 8);
    ck_assert(open_root(0x1000));
    ck_assert_uint_eq(root.entry_bytes, 8);
    ck_assert_uint_eq(fake.lies, 0);
    firmware_fake_fini(&fake);
}
END_TEST

START_TEST(acpi_takes_the_rsdt_of_an_old_root_or_beside_a_broken_xsdt)
{
    for (int broken = 0; broken < 5; broken++) {
        setup();
        uint8_t *rsdp = firmware_fake_root(&fake, 0x1000, 0x2000, broken ? 0x3000 : 0);
        firmware_fake_table(&fake, 0x2000, "RSDT", "\x00\x50\x00\x00", 4);
        if (broken == 1)
            firmware_fake_table(&fake, 0x3000, "XSDT", "", 0)[10] ^= 1;
        if (broken == 2)
            firmware_fake_table(&fake, 0x3000, "RSDT", "", 0);
        if (broken == 3)
            rsdp[33] ^= 1; // the second half's checksum
        if (broken == 4)
            memset(rsdp + 20, 0xff, 4); // and its length
        ck_assert(open_root(0x1000));
        ck_assert_uint_eq(root.entry_bytes, 4);
        ck_assert_uint_eq(fake.lies, broken ? 1 : 0);
        firmware_fake_fini(&fake);
    }
}
END_TEST

START_TEST(acpi_is_not_there_without_a_sound_root)
{
    setup();
    ck_assert(!open_root(0x1000)); // nowhere
    uint8_t *rsdp = firmware_fake_root(&fake, 0x1000, 0x2000, 0);
    ck_assert(!open_root(0x1000)); // its list is nowhere
    rsdp[9] ^= 1;
    firmware_fake_table(&fake, 0x2000, "RSDT", "", 0);
    ck_assert(!open_root(0x1000)); // its checksum is wrong
    firmware_fake_put(&fake, 0x4000, "RSD PTR ", 8);
    ck_assert(!open_root(0x4000)); // it ends too early
    ck_assert_uint_eq(fake.lies, 4);
    firmware_fake_fini(&fake);
}
END_TEST

START_TEST(acpi_finds_the_nth_sound_table)
{
    static const uint32_t entries[] = {0x5000, 0, 0x6000, 0x7000, 0x2000, 0xdead0000, 0x8000, 5};
    struct cspan table;
    setup();
    firmware_fake_root(&fake, 0x1000, 0x2000, 0);
    firmware_fake_table(&fake, 0x2000, "RSDT", entries, sizeof(entries) - 1); // the last is cut
    firmware_fake_table(&fake, 0x5000, "SSDT", "a", 1);
    firmware_fake_table(&fake, 0x6000, "APIC", "b", 1);
    firmware_fake_table(&fake, 0x7000, "SSDT", "c", 1)[12] ^= 1;
    firmware_fake_table(&fake, 0x8000, "SSDT", "d", 1);
    ck_assert(open_root(0x1000));
    ck_assert(find("SSDT", 0, &table) && table.len == 37 && table.ptr[36] == 'a');
    ck_assert(find("SSDT", 1, &table) && table.ptr[36] == 'd');
    ck_assert(!find("SSDT", 2, &table));
    ck_assert(find("APIC", 0, &table) && table.ptr[36] == 'b');
    ck_assert(!find("HPET", 0, &table));
    firmware_fake_fini(&fake);
}
END_TEST

START_TEST(acpi_refuses_lengths_that_cannot_be)
{
    static const uint32_t lengths[] = {0, 35, 38, 0x10000000, UINT32_MAX};
    struct cspan table;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        setup();
        uint8_t *mem = firmware_fake_table(&fake, 0x5000, "HPET", "x", 1);
        memcpy(mem + 4, &lengths[i], 4);
        ck_assert(!hal_acpi_table(&fake.firmware, 0x5000, "HPET", &table));
        ck_assert_uint_eq(fake.lies, 1);
        firmware_fake_fini(&fake);
    }
}
END_TEST

// A PC's first MiB, with the word that says where the extended BIOS data area is.
static uint8_t *put_low_memory(uint16_t ebda_segment)
{
    void *zeros = calloc(1, 0x100000);
    uint8_t *mem = firmware_fake_put(&fake, 0, zeros, 0x100000);
    free(zeros);
    memcpy(mem + 0x40e, &ebda_segment, 2);
    return mem;
}

static void write_root(uint8_t *at)
{
    memcpy(at, "RSD PTR ", 8);
    firmware_fake_sum(at, 20, 8);
}

START_TEST(acpi_is_searched_for_where_a_bios_leaves_it)
{
    setup();
    ck_assert_uint_eq(hal_acpi_search(&fake.firmware), 0); // no such memory
    uint8_t *mem = put_low_memory(0x9f00);
    ck_assert_uint_eq(hal_acpi_search(&fake.firmware), 0);
    write_root(mem + 0xe0018); // on no boundary
    memcpy(mem + 0xe0100, "RSD PTR ", 8);
    mem[0xe0108] = 1; // no sum
    write_root(mem + 0xefff0); // across the middle of the BIOS
    ck_assert_uint_eq(hal_acpi_search(&fake.firmware), 0xefff0);
    write_root(mem + 0xfffe0);
    ck_assert_uint_eq(hal_acpi_search(&fake.firmware), 0xfffe0);
    write_root(mem + 0x9ffe0); // the end of base memory, where older tables lie, too
    ck_assert_uint_eq(hal_acpi_search(&fake.firmware), 0x9ffe0);
    write_root(mem + 0x9f3e0);
    ck_assert_uint_eq(hal_acpi_search(&fake.firmware), 0x9f3e0);
    memset(mem + 0x40e, 0, 2); // no extended BIOS data area
    ck_assert_uint_eq(hal_acpi_search(&fake.firmware), 0x9ffe0);
    firmware_fake_fini(&fake);
}
END_TEST

CHECK_MAIN("hal.acpi", acpi_prefers_the_xsdt,
           acpi_takes_the_rsdt_of_an_old_root_or_beside_a_broken_xsdt,
           acpi_is_not_there_without_a_sound_root, acpi_finds_the_nth_sound_table,
           acpi_refuses_lengths_that_cannot_be, acpi_is_searched_for_where_a_bios_leaves_it)
