// SPDX-License-Identifier: MIT
// pt.c - walks, fills and empties page tables (Intel SDM vol. 3, "4-Level Paging").
#include "core/pt.h"

#include <string.h>

#include "core/bringup.h"
#include "core/frame.h"
#include "core/image.h"
#include "core/shootdown.h"
#include "core/state.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/cpu.h"

#define PRESENT       UINT64_C(0x01)
#define WRITABLE      UINT64_C(0x02)
#define WRITE_THROUGH UINT64_C(0x08)
#define CACHE_DISABLE UINT64_C(0x10)
#define LARGE         UINT64_C(0x80)
#define NO_EXECUTE    (UINT64_C(1) << 63)
#define ADDRESS       UINT64_C(0x000ffffffffff000)

// An entry that points at a table counts in its ignored bits 52 … 61 how many entries
// of that table are in use, so that nobody has to search it to see that it is empty.
#define USE_ONE  (UINT64_C(1) << 52)
#define USE_MASK (UINT64_C(0x3ff) << 52)

#define TABLE_BYTES 4096u
#define ENTRIES     512u // of a table
#define SPARES_MAX  3u   // one for each level below the top: the most one mapping needs
#define LEVEL_TOP   3
#define DEVICES_END UINT64_C(0x0000200000000000) // physical end of the device window
#define PA_BITS_MIN 36u                          // of a physical address, on any CPU with long mode

// The entries on the way to an address: [3] in the top table, [0] in the lowest.
struct path {
    uint64_t *entry[LEVEL_TOP + 1];
};

static uint64_t page_bytes(int level)
{
    return UINT64_C(4096) << (9 * level);
}

static uint64_t *slot(uint64_t *table, uint64_t va, int level)
{
    return &table[va >> (12 + 9 * level) & (ENTRIES - 1)];
}

static uint64_t *table_of(uint64_t entry)
{
    return core_phys((struct pa){entry & ADDRESS});
}

// An empty table, or null. One that was given back is still empty but for the link.
static uint64_t *table_alloc(void)
{
    uint64_t *table = core_state.spare_tables;
    if (table) {
        core_state.spare_tables = (uint64_t *)table[0];
        core_state.spare_count--;
        table[0] = 0;
        return table;
    }
    struct pa frame;
    if (core_frame_claim(NULL, 1, 1, &frame) < 0)
        return NULL;
    return memset(core_phys(frame), 0, TABLE_BYTES);
}

// The link is an aligned address, so to the CPU the entry is not present.
static void table_free(uint64_t *table)
{
    if (core_state.spare_count == SPARES_MAX) {
        core_frame_release(NULL, core_phys_of(table), 1);
        return;
    }
    table[0] = (uint64_t)core_state.spare_tables;
    core_state.spare_tables = table;
    core_state.spare_count++;
}

static void set_entry(struct path *path, int level, uint64_t value)
{
    *path->entry[level] = value;
    if (level < LEVEL_TOP)
        *path->entry[level + 1] += USE_ONE;
}

// Gives back the table under entry[level] if it is empty, and then those above it.
static void prune(struct path *path, int level)
{
    for (; level <= LEVEL_TOP; level++) {
        uint64_t entry = *path->entry[level];
        if (entry & USE_MASK)
            return;
        table_free(table_of(entry));
        *path->entry[level] = 0;
        if (level < LEVEL_TOP)
            *path->entry[level + 1] -= USE_ONE;
    }
}

// Goes down to the entry for `va` at `level`, making the tables on the way.
static int enter(struct path *path, uint64_t va, int level)
{
    int at = LEVEL_TOP;
    path->entry[at] = slot(core_state.pml4, va, at);
    for (; at > level; at--) {
        uint64_t entry = *path->entry[at];
        if (entry & LARGE)
            return -EXO_EEXIST;
        if (!entry) {
            uint64_t *table = table_alloc();
            if (!table) {
                if (at < LEVEL_TOP)
                    prune(path, at + 1);
                return -EXO_ENOMEM;
            }
            set_entry(path, at, core_phys_of(table).v | PRESENT | WRITABLE);
        }
        path->entry[at - 1] = slot(table_of(*path->entry[at]), va, at - 1);
    }
    return *path->entry[level] ? -EXO_EEXIST : 0;
}

// Follows the tables to the page that holds `va`. Returns its level, or -EXO_ENOENT.
static int find(struct path *path, uint64_t va)
{
    uint64_t *table = core_state.pml4;
    for (int level = LEVEL_TOP;; level--) {
        path->entry[level] = slot(table, va, level);
        uint64_t entry = *path->entry[level];
        if (!(entry & PRESENT))
            return -EXO_ENOENT;
        if (level == 0 || (entry & LARGE))
            return level;
        table = table_of(entry);
    }
}

static uint64_t leaf(uint64_t pa, int level, uint32_t rights)
{
    uint64_t entry = pa | PRESENT | (level > 0 ? LARGE : 0);
    if (rights & CORE_PT_WRITE)
        entry |= WRITABLE;
    if (!(rights & CORE_PT_EXECUTE))
        entry |= NO_EXECUTE;
    if (rights & CORE_PT_UNCACHED)
        entry |= CACHE_DISABLE | WRITE_THROUGH; // page attribute 3: strong uncacheable
    return entry;
}

static int map_page(uint64_t va, uint64_t pa, int level, uint32_t rights)
{
    struct path path;
    int err = enter(&path, va, level);
    if (err < 0)
        return err;
    set_entry(&path, level, leaf(pa, level, rights));
    return 0;
}

static bool is_owners(uint64_t va)
{
    return (va >= CORE_PT_LOW_START && va < CORE_PT_LOW_END) ||
           (va >= CORE_PT_HIGH_START && va < CORE_PT_HIGH_END);
}

static bool is_kernels(uint64_t start, uint64_t end)
{
    uint64_t kernel = core_state.handoff.kernel_pa;
    return start < kernel + core_state.handoff.kernel_bytes && kernel < end;
}

int core_pt_map(struct va at, struct pa frame, uint32_t rights)
{
    uint32_t both = CORE_PT_WRITE | CORE_PT_EXECUTE;
    if (!is_owners(at.v) || !exo_is_aligned(at.v | frame.v, CORE_FRAME_BYTES) ||
        (frame.v & ~ADDRESS) || (rights & both) == both)
        return -EXO_EINVAL;
    if (is_kernels(frame.v, frame.v + CORE_FRAME_BYTES))
        return -EXO_EPERM;
    return map_page(at.v, frame.v, 0, rights);
}

int core_pt_unmap(struct va at, struct pa *frame)
{
    if (!is_owners(at.v) || !exo_is_aligned(at.v, CORE_FRAME_BYTES))
        return -EXO_EINVAL;
    struct path path;
    if (find(&path, at.v) < 0)
        return -EXO_ENOENT;
    if (frame)
        *frame = (struct pa){*path.entry[0] & ADDRESS};
    *path.entry[0] = 0;
    *path.entry[1] -= USE_ONE;
    prune(&path, 1);
    hal_invlpg(at.v); // forgets cached pointers to the tables above as well
    shootdown(at.v, 1);
    return 0;
}

int core_pt_query(struct va at, struct core_pt_entry *out)
{
    bool canonical = (uint64_t)((int64_t)(at.v << 16) >> 16) == at.v;
    struct path path;
    int level = canonical ? find(&path, at.v) : -EXO_ENOENT;
    if (level < 0)
        return level;
    uint64_t entry = *path.entry[level];
    uint64_t offset = at.v & (page_bytes(level) - 1);
    uint64_t base = entry & ADDRESS & ~(page_bytes(level) - 1);
    *out = (struct core_pt_entry){
        .at = {base + offset},
        .bytes = page_bytes(level),
        .rights = (entry & WRITABLE ? CORE_PT_WRITE : 0) |
                  (entry & NO_EXECUTE ? 0 : CORE_PT_EXECUTE) |
                  (entry & CACHE_DISABLE ? CORE_PT_UNCACHED : 0),
    };
    return 0;
}

// Always by small pages: then two owners of neighbouring registers never meet halfway in
// a large one, and "mapped already" always means the same mapping.
volatile void *pt_map_device(struct pa at, uint64_t bytes)
{
    uint64_t start = exo_align_down(at.v, CORE_FRAME_BYTES);
    if (at.v >= DEVICES_END || bytes == 0 || bytes > DEVICES_END - at.v)
        return NULL;
    uint64_t end = exo_align_up(at.v + bytes, CORE_FRAME_BYTES);
    if (memmap_overlaps(&core_state.memmap, start, end) || is_kernels(start, end))
        return NULL;
    for (uint64_t pa = start; pa < end; pa += CORE_FRAME_BYTES) {
        int err = map_page(CORE_PT_DEVICES + pa, pa, 0, CORE_PT_WRITE | CORE_PT_UNCACHED);
        if (err < 0 && err != -EXO_EEXIST)
            return NULL;
    }
    return (volatile void *)(CORE_PT_DEVICES + at.v);
}

// An address with bits that the CPU has not is a fault, not an error, once it is mapped.
static bool has_address_bits(uint64_t end)
{
    struct hal_cpuid sizes = hal_cpuid_if_any(0x80000008, 0);
    uint32_t bits = EXO_MAX(sizes.eax & 0xff, PA_BITS_MIN);
    return bits >= 64 || end >> bits == 0;
}

// In its place in the direct map, where usable memory is to be seen already.
const void *pt_map_table(struct pa at, uint64_t bytes)
{
    uint64_t start = exo_align_down(at.v, CORE_FRAME_BYTES);
    if (at.v >= MEMMAP_LIMIT || bytes == 0 || bytes > MEMMAP_LIMIT - at.v)
        return NULL;
    uint64_t end = exo_align_up(at.v + bytes, CORE_FRAME_BYTES);
    if (!has_address_bits(end - 1) || is_kernels(start, end))
        return NULL;
    for (uint64_t pa = start; pa < end; pa += CORE_FRAME_BYTES) {
        int err = map_page(HANDOFF_DIRECT_MAP + pa, pa, 0, 0);
        if (err < 0 && err != -EXO_EEXIST)
            return NULL;
    }
    return (const void *)(HANDOFF_DIRECT_MAP + at.v);
}

static void must(int err)
{
    if (err < 0)
        bringup_fail("not enough memory: no frame left for a page table");
}

// Maps `count` pages in a row, a table at a time. For core's start, when nothing is mapped
// there yet.
static int map_run(uint64_t va, uint64_t pa, uint64_t count, int level, uint32_t rights)
{
    uint64_t value = leaf(pa, level, rights);
    uint64_t step = page_bytes(level);
    while (count > 0) {
        struct path path;
        int err = enter(&path, va, level);
        if (err < 0)
            return err;
        uint64_t n = EXO_MIN(count, ENTRIES - va / step % ENTRIES);
        for (uint64_t i = 0; i < n; i++, value += step)
            path.entry[level][i] = value;
        *path.entry[level + 1] += n * USE_ONE;
        va += n * step;
        count -= n;
    }
    return 0;
}

static bool fits(uint64_t at, uint64_t bytes, int level)
{
    return exo_is_aligned(at, page_bytes(level)) && bytes >= page_bytes(level);
}

// Shows [start, end) of usable memory in the direct map, by the largest pages that fit.
static void map_memory(uint64_t start, uint64_t end, int level_max)
{
    while (start < end) {
        int level = level_max;
        while (!fits(start, end - start, level))
            level--;
        uint64_t stop = end; // of this size: up to where the next larger one may begin
        if (level < level_max)
            stop = EXO_MIN(end, exo_align_up(start + 1, page_bytes(level + 1)));
        uint64_t count = (stop - start) / page_bytes(level);
        must(map_run(HANDOFF_DIRECT_MAP + start, start, count, level, CORE_PT_WRITE));
        start += count * page_bytes(level);
    }
}

static void map_image(const uint8_t *start, const uint8_t *end, uint32_t rights)
{
    uint64_t distance = core_state.handoff.kernel_va - core_state.handoff.kernel_pa;
    uint64_t va = (uint64_t)start;
    uint64_t bytes = exo_align_up((uint64_t)(end - start), CORE_FRAME_BYTES);
    must(map_run(va, va - distance, bytes / CORE_FRAME_BYTES, 0, rights));
}

// Without these, read-only and no-execute would be words.
static void enable_protection(void)
{
    bool has_nx = hal_cpuid_if_any(0x80000001, 0).edx >> 20 & 1;
    if (!has_nx)
        bringup_fail("this CPU has no no-execute bit");
    hal_msr_write(HAL_MSR_EFER, hal_msr_read(HAL_MSR_EFER) | HAL_EFER_NXE);
    hal_cr0_write(hal_cr0_read() | HAL_CR0_WP);

    struct hal_cpuid features = hal_cpuid_if_any(7, 0);
    uint64_t cr4 = hal_cr4_read();
    if (features.ebx >> 7 & 1)
        cr4 |= HAL_CR4_SMEP;
    if (features.ecx >> 2 & 1)
        cr4 |= HAL_CR4_UMIP;
    hal_cr4_write(cr4);
}

void pt_init(void)
{
    enable_protection();
    core_state.pml4 = table_alloc();
    must(core_state.pml4 ? 0 : -EXO_ENOMEM);

    map_image(core_image_start, core_text_end, CORE_PT_EXECUTE);
    map_image(core_text_end, core_rodata_end, 0);
    map_image(core_rodata_end, core_stack_guard, CORE_PT_WRITE);
    map_image(core_stack_guard + CORE_FRAME_BYTES, core_data_end, CORE_PT_WRITE);
    map_image(core_symbols, core_image_limit(), 0);

    bool has_gib_pages = hal_cpuid_if_any(0x80000001, 0).edx >> 26 & 1;
    for (uint32_t i = 0; i < core_state.memmap.count; i++) {
        const struct memmap_range *range = &core_state.memmap.ranges[i];
        map_memory(range->start, range->end, has_gib_pages ? 2 : 1);
    }
    hal_cr3_write(core_phys_of(core_state.pml4).v);
}
