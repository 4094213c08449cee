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
    if (!pt_live_reaches(end - 1) || frame_is_memory(start, end))
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
    if (!pt_live_reaches(end - 1) || frame_is_image(start, end) || !direct_map_look(start, end))
        return NULL;
    return (const void *)(HANDOFF_DIRECT_MAP + at.v);
}

// --- start ----------------------------------------------------------------------------

static void must(int err)
{
    if (err < 0)
        bringup_fail("not enough memory: no frame left for a page table");
}

// Maps pages of the image a table at a time: nothing is there yet.
static void map_image(const uint8_t *start, const uint8_t *end, uint32_t rights)
{
    struct pt_tree t = pt_live();
    uint64_t va = (uint64_t)start;
    uint64_t stop = exo_align_up((uint64_t)end, CORE_FRAME_BYTES);
    uint64_t distance = core_state.handoff.kernel_va - core_state.handoff.kernel_pa;
    uint64_t entry = pt_leaf(va - distance, 0, pt_rights_bits[rights]);
    while (va < stop) {
        struct pt_path path;
        must(pt_tree_enter(&t, &path, va, 0));
        uint64_t n = EXO_MIN((stop - va) / CORE_PT_4K, PT_ENTRIES - va / CORE_PT_4K % PT_ENTRIES);
        for (uint64_t i = 0; i < n; i++, entry += CORE_PT_4K)
            path.entry[0][i] = entry;
        *path.entry[1] += n * PT_USE_ONE;
        va += n * CORE_PT_4K;
    }
}

void pt_init(void)
{
    pt_cpu_init();
    core_state.pml4 = pt_live().table_alloc();
    must(core_state.pml4 ? 0 : -EXO_ENOMEM);

    map_image(core_image_start, core_text_end, CORE_PT_EXECUTE);
    map_image(core_text_end, core_rodata_end, 0);
    map_image(core_rodata_end, core_stack_guard, CORE_PT_WRITE);
    map_image(core_stack_guard + CORE_FRAME_BYTES, core_data_end, CORE_PT_WRITE);
    map_image(core_symbols, core_image_limit(), 0);
    direct_map_init();
    hal_cr3_write(core_phys_of(core_state.pml4).v);
}
