// SPDX-License-Identifier: MIT
// gsi_map.c - ranges of wires, and the wires that are not as the others.
#include "core/gsi_map.h"

#include <stddef.h>

static uint64_t end_of(const struct gsi_ioapic *ioapic)
{
    return (uint64_t)ioapic->first + ioapic->pins;
}

static uint32_t behind_all(const struct gsi_map *map)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        if (end_of(&map->ioapics[i]) > end)
            end = end_of(&map->ioapics[i]);
    }
    return (uint32_t)end;
}

bool gsi_map_add(struct gsi_map *map, volatile uint32_t *regs, uint32_t told, uint32_t pins)
{
    uint32_t first = told == HAL_GSI_UNTOLD ? behind_all(map) : told;
    struct gsi_ioapic ioapic = {.regs = regs, .first = first, .pins = pins};
    if (map->count == HAL_IOAPICS_MAX || end_of(&ioapic) > UINT32_MAX)
        return false;
    for (uint32_t i = 0; i < map->count; i++) {
        if (first < end_of(&map->ioapics[i]) && map->ioapics[i].first < end_of(&ioapic))
            return false;
    }
    map->ioapics[map->count++] = ioapic;
    return true;
}

const struct gsi_ioapic *gsi_map_find(const struct gsi_map *map, uint32_t gsi)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct gsi_ioapic *ioapic = &map->ioapics[i];
        if (gsi - ioapic->first < ioapic->pins)
            return ioapic;
    }
    return NULL;
}

uint32_t gsi_map_shape(const struct hal_apics *apics, uint32_t gsi)
{
    for (uint32_t irq = 0; irq < HAL_ISA_IRQS; irq++) {
        if (apics->isa[irq].gsi == gsi && apics->isa[irq].shape)
            return apics->isa[irq].shape;
    }
    return 0;
}

bool gsi_map_is_nmi(const struct hal_apics *apics, uint32_t gsi)
{
    for (uint32_t i = 0; i < apics->nmi_count; i++) {
        if (apics->nmis[i].gsi == gsi)
            return true;
    }
    return false;
}
