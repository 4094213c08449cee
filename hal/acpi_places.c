// SPDX-License-Identifier: MIT
// acpi_places.c - two small tables full of addresses.
#include "hal/acpi_places.h"

#include "exo/bits.h"
#include "hal/le.h"

#define HPET_SPACE   40 // offsets in the table "HPET"
#define HPET_ADDRESS 44
#define HPET_BYTES   56u
#define HPET_ALIGN   8u

#define MCFG_FIRST   44 // offset in the table "MCFG"
#define ENTRY_BYTES  16u
#define ECAM_BUS_LOG 20 // 1 MiB

uint64_t hal_acpi_hpet(const struct hal_firmware *firmware, struct cspan table)
{
    uint64_t at = table.len >= HPET_BYTES ? hal_le64(table.ptr + HPET_ADDRESS) : 0;
    if (at != 0 && table.ptr[HPET_SPACE] == 0 && exo_is_aligned(at, HPET_ALIGN))
        return at;
    firmware->lie(firmware->ctx, "the event timer's address cannot be", at);
    return 0;
}

static struct hal_ecam parse(const uint8_t *entry)
{
    return (struct hal_ecam){.base = hal_le64(entry),
                             .segment = hal_le16(entry + 8),
                             .first_bus = entry[10],
                             .last_bus = entry[11]};
}

bool hal_ecam_is_sane(const struct hal_ecam *ecam)
{
    uint64_t end = ((uint64_t)ecam->last_bus + 1) << ECAM_BUS_LOG;
    return ecam->base != 0 && exo_is_aligned(ecam->base, UINT64_C(1) << ECAM_BUS_LOG) &&
           ecam->base + end > ecam->base && ecam->first_bus <= ecam->last_bus;
}

static bool overlaps(const struct hal_ecam *a, const struct hal_ecam *b)
{
    return a->segment == b->segment && a->first_bus <= b->last_bus && b->first_bus <= a->last_bus;
}

static bool is_new(const struct hal_ecam *ecam, const struct hal_ecam *known, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (overlaps(ecam, &known[i]))
            return false;
    }
    return true;
}

uint32_t hal_acpi_mcfg(const struct hal_firmware *firmware, struct cspan table,
                       struct hal_ecam *out, uint32_t max)
{
    uint32_t count = 0;
    for (size_t at = MCFG_FIRST; at + ENTRY_BYTES <= table.len; at += ENTRY_BYTES) {
        struct hal_ecam ecam = parse(table.ptr + at);
        if (!hal_ecam_is_sane(&ecam) || !is_new(&ecam, out, count))
            firmware->lie(firmware->ctx, "a range of PCI buses makes no sense", at);
        else if (count == max)
            firmware->lie(firmware->ctx, "more ranges of PCI buses than we keep", at);
        else
            out[count++] = ecam;
    }
    return count;
}
