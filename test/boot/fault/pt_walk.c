// SPDX-License-Identifier: MIT
// pt_walk.c - reads the live page tables, as the CPU does, and looks for what must not be:
// a page that is writable and executable, anything in the low half, a page of ring 3, the
// kernel's own frames in the direct map, another set of rights in the image, or sealed data that
// can still be written.
#include <stdio.h>
#include <stdlib.h>

#include "core/core_main.h"
#include "core/frame.h"
#include "core/image.h"
#include "core/pt.h"
#include "core/state.h"
#include "exo/bits.h"
#include "hal/cpu.h"

#define PRESENT    UINT64_C(0x01)
#define WRITABLE   UINT64_C(0x02)
#define USER       UINT64_C(0x04)
#define LARGE      UINT64_C(0x80)
#define NO_EXECUTE (UINT64_C(1) << 63)
#define ADDRESS    UINT64_C(0x000ffffffffff000)

struct page {
    uint64_t va, pa, bytes;
    bool writable, executable, user;
};

static uint64_t pages, problems;

static void problem(const struct page *page, const char *what)
{
    problems++;
    printf("pt_walk: %016llx: %s\n", (unsigned long long)page->va, what);
}

static bool is_within(uint64_t at, const uint8_t *start, const uint8_t *end)
{
    return at >= (uint64_t)start && at < (uint64_t)end;
}

static bool is_sealed(uint64_t va)
{
    return is_within(va, core_sealed_start, core_sealed_end) ||
           is_within(va, (const uint8_t *)&core_state.handoff, (const uint8_t *)(&core_state + 1));
}

static void check_image(const struct page *page)
{
    bool is_text = is_within(page->va, core_image_start, core_text_end);
    bool is_data = is_within(page->va, core_rodata_end, core_data_end) && !is_sealed(page->va);
    if (page->bytes != CORE_FRAME_BYTES)
        problem(page, "the image is mapped by a large page");
    if (page->executable != is_text || page->writable != is_data)
        problem(page, "a page of the image with wrong rights");
    if (page->va == (uint64_t)core_stack_guard)
        problem(page, "the stack's guard page is mapped");
}

static void check_direct_map(const struct page *page)
{
    uint64_t kernel = core_state.handoff.kernel_pa;
    if (page->pa < kernel + core_state.handoff.kernel_bytes && kernel < page->pa + page->bytes)
        problem(page, "the kernel's own frames are in the direct map");
    if (page->executable || !page->writable)
        problem(page, "memory that is not RW without X");
    if (page->va - HANDOFF_DIRECT_MAP != page->pa)
        problem(page, "the direct map is not direct");
}

static void check_page(const struct page *page)
{
    pages++;
    if (page->writable && page->executable)
        problem(page, "writable and executable");
    if (page->user)
        problem(page, "open to ring 3");
    if (page->va < CORE_PT_LOW_END)
        problem(page, "the low half is not empty");
    if (page->va >= (uint64_t)core_image_start)
        check_image(page);
    else if (page->va >= HANDOFF_DIRECT_MAP && page->va < CORE_PT_DEVICES)
        check_direct_map(page);
}

static uint64_t sign_extended(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 16) >> 16);
}

static void walk(uint64_t table_pa, int level, struct page above)
{
    const uint64_t *table = core_phys((struct pa){table_pa});
    for (uint64_t i = 0; i < 512; i++) {
        uint64_t entry = table[i];
        if (!(entry & PRESENT))
            continue;
        struct page page = {
            .va = sign_extended(above.va | i << (12 + 9 * level)),
            .bytes = UINT64_C(4096) << (9 * level),
            .writable = above.writable && (entry & WRITABLE),
            .executable = above.executable && !(entry & NO_EXECUTE),
            .user = above.user && (entry & USER),
        };
        page.pa = entry & ADDRESS & ~(page.bytes - 1);
        if (level == 0 || (entry & LARGE))
            check_page(&page);
        else
            walk(entry & ADDRESS, level - 1, page);
    }
}

static void walk_all(void)
{
    walk(hal_cr3_read() & ADDRESS, 3,
         (struct page){.writable = true, .executable = true, .user = true});
}

static void expect(bool ok, const char *what)
{
    if (ok)
        return;
    problems++;
    printf("pt_walk: %s\n", what);
}

static void check_registers(void)
{
    struct core_pt_entry entry;
    expect(hal_cr0_read() & HAL_CR0_WP, "read-only does not bind ring 0");
    expect(hal_msr_read(HAL_MSR_EFER) & HAL_EFER_NXE, "no-execute is off");
    bool has_smep = hal_cpuid_if_any(7, 0).ebx >> 7 & 1;
    expect(!has_smep || (hal_cr4_read() & HAL_CR4_SMEP), "SMEP is offered and off");
    bool has_umip = hal_cpuid_if_any(7, 0).ecx >> 2 & 1;
    expect(!has_umip || (hal_cr4_read() & HAL_CR4_UMIP), "UMIP is offered and off");
    expect(core_pt_query((struct va){0}, &entry) < 0, "page 0 is mapped");
    expect(core_pt_query((struct va){(uint64_t)core_stack_guard}, &entry) < 0,
           "the stack has no guard page");
}

// Maps frames all over the owners' regions, looks through them, and takes them out again.
static void check_mapping(void)
{
    static const uint64_t places[] = {
        CORE_PT_LOW_START,
        CORE_PT_LOW_END - 4096,
        UINT64_C(0x40000000),
        CORE_PT_HIGH_START,
        CORE_PT_HIGH_START + (UINT64_C(1) << 39),
        CORE_PT_HIGH_END - 4096,
    };
    struct pa frame, back;
    struct core_pt_entry entry;
    expect(core_frame_claim(NULL, 1, 1, &frame) == 0, "no frame");
    uint64_t *seen = core_phys(frame);
    uint64_t free_before = core_frame_stats().free;
    for (uint32_t i = 0; i < EXO_COUNT(places); i++) {
        struct va at = {places[i]};
        expect(core_pt_map(at, frame, CORE_PT_WRITE) == 0, "a free page cannot be mapped");
        expect(core_pt_map(at, frame, CORE_PT_WRITE) == -17, "a page is mapped twice");
        *(volatile uint64_t *)at.v = i + 1;
        expect(*(volatile uint64_t *)seen == i + 1, "a write through a mapping went elsewhere");
        expect(core_pt_query((struct va){at.v + 5}, &entry) == 0 && entry.at.v == frame.v + 5 &&
                   entry.rights == CORE_PT_WRITE,
               "query does not say what map did");
    }
    for (uint32_t i = 0; i < EXO_COUNT(places); i++) {
        expect(core_pt_unmap((struct va){places[i]}, &back) == 0 && back.v == frame.v,
               "a mapped page cannot be unmapped");
        expect(core_pt_unmap((struct va){places[i]}, NULL) == -2, "a page is unmapped twice");
    }
    uint64_t kept = free_before - core_frame_stats().free;
    expect(kept <= 3, "empty page tables are not given back");
    core_frame_release(NULL, frame, 1);
}

static void check_refusals(void)
{
    struct pa frame = {0x5000};
    struct pa kernel = {core_state.handoff.kernel_pa};
    struct va at = {CORE_PT_HIGH_START};
    expect(core_pt_map(at, frame, CORE_PT_WRITE | CORE_PT_EXECUTE) == -22, "W and X granted");
    expect(core_pt_map(at, kernel, CORE_PT_WRITE) == -1, "the kernel's frame granted");
    expect(core_pt_map((struct va){0}, frame, 0) == -22, "page 0 granted");
    expect(core_pt_map((struct va){at.v + 8}, frame, 0) == -22, "half a page granted");
    expect(core_pt_map((struct va){HANDOFF_DIRECT_MAP}, frame, 0) == -22, "direct map granted");
    expect(core_pt_unmap((struct va){(uint64_t)core_image_start}, NULL) == -22, "image unmapped");
}

int main(void)
{
    walk_all();
    check_registers();
    check_mapping();
    check_refusals();
    walk_all(); // all that was mapped is gone
    printf("pt_walk: %llu pages, %s\n", (unsigned long long)pages,
           problems ? "NOT all sound" : "all sound");
    return problems ? EXIT_FAILURE : EXIT_SUCCESS;
}
