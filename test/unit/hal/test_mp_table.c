// SPDX-License-Identifier: MIT
// test_mp_table.c - the table of the time before ACPI.
#include "hal/mp_table.h"

#include "test/support/check_main.h"
#include "test/support/firmware_fake.h"

static struct firmware_fake fake;
static struct hal_apics apics;

// A floating pointer at 1000h and a table at 2000h with these entries.
static uint8_t *put(const void *entries, size_t len)
{
    uint8_t table[512] = "PCMP";
    uint16_t bytes = (uint16_t)(44 + len);
    memcpy(table + 4, &bytes, 2);
    memcpy(table + 36, "\x00\x00\xe0\xfe", 4);
    memcpy(table + 44, entries, len);
    firmware_fake_sum(table, bytes, 7);
    uint8_t pointer[16] = "_MP_\x00\x20\x00\x00\x01\x04";
    firmware_fake_sum(pointer, 16, 10);
    firmware_fake_init(&fake);
    firmware_fake_put(&fake, 0x1000, pointer, sizeof(pointer));
    return firmware_fake_put(&fake, 0x2000, table, bytes);
}

static bool parse(void)
{
    bool found = hal_mp_table(&fake.firmware, 0x1000, &apics);
    firmware_fake_fini(&fake);
    return found;
}

#define PUT(literal)   put(literal, sizeof(literal) - 1)
#define CPU(id, flags) "\x00" id "\x14" flags "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define BUS(id, name)  "\x01" id name
#define IOAPIC(id, n)  "\x02" id "\x11\x01\x00\x00" n "\xfe"

START_TEST(mp_table_lists_cpus_io_apics_and_isa_wires)
{
    PUT(CPU("\x00", "\x03") CPU("\x01", "\x01") CPU("\x02", "\x00") // not enabled
        BUS("\x07", "ISA   ") BUS("\x00", "PCI   ") IOAPIC("\x04", "\xc0")
            IOAPIC("\x05", "\xc1") "\x03\x00\x00\x00\x07\x00\x04\x02" // ISA 0 is pin 2
                                   "\x03\x00\x0f\x00\x07\x09\x04\x14" // ISA 9 is pin 20, level, low
                                   "\x03\x00\x00\x00\x00\x01\x04\x03" // not ISA
                                   "\x03\x00\x00\x00\x07\x02\x05\x03" // not at the first
                                   "\x03\x03\x00\x00\x07\x03\x04\x00" // the 8259's own
                                   "\x03\x01\x05\x00\x00\x00\x04\x17"
                                   "\x04\x01\x00\x00\x00\x00\xff\x01");
    ck_assert(parse());
    ck_assert_uint_eq(fake.lies, 0);
    ck_assert_uint_eq(apics.cpu_count, 2);
    ck_assert_uint_eq(apics.cpu_ids[1], 1);
    ck_assert_uint_eq(apics.lapic_pa, 0xfee00000);
    ck_assert_uint_eq(apics.ioapic_count, 2);
    ck_assert_uint_eq(apics.ioapics[0].gsi_base, 0);
    ck_assert_uint_eq(apics.ioapics[1].pa, 0xfec10000);
    ck_assert_uint_eq(apics.ioapics[1].gsi_base, HAL_GSI_UNTOLD);
    ck_assert_uint_eq(apics.isa[0].gsi, 2);
    ck_assert_uint_eq(apics.isa[1].gsi, 1);
    ck_assert_uint_eq(apics.isa[2].gsi, 2);
    ck_assert_uint_eq(apics.isa[9].gsi, 20);
    ck_assert_uint_eq(apics.isa[9].shape, HAL_WIRE_ACTIVE_LOW | HAL_WIRE_LEVEL);
    ck_assert_uint_eq(apics.nmi_count, 1);
}
END_TEST

START_TEST(mp_table_ends_at_nonsense)
{
    PUT(CPU("\x00", "\x03") "\x05\0\0\0\0\0\0\0" CPU("\x01", "\x01"));
    ck_assert(parse());
    ck_assert_uint_eq(apics.cpu_count, 1);
    ck_assert_uint_eq(fake.lies, 1);
    PUT(CPU("\x00", "\x03") "\x00\x01\x14\x01\0\0\0\0"); // half a CPU
    ck_assert(parse());
    ck_assert_uint_eq(apics.cpu_count, 1);
    ck_assert_uint_eq(fake.lies, 1);
}
END_TEST

START_TEST(mp_table_that_is_not_sound_is_none)
{
    PUT(CPU("\x00", "\x03"))[9] ^= 1; // the checksum
    ck_assert(!parse());
    PUT(CPU("\x00", "\x03"))[0] = 'Q';
    ck_assert(!parse());
    memcpy(PUT(CPU("\x00", "\x03")) + 4, "\xff\xff", 2); // beyond memory
    ck_assert(!parse());
    memcpy(PUT(CPU("\x00", "\x03")) + 4, "\x10\x00", 2); // less than a header
    ck_assert(!parse());
    PUT(IOAPIC("\x04", "\xc0")); // no CPU
    ck_assert(!parse());
    firmware_fake_init(&fake);
    ck_assert(!parse()); // nothing at all
    ck_assert_uint_eq(fake.lies, 1);
}
END_TEST

START_TEST(mp_table_is_searched_for_in_three_places)
{
    firmware_fake_init(&fake);
    ck_assert_uint_eq(hal_mp_search(&fake.firmware), 0);
    void *zeros = calloc(1, 0x100000);
    uint8_t *mem = firmware_fake_put(&fake, 0, zeros, 0x100000);
    free(zeros);
    ck_assert_uint_eq(hal_mp_search(&fake.firmware), 0);
    static const uint32_t places[] = {0xf0010, 0x9fc00, 0x9f000};
    memcpy(mem + 0x40e, "\x00\x9f", 2);
    for (size_t i = 0; i < 3; i++) { // each is looked at before those above
        memcpy(mem + places[i], "_MP_", 4);
        firmware_fake_sum(mem + places[i], 16, 10);
        ck_assert_uint_eq(hal_mp_search(&fake.firmware), places[i]);
    }
    firmware_fake_fini(&fake);
}
END_TEST

CHECK_MAIN("hal.mp_table", mp_table_lists_cpus_io_apics_and_isa_wires, mp_table_ends_at_nonsense,
           mp_table_that_is_not_sound_is_none, mp_table_is_searched_for_in_three_places)
