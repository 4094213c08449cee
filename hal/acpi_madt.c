// SPDX-License-Identifier: MIT
// acpi_madt.c - the MADT's entries, one function a kind.
#include "hal/acpi_madt.h"

#include "exo/bits.h"
#include "hal/le.h"

#define LAPIC_PA 36 // offsets in the table
#define FIRST    44

#define CPU_ENABLED      1u
#define LAPIC_ID_NOBODY  0xffu // interrupts for it go to everybody
#define X2APIC_ID_NOBODY 0xffffffffu
#define POLARITY_LOW     3u // of the two bits of flags for the polarity
#define TRIGGER_LEVEL    3u // of the two above them
#define BUS_ISA          0

// From a wire's flags; what "conforms to the bus" is, where the bus is ISA, the default.
static uint32_t shape_of(uint16_t flags)
{
    return ((flags & 3) == POLARITY_LOW ? HAL_WIRE_ACTIVE_LOW : 0u) |
           ((flags >> 2 & 3) == TRIGGER_LEVEL ? HAL_WIRE_LEVEL : 0u);
}

static const char *take_lapic(struct hal_apics *apics, const uint8_t *entry)
{
    if ((hal_le32(entry + 4) & CPU_ENABLED) && entry[3] != LAPIC_ID_NOBODY)
        hal_apics_add_cpu(apics, entry[3]);
    return NULL;
}

static const char *take_ioapic(struct hal_apics *apics, const uint8_t *entry)
{
    struct hal_ioapic_place ioapic = {
        .pa = hal_le32(entry + 4), .gsi_base = hal_le32(entry + 8), .id = entry[2]};
    if (ioapic.pa == 0 || ioapic.gsi_base == HAL_GSI_UNTOLD)
        return "an I/O APIC is nowhere";
    hal_apics_add_ioapic(apics, ioapic);
    return NULL;
}

static const char *take_override(struct hal_apics *apics, const uint8_t *entry)
{
    if (entry[2] != BUS_ISA || entry[3] >= HAL_ISA_IRQS)
        return "an override of an interrupt that ISA does not have";
    apics->isa[entry[3]] =
        (struct hal_wire){.gsi = hal_le32(entry + 4), .shape = shape_of(hal_le16(entry + 8))};
    return NULL;
}

static const char *take_nmi(struct hal_apics *apics, const uint8_t *entry)
{
    hal_apics_add_nmi(apics, (struct hal_wire){.gsi = hal_le32(entry + 4),
                                               .shape = shape_of(hal_le16(entry + 2))});
    return NULL;
}

static const char *take_lapic_address(struct hal_apics *apics, const uint8_t *entry)
{
    uint64_t pa = hal_le64(entry + 4);
    if (pa == 0 || !exo_is_aligned(pa, 4096))
        return "the local APICs' address cannot be";
    apics->lapic_pa = pa;
    return NULL;
}

static const char *take_x2apic(struct hal_apics *apics, const uint8_t *entry)
{
    if ((hal_le32(entry + 8) & CPU_ENABLED) && hal_le32(entry + 4) != X2APIC_ID_NOBODY)
        hal_apics_add_cpu(apics, hal_le32(entry + 4));
    return NULL;
}

// By the entry's type. Others (affinities, power, what is not x86's) say nothing to us.
static const struct {
    const char *(*take)(struct hal_apics *apics, const uint8_t *entry); // gives what is wrong
    uint8_t bytes;
} kinds[] = {
    [0] = {take_lapic, 8}, [1] = {take_ioapic, 12},        [2] = {take_override, 10},
    [3] = {take_nmi, 8},   [5] = {take_lapic_address, 12}, [9] = {take_x2apic, 16},
};

static const char *take(struct hal_apics *apics, const uint8_t *entry)
{
    uint8_t type = entry[0];
    if (type >= EXO_COUNT(kinds) || !kinds[type].take)
        return NULL;
    if (entry[1] < kinds[type].bytes)
        return "an entry of the MADT is too short";
    return kinds[type].take(apics, entry);
}

bool hal_acpi_madt(const struct hal_firmware *firmware, struct cspan table, struct hal_apics *out)
{
    hal_apics_init(out);
    if (table.len < FIRST) {
        firmware->lie(firmware->ctx, "the MADT is too short", 0);
        return false;
    }
    if (hal_le32(table.ptr + LAPIC_PA) != 0)
        out->lapic_pa = hal_le32(table.ptr + LAPIC_PA);

    for (size_t at = FIRST; at + 2 <= table.len; at += table.ptr[at + 1]) {
        const uint8_t *entry = table.ptr + at;
        bool is_whole = entry[1] >= 2 && entry[1] <= table.len - at;
        const char *wrong = is_whole ? take(out, entry) : "an entry of the MADT has no end";
        if (wrong)
            firmware->lie(firmware->ctx, wrong, at);
        if (!is_whole)
            break;
    }
    return out->cpu_count > 0;
}
