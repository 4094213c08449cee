// SPDX-License-Identifier: MIT
// test_acpi_madt.c - CPUs and interrupt controllers as a MADT tells of them, truly or not.
#include "hal/acpi_madt.h"

#include "test/support/check_main.h"
#include "test/support/firmware_fake.h"

static struct firmware_fake fake;
static struct hal_apics apics;

// Entries behind the table's own eight bytes.
static bool parse(const void *entries, size_t len)
{
    uint8_t body[4096] = {0x00, 0x10, 0xe0, 0xfe, 1};
    uint8_t header[36] = "APIC";
    uint8_t *table = malloc(44 + len);
    memcpy(table, header, 36);
    memcpy(table + 36, body, 8);
    memcpy(table + 44, entries, len);
    firmware_fake_init(&fake);
    bool found = hal_acpi_madt(&fake.firmware, (struct cspan){table, 44 + len}, &apics);
    free(table);
    return found;
}

#define PARSE(literal) parse(literal, sizeof(literal) - 1)

#define CPU(id) "\x00\x08\x01" id "\x01\x00\x00\x00"

START_TEST(madt_lists_enabled_cpus_once)
{
    ck_assert(
        PARSE(CPU("\x00") CPU("\x02") "\x00\x08\x03\x04\x00\x00\x00\x00" // not enabled
              CPU("\x02")
                  CPU("\xff") "\x09\x10\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x07\x00\x00\x00"
                              "\x09\x10\x00\x00\x00\x01\x00\x00\x01\x00\x00\x00\x08\x00\x00\x00"));
    ck_assert_uint_eq(apics.cpu_count, 3);
    ck_assert_uint_eq(apics.cpu_ids[0], 0);
    ck_assert_uint_eq(apics.cpu_ids[1], 2);
    ck_assert_uint_eq(apics.cpu_ids[2], 256);
    ck_assert_uint_eq(apics.lapic_pa, 0xfee01000);
    ck_assert_uint_eq(fake.lies, 0);
}
END_TEST

START_TEST(madt_tells_of_io_apics_wires_and_nmis)
{
    ck_assert(PARSE(CPU("\x00") "\x01\x0c\x05\x00\x00\x00\xc0\xfe\x00\x00\x00\x00"
                                "\x01\x0c\x06\x00\x00\x00\xc1\xfe\x18\x00\x00\x00"
                                "\x02\x0a\x00\x00\x02\x00\x00\x00\x00\x00"
                                "\x02\x0a\x00\x09\x14\x00\x00\x00\x0f\x00"
                                "\x02\x0a\x00\x0a\x0a\x00\x00\x00\x0d\x00"
                                "\x03\x08\x05\x00\x17\x00\x00\x00"
                                "\x04\x06\xff\x00\x00\x01" // of a local APIC: not ours
                                "\x05\x0c\x00\x00\x00\x00\xe0\xfe\x01\x00\x00\x00"));
    ck_assert_uint_eq(apics.ioapic_count, 2);
    ck_assert_uint_eq(apics.ioapics[0].pa, 0xfec00000);
    ck_assert_uint_eq(apics.ioapics[0].id, 5);
    ck_assert_uint_eq(apics.ioapics[1].gsi_base, 24);
    ck_assert_uint_eq(apics.isa[0].gsi, 2);
    ck_assert_uint_eq(apics.isa[0].shape, 0);
    ck_assert_uint_eq(apics.isa[1].gsi, 1);
    ck_assert_uint_eq(apics.isa[9].gsi, 20);
    ck_assert_uint_eq(apics.isa[9].shape, HAL_WIRE_ACTIVE_LOW | HAL_WIRE_LEVEL);
    ck_assert_uint_eq(apics.isa[10].shape, HAL_WIRE_LEVEL);
    ck_assert_uint_eq(apics.nmi_count, 1);
    ck_assert_uint_eq(apics.nmis[0].gsi, 23);
    ck_assert_uint_eq(apics.lapic_pa, 0x1fee00000);
    ck_assert_uint_eq(fake.lies, 0);
}
END_TEST

START_TEST(madt_passes_over_entries_that_make_no_sense)
{
    ck_assert(PARSE("\x00\x04\x00\x00"                                 // too short for a CPU
                    "\x01\x0c\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00" // at address 0
                    "\x02\x0a\x00\x10\x02\x00\x00\x00\x00\x00"         // ISA has no interrupt 16
                    "\x02\x0a\x01\x01\x02\x00\x00\x00\x00\x00"         // not ISA
                    "\x05\x0c\x00\x00\x04\x00\xe0\xfe\x00\x00\x00\x00" // within a page
                    "\x7f\x05"
                    "ABC" CPU("\x03")));
    ck_assert_uint_eq(fake.lies, 5);
    ck_assert_uint_eq(apics.ioapic_count, 0);
    ck_assert_uint_eq(apics.isa[1].gsi, 1);
    ck_assert_uint_eq(apics.lapic_pa, 0xfee01000);
    ck_assert_uint_eq(apics.cpu_count, 1);
    ck_assert_uint_eq(apics.cpu_ids[0], 3);
}
END_TEST

START_TEST(madt_ends_where_an_entry_has_no_end)
{
    ck_assert(PARSE(CPU("\x01") "\x00\x00" CPU("\x02"))); // would be read for ever
    ck_assert_uint_eq(apics.cpu_count, 1);
    ck_assert(PARSE(CPU("\x01") "\x00\x01" CPU("\x02")));
    ck_assert_uint_eq(apics.cpu_count, 1);
    ck_assert(PARSE(CPU("\x01") "\x00\x08\x01\x02\x01\x00\x00")); // one byte too long
    ck_assert_uint_eq(apics.cpu_count, 1);
    ck_assert_uint_eq(fake.lies, 1);
    ck_assert(PARSE(CPU("\x01") "\x00")); // not even a length
    ck_assert_uint_eq(fake.lies, 0);
}
END_TEST

START_TEST(madt_without_cpus_is_none)
{
    ck_assert(!PARSE(""));
    ck_assert(!PARSE("\x01\x0c\x05\x00\x00\x00\xc0\xfe\x00\x00\x00\x00"));
    firmware_fake_init(&fake);
    uint8_t *stub = memset(malloc(40), 0, 40);
    ck_assert(!hal_acpi_madt(&fake.firmware, (struct cspan){stub, 40}, &apics));
    ck_assert_uint_eq(fake.lies, 1);
    free(stub);
}
END_TEST

START_TEST(madt_counts_what_there_is_no_room_for)
{
    static uint8_t entries[300 * 16 + 20 * 12 + 12 * 8];
    uint8_t *at = entries;
    for (uint16_t id = 0; id < 300; id++, at += 16) {
        memcpy(at, "\x09\x10\0\0\0\0\0\0\x01\0\0\0\0\0\0\0", 16);
        memcpy(at + 4, &id, 2);
    }
    for (uint8_t n = 0; n < 20; n++, at += 12) {
        memcpy(at, "\x01\x0c\0\0\0\0\0\xfe\0\0\0\0", 12);
        at[5] = n;
    }
    for (uint8_t n = 0; n < 12; n++, at += 8)
        memcpy(at, "\x03\x08\0\0\0\0\0\0", 8);
    ck_assert(parse(entries, sizeof(entries)));
    ck_assert_uint_eq(apics.cpu_count, HAL_CPUS_MAX);
    ck_assert_uint_eq(apics.ioapic_count, HAL_IOAPICS_MAX);
    ck_assert_uint_eq(apics.nmi_count, HAL_NMIS_MAX);
    ck_assert_uint_eq(apics.dropped, 300 - HAL_CPUS_MAX + 20 - HAL_IOAPICS_MAX + 12 - HAL_NMIS_MAX);
}
END_TEST

CHECK_MAIN("hal.acpi_madt", madt_lists_enabled_cpus_once, madt_tells_of_io_apics_wires_and_nmis,
           madt_passes_over_entries_that_make_no_sense, madt_ends_where_an_entry_has_no_end,
           madt_without_cpus_is_none, madt_counts_what_there_is_no_room_for)
