// SPDX-License-Identifier: MIT
// mp_table.c - the MP table's entries, one function a kind.
#include "hal/mp_table.h"

#include <string.h>

#include "hal/le.h"

#define POINTER_BYTES 16u
#define POINTER_TABLE 4 // offset in the floating pointer

#define HEADER_BYTES 44u
#define TABLE_LENGTH 4 // offsets in the table's header
#define TABLE_LAPIC  36

enum { ENTRY_CPU, ENTRY_BUS, ENTRY_IOAPIC, ENTRY_WIRE, ENTRY_LOCAL };
#define CPU_BYTES       20u
#define OTHER_BYTES     8u
#define ENABLED         1u // of a CPU's and an I/O APIC's flags
#define LAPIC_ID_NOBODY 0xffu
#define WIRE_VECTORED   0 // the kinds of interrupt
#define WIRE_NMI        1

// Of the entries, what a later one refers to.
struct reading {
    struct hal_apics *apics;
    uint64_t isa_buses[4]; // bit n: bus n is ISA
};

uint64_t hal_mp_search(const struct hal_firmware *firmware)
{
    return hal_firmware_search(firmware, "_MP_", 4, POINTER_BYTES);
}

static void take_cpu(struct reading *reading, const uint8_t *entry)
{
    if ((entry[3] & ENABLED) && entry[1] != LAPIC_ID_NOBODY)
        hal_apics_add_cpu(reading->apics, entry[1]);
}

static void take_bus(struct reading *reading, const uint8_t *entry)
{
    if (memcmp(entry + 2, "ISA   ", 6) == 0)
        reading->isa_buses[entry[1] / 64] |= UINT64_C(1) << entry[1] % 64;
}

static void take_ioapic(struct reading *reading, const uint8_t *entry)
{
    uint32_t pa = hal_le32(entry + 4);
    uint32_t gsi_base = reading->apics->ioapic_count == 0 ? 0 : HAL_GSI_UNTOLD;
    if ((entry[3] & ENABLED) && pa != 0)
        hal_apics_add_ioapic(reading->apics, (struct hal_ioapic_place){pa, gsi_base, entry[1]});
}

static uint32_t shape_of(uint16_t flags)
{
    return ((flags & 3) == 3 ? HAL_WIRE_ACTIVE_LOW : 0u) |
           ((flags >> 2 & 3) == 3 ? HAL_WIRE_LEVEL : 0u);
}

// Only for pins of the first I/O APIC are wire numbers known, and no board has ISA elsewhere.
static void take_wire(struct reading *reading, const uint8_t *entry)
{
    struct hal_apics *apics = reading->apics;
    struct hal_wire wire = {.gsi = entry[7], .shape = shape_of(hal_le16(entry + 2))};
    if (apics->ioapic_count == 0 || entry[6] != apics->ioapics[0].id)
        return;
    bool is_isa = reading->isa_buses[entry[4] / 64] >> entry[4] % 64 & 1;
    if (entry[1] == WIRE_NMI)
        hal_apics_add_nmi(apics, wire);
    else if ((entry[1] == WIRE_VECTORED) & is_isa & (entry[5] < HAL_ISA_IRQS))
        apics->isa[entry[5]] = wire;
}

// LINT0 and LINT1 are wired as on every PC.
static void take_local(struct reading *reading, const uint8_t *entry)
{
    (void)reading;
    (void)entry;
}

static void (*const take[])(struct reading *, const uint8_t *entry) = {
    [ENTRY_CPU] = take_cpu,   [ENTRY_BUS] = take_bus,     [ENTRY_IOAPIC] = take_ioapic,
    [ENTRY_WIRE] = take_wire, [ENTRY_LOCAL] = take_local,
};

// The whole table, or null.
static const uint8_t *table_at(const struct hal_firmware *firmware, uint64_t pa, uint32_t *bytes)
{
    const uint8_t *table = firmware->view(firmware->ctx, pa, HEADER_BYTES);
    *bytes = table ? hal_le16(table + TABLE_LENGTH) : 0;
    if (!table || memcmp(table, "PCMP", 4) != 0 || *bytes < HEADER_BYTES)
        return NULL;
    table = firmware->view(firmware->ctx, pa, *bytes);
    return table && hal_firmware_sum_is_zero(table, *bytes) ? table : NULL;
}

bool hal_mp_table(const struct hal_firmware *firmware, uint64_t pointer, struct hal_apics *out)
{
    struct reading reading = {.apics = out};
    hal_apics_init(out);
    const uint8_t *floating = firmware->view(firmware->ctx, pointer, POINTER_BYTES);
    uint64_t pa = floating ? hal_le32(floating + POINTER_TABLE) : 0;
    uint32_t bytes;
    const uint8_t *table = pa ? table_at(firmware, pa, &bytes) : NULL;
    if (!table) {
        firmware->lie(firmware->ctx, "the MP table is not sound", pa);
        return false;
    }
    if (hal_le32(table + TABLE_LAPIC) != 0)
        out->lapic_pa = hal_le32(table + TABLE_LAPIC);

    // To the end, whatever the header says of their number: qboot says none.
    for (uint32_t at = HEADER_BYTES, entry_bytes; at < bytes; at += entry_bytes) {
        entry_bytes = table[at] == ENTRY_CPU ? CPU_BYTES : OTHER_BYTES;
        if (at + entry_bytes > bytes || table[at] > ENTRY_LOCAL) {
            firmware->lie(firmware->ctx, "the MP table's entries make no sense", pa + at);
            break;
        }
        take[table[at]](&reading, table + at);
    }
    return out->cpu_count > 0;
}
