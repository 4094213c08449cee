// SPDX-License-Identifier: MIT
// firmware.c - memory that is full of a firmware's tables, good ones to begin with.
#include "test/fuzz/firmware.h"

#include "exo/assert.h"
#include "exo/bits.h"
#include "hal/acpi.h"
#include "hal/acpi_aml.h"
#include "hal/acpi_device.h"
#include "hal/acpi_fadt.h"
#include "hal/acpi_madt.h"
#include "hal/acpi_places.h"
#include "hal/le.h"
#include "hal/mp_table.h"
#include "test/support/firmware_fake.h"

#define BASE      UINT64_C(0x1000) // physical address of an input's first byte
#define ENTRY     36u              // of a table, behind its header
#define SUM       9
#define RANGES    4u
#define MP_TABLE  16
#define MP_HEADER 44

static const struct {
    const char *signature;
    uint16_t at, bytes;
} tables[] = {
    {"XSDT", 40, 36 + 4 * 8}, {"APIC", 112, 44 + 8 + 12 + 10 + 16},
    {"FACP", 204, 148},       {"DSDT", 352, 36 + 12 + 54},
    {"HPET", 456, 56},        {"MCFG", 512, 44 + 16},
};
#define FIRMWARE_BYTES 572u

static void check_apics(const struct hal_apics *apics)
{
    exo_assert(apics->cpu_count <= HAL_CPUS_MAX && apics->ioapic_count <= HAL_IOAPICS_MAX);
    exo_assert(apics->nmi_count <= HAL_NMIS_MAX);
    for (uint32_t i = 0; i < apics->cpu_count; i++)
        for (uint32_t j = 0; j < i; j++)
            exo_assert(apics->cpu_ids[i] != apics->cpu_ids[j]);
}

// --- acpi ----------------------------------------------------------------------------

// Checksums are corrected first, or nearly every damage would end at one.
static void correct(uint8_t *bytes, size_t len)
{
    if (len >= 36)
        firmware_fake_sum(bytes, 20, 8), firmware_fake_sum(bytes, 36, 32);
    for (size_t i = 0; i < EXO_COUNT(tables); i++) {
        uint8_t *table = bytes + tables[i].at;
        if (tables[i].at + ENTRY > len)
            return;
        if (hal_le32(table + 4) > SUM && hal_le32(table + 4) <= len - tables[i].at)
            firmware_fake_sum(table, hal_le32(table + 4), SUM);
    }
}

static void read_board(const struct hal_firmware *firmware, const struct hal_acpi_root *root)
{
    struct hal_apics apics;
    struct hal_ecam ecams[RANGES];
    struct cspan table;
    if (hal_acpi_find(firmware, root, "APIC", 0, &table)) {
        hal_acpi_madt(firmware, table, &apics);
        check_apics(&apics);
    }
    if (hal_acpi_find(firmware, root, "MCFG", 0, &table))
        exo_assert(hal_acpi_mcfg(firmware, table, ecams, RANGES) <= RANGES);
    if (hal_acpi_find(firmware, root, "HPET", 0, &table))
        exo_assert(hal_acpi_hpet(firmware, table) % 8 == 0);
}

static void read_power(const struct hal_firmware *firmware, const struct hal_acpi_root *root)
{
    struct hal_acpi_fadt fadt;
    struct hal_acpi_device device;
    struct hal_acpi_s5 s5;
    struct cspan table;
    if (!hal_acpi_find(firmware, root, "FACP", 0, &table))
        return;
    hal_acpi_fadt(firmware, table, &fadt);
    exo_assert(fadt.control_a.space != HAL_ACPI_PORT || fadt.control_a.at <= UINT16_MAX);
    if (!hal_acpi_table(firmware, fadt.dsdt, "DSDT", &table))
        return;
    hal_acpi_cba(table, &(uint64_t){0});
    hal_acpi_bbn(table, &(struct hal_acpi_buses){0});
    if (hal_acpi_device(table, "LNRO0005", &(uint32_t){0}, &device))
        exo_assert(device.bytes > 0);
    if (hal_acpi_s5(table, &s5))
        exo_assert(s5.type_a <= 7 && s5.type_b <= 7);
}

void fuzz_run_acpi(const uint8_t *bytes, size_t len)
{
    struct firmware_fake fake;
    struct hal_acpi_root root;
    firmware_fake_init(&fake);
    correct(firmware_fake_put(&fake, BASE, bytes, len), len);
    if (hal_acpi_root(&fake.firmware, BASE, &root)) {
        read_board(&fake.firmware, &root);
        read_power(&fake.firmware, &root);
    }
    firmware_fake_fini(&fake);
}

static void put64(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

size_t fuzz_seed_acpi(uint8_t *out)
{
    memset(out, 0, FIRMWARE_BYTES);
    memcpy(out, "RSD PTR ", 8);
    out[15] = 2;
    out[20] = 36;
    put64(out + 24, BASE + tables[0].at);
    for (size_t i = 0; i < EXO_COUNT(tables); i++) {
        memcpy(out + tables[i].at, tables[i].signature, 4);
        out[tables[i].at + 4] = (uint8_t)tables[i].bytes;
    }
    static const uint8_t listed[] = {1, 2, 4, 5}; // all but the list itself and the DSDT
    for (size_t i = 0; i < EXO_COUNT(listed); i++)
        put64(out + tables[0].at + ENTRY + 8 * i, BASE + tables[listed[i]].at);

    memcpy(out + tables[1].at + 44, "\0\x08\0\0\1\0\0\0\1\x0c\0\0\0\0\xc0\xfe\0\0\0\0", 20);
    memcpy(out + tables[1].at + 64, "\2\x0a\0\0\2\0\0\0\0\0\x09\x10\0\0\1\0\0\0\1\0\0\0\1\0\0\0",
           26);
    put64(out + tables[2].at + 140, BASE + tables[3].at);
    memcpy(out + tables[2].at + 64, "\x04\x06", 2);
    memcpy(out + tables[3].at + ENTRY, "\x08_S5_\x12\x06\x04\x0a\x05\0\0", 12);
    memcpy(out + tables[3].at + ENTRY + 12,
           "\x5b\x82\x34V000\x08_HID\x0dLNRO0005\0\x08_CRS\x11\x1a\x0a\x17"
           "\x86\x09\0\1\0\x20\xb0\xfe\0\2\0\0\x89\x06\0\1\1\x2f\0\0\0\x79",
           53);
    put64(out + tables[4].at + 44, 0xfed00000);
    put64(out + tables[5].at + 44, 0xb0000000);
    out[tables[5].at + 55] = 255;
    return FIRMWARE_BYTES;
}

// --- mp ------------------------------------------------------------------------------

void fuzz_run_mp(const uint8_t *bytes, size_t len)
{
    struct firmware_fake fake;
    struct hal_apics apics;
    firmware_fake_init(&fake);
    uint8_t *mem = firmware_fake_put(&fake, BASE, bytes, len);
    size_t table_len = len >= MP_TABLE + MP_HEADER ? hal_le16(mem + MP_TABLE + 4) : 0;
    if (table_len > 7 && table_len <= len - MP_TABLE)
        firmware_fake_sum(mem + MP_TABLE, table_len, 7);
    hal_mp_table(&fake.firmware, BASE, &apics);
    check_apics(&apics);
    firmware_fake_fini(&fake);
}

size_t fuzz_seed_mp(uint8_t *out)
{
    static const char entries[] = "\0\0\x14\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                  "\0\1\x14\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                  "\1\0ISA   \2\4\x11\1\0\0\xc0\xfe\3\0\0\0\0\0\4\2";
    size_t bytes = MP_HEADER + sizeof(entries) - 1;
    memset(out, 0, MP_TABLE + bytes);
    memcpy(out, "_MP_", 4);
    put64(out + 4, BASE + MP_TABLE);
    memcpy(out + MP_TABLE, "PCMP", 4);
    out[MP_TABLE + 4] = (uint8_t)bytes;
    memcpy(out + MP_TABLE + MP_HEADER, entries, sizeof(entries) - 1);
    return MP_TABLE + bytes;
}
