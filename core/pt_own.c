// SPDX-License-Identifier: MIT
// pt_own.c - what core maps for itself: the image, devices' registers, the firmware's tables.
#include "core/bringup.h"
#include "core/direct_map.h"
#include "core/frame.h"
#include "core/frame_hold.h"
#include "core/image.h"
#include "core/pt_live.h"
#include "exo/bits.h"
#include "exo/err.h"

#define DEVICES_END UINT64_C(0x0000200000000000) // physical end of the device window

// Before core knows its tables there is nothing to map in: a report of that time has no screen.
static bool can_show(uint64_t end)
{
    return core_state.pml4 && pt_live_reaches(end - 1);
}

// --- devices --------------------------------------------------------------------------

// Always by small pages: then two owners of neighbouring registers never meet halfway in
// a large one, and "mapped already" always means the same mapping.
static bool map_device_page(uint64_t pa, uint32_t rights)
{
    struct core_pt_entry there;
    int err = pt_live_map(CORE_PT_DEVICES + pa, pa, 0, pt_live_bits(rights));
    if (err != -EXO_EEXIST)
        return err == 0;
    return core_pt_query((struct va){CORE_PT_DEVICES + pa}, &there) == 0 && there.rights == rights;
}

volatile void *pt_map_device_as(struct pa at, uint64_t bytes, uint32_t rights)
{
    uint64_t start = exo_align_down(at.v, CORE_FRAME_BYTES);
    if (at.v >= DEVICES_END || bytes == 0 || bytes > DEVICES_END - at.v || !pt_live_bits(rights))
        return NULL;
    uint64_t end = exo_align_up(at.v + bytes, CORE_FRAME_BYTES);
    if (!can_show(end) || frame_is_memory(start, end))
        return NULL;
    for (uint64_t pa = start; pa < end; pa += CORE_FRAME_BYTES) {
        if (!map_device_page(pa, rights))
            return NULL;
    }
    return (volatile void *)(CORE_PT_DEVICES + at.v);
}

volatile void *pt_map_device(struct pa at, uint64_t bytes)
{
    return pt_map_device_as(at, bytes, CORE_PT_WRITE | CORE_PT_UNCACHED);
}

const void *pt_map_table(struct pa at, uint64_t bytes)
{
    uint64_t start = exo_align_down(at.v, CORE_FRAME_BYTES);
    if (at.v >= MEMMAP_LIMIT || bytes == 0 || bytes > MEMMAP_LIMIT - at.v)
        return NULL;
    uint64_t end = exo_align_up(at.v + bytes, CORE_FRAME_BYTES);
    if (!can_show(end) || frame_is_kept(start, end) || !direct_map_look(start, end))
        return NULL;
    return (const void *)(HANDOFF_DIRECT_MAP + at.v);
}

// --- start ----------------------------------------------------------------------------

// The image is mapped by 4 KiB pages, and every table of it is the loader's.
uint64_t *pt_image_entry(uint64_t va)
{
    uint64_t *table = core_state.pml4;
    for (int level = PT_LEVEL_TOP; level > 0; level--)
        table = core_phys((struct pa){*pt_slot(table, va, level) & PT_ADDRESS});
    return pt_slot(table, va, 0);
}

_Static_assert(PT_RESERVE_BYTES == 6 * PT_TABLE_BYTES, "docs/handoff.md §3");

uint64_t pt_reserve_start(void)
{
    return core_state.handoff.tables - PT_RESERVE_BYTES;
}

void pt_init(void)
{
    uint64_t pml4 = hal_cr3_read() & PT_ADDRESS;
    if (pml4 < core_state.handoff.tables || pml4 >= core_state.handoff.low_end)
        bringup_fail("the loader's page tables are not where it says");
    core_state.pml4 = core_phys((struct pa){pml4});
    core_state.last_tables = PT_LAST_TABLES;
    direct_map_init(pt_reserve_start() + PT_LAST_TABLES * CORE_FRAME_BYTES);
    *pt_image_entry((uint64_t)core_stack_guard) = 0;
    hal_invlpg((uint64_t)core_stack_guard);
    bool has_gib_pages = hal_cpuid(0x80000001, 0).edx >> 26 & 1;
    core_state.page_level_max = has_gib_pages ? 2 : 1;
    pt_cpu_init();
}
