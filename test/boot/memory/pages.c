// SPDX-License-Identifier: MIT
// pages.c - page tables as an app uses them: pages of all sizes, rights that change, memory
// types, a million mappings. One word on the command line asks for more:
//   wrote_protected | released_mapped | released_anothers   end the machine with a report
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core_main.h"
#include "core/frame.h"
#include "core/image.h"
#include "core/pt.h"
#include "core/state.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/cpu.h"

#define BASE        CORE_PT_HIGH_START
#define RW          CORE_PT_WRITE
#define FRAMES_2M   (CORE_PT_2M / CORE_FRAME_BYTES)
#define FRAMES_1G   (CORE_PT_1G / CORE_FRAME_BYTES)
#define SPARES      3u // empty tables that core may keep for the next mapping
#define A_MILLION   1000000u
#define TEXT_SCREEN 0xb8000u // device memory, on every PC
#define MSR_PAT     0x277u

static int problems;

static void expect(bool ok, const char *what)
{
    if (ok)
        return;
    problems++;
    printf("pages: %s\n", what);
}

static struct va page(uint64_t n)
{
    return (struct va){BASE + n * CORE_PT_4K};
}

static struct pa claim(uint64_t count, uint64_t align)
{
    struct pa at = {0};
    expect(core_frame_claim(NULL, count, align, &at) == 0, "no frames");
    return at;
}

static bool is_mapped(struct va at)
{
    struct core_pt_entry entry;
    return core_pt_query(at, &entry) == 0;
}

// --- who may map what -----------------------------------------------------------------

static void check_owners(void)
{
    struct core_pt_walk walk;
    expect(core_pt_walk(page(0), &walk) == 0 && walk.count > 0, "no tables to look at");
    expect(core_pt_map(page(0), walk.table[0], RW) == -EXO_EPERM, "a page table granted");
    expect(core_pt_map(page(0), walk.table[0], 0) == -EXO_EPERM, "a page table shown");

    struct pa frame = claim(1, 1);
    expect(core_pt_map(page(0), frame, RW) == 0, "an owned frame refused");
    expect(core_pt_unmap(page(0), NULL) == 0, "not unmapped");
    core_frame_release(NULL, frame, 1);
    expect(core_pt_map(page(0), frame, RW) == -EXO_EPERM, "nobody's frame granted");

    struct pa screen = {TEXT_SCREEN}, back;
    expect(core_pt_map(page(0), screen, RW | CORE_PT_UNCACHED) == 0, "device memory refused");
    expect(core_pt_unmap(page(0), &back) == 0 && back.v == screen.v, "not unmapped");
}

// --- rights and memory types ----------------------------------------------------------

static uint64_t leaf_of(struct va at)
{
    struct core_pt_walk walk;
    expect(core_pt_walk(at, &walk) == 0 && walk.count == CORE_PT_LEVELS, "a way that ends early");
    return walk.entry[walk.count - 1];
}

static void check_protect(void)
{
    struct pa frame = claim(1, 1);
    struct core_pt_entry entry;
    for (uint64_t i = 0; i < 8; i++)
        expect(core_pt_map(page(i), frame, RW) == 0, "not mapped");
    *(volatile char *)page(3).v = 'x';
    expect(core_pt_protect(page(2), 4 * CORE_PT_4K, CORE_PT_EXECUTE) == 0, "not protected");
    for (uint64_t i = 0; i < 8; i++) {
        uint32_t rights = i >= 2 && i < 6 ? CORE_PT_EXECUTE : RW;
        expect(core_pt_query(page(i), &entry) == 0 && entry.rights == rights, "wrong rights");
    }
    expect(*(volatile char *)page(3).v == 'x', "other bytes");
    expect(core_pt_protect(page(6), 4 * CORE_PT_4K, 0) == -EXO_ENOENT, "nothing protected");
    expect(core_pt_query(page(6), &entry) == 0 && entry.rights == RW, "failed, and changed");
    expect(core_pt_protect(page(0), CORE_PT_4K, RW | CORE_PT_EXECUTE) == -EXO_EINVAL, "W and X");
    expect(core_pt_protect(page(0), 100, RW) == -EXO_EINVAL, "a part of a page");
    expect(core_pt_protect(page(0), 0, RW) == -EXO_EINVAL, "no page at all");
    expect(core_pt_protect((struct va){(uint64_t)core_image_start}, CORE_PT_4K, RW) == -EXO_EINVAL,
           "the image's rights changed");
    for (uint64_t i = 0; i < 8; i++)
        expect(core_pt_unmap(page(i), NULL) == 0, "not unmapped");
    core_frame_release(NULL, frame, 1);
}

// Of which type memory is, as the CPU finds out: bits 4 and 3 of the entry, and 7 for PAT,
// choose a byte of the MSR. (SDM vol. 3, table "Selection of PAT Entries".)
static uint64_t type_of(struct va at)
{
    uint64_t entry = leaf_of(at);
    uint64_t index = (entry >> 3 & 3) | (entry >> 7 & 1) << 2;
    return hal_msr_read(MSR_PAT) >> 8 * index & 0xff;
}

static void check_types(void)
{
    struct pa frame = claim(1, 1);
    expect(core_pt_map(page(0), frame, RW) == 0, "not mapped");
    expect(core_pt_map(page(1), frame, RW | CORE_PT_UNCACHED) == 0, "not mapped uncached");
    expect(core_pt_map(page(2), frame, RW | CORE_PT_COMBINING) == 0, "not mapped combining");
    expect(type_of(page(0)) == 6 && type_of(page(1)) == 0 && type_of(page(2)) == 1,
           "not write-back, uncacheable and write-combining");
    expect(core_pt_map(page(3), frame, CORE_PT_UNCACHED | CORE_PT_COMBINING) == -EXO_EINVAL,
           "two memory types");
    expect(core_pt_map(page(3), frame, 0x10) == -EXO_EINVAL, "rights that there are not");
    for (uint64_t i = 0; i < 3; i++)
        expect(core_pt_unmap(page(i), NULL) == 0, "not unmapped");
    core_frame_release(NULL, frame, 1);

    struct pa screen = {TEXT_SCREEN};
    volatile void *seen = pt_map_device_as(screen, 4000, RW | CORE_PT_COMBINING);
    expect(seen && type_of((struct va){(uint64_t)seen}) == 1, "no combining frame buffer");
    expect(pt_map_device_as(screen, 4000, RW | CORE_PT_COMBINING) == seen, "not the same again");
    expect(!pt_map_device(screen, 4000), "the same registers as two memory types");
}

// --- large pages ----------------------------------------------------------------------

// A large page is seen through, taken apart and gone again; `bytes` is its size.
static void check_large(uint64_t bytes)
{
    struct pa frames = claim(bytes / CORE_FRAME_BYTES, bytes / CORE_FRAME_BYTES), back;
    struct va at = {BASE + CORE_PT_1G}, last = {at.v + bytes - CORE_PT_4K};
    struct core_pt_entry entry;
    expect(core_pt_map_large(at, frames, bytes, RW) == 0, "no large page");
    expect(core_pt_query(last, &entry) == 0 && entry.bytes == bytes &&
               entry.at.v == frames.v + bytes - CORE_PT_4K && entry.rights == RW,
           "the large page shows something else");
    *(volatile uint64_t *)last.v = bytes;
    expect(*(volatile uint64_t *)core_phys(entry.at) == bytes, "a write went elsewhere");

    expect(core_pt_unmap(at, NULL) == -EXO_EINVAL, "a part of a large page unmapped");
    expect(core_pt_map(last, frames, RW) == -EXO_EEXIST, "mapped over a large page");
    expect(core_pt_protect(last, CORE_PT_4K, 0) == -EXO_EINVAL, "a part protected");
    expect(core_pt_protect(at, bytes, 0) == 0, "the large page's rights stay");
    expect(core_pt_split(last) == -EXO_EINVAL, "split from the middle");
    expect(core_pt_split(at) == 0, "not split");
    expect(core_pt_query(at, &entry) == 0 && entry.bytes == bytes / 512 && entry.rights == 0,
           "not as it was before it was split");
    expect(*(volatile uint64_t *)last.v == bytes, "a page of the 512 shows something else");
    for (uint64_t i = 0; i < 512; i++) {
        struct va part = {at.v + i * (bytes / 512)};
        expect(core_pt_unmap_large(part, bytes / 512, &back) == 0 &&
                   back.v == frames.v + i * (bytes / 512),
               "one of the 512 is not there");
    }
    expect(!is_mapped(at) && !is_mapped(last), "something is left");
    expect(core_pt_map_large(at, frames, bytes, RW) == 0, "not to be mapped again");
    expect(core_pt_unmap_large(at, bytes, &back) == 0 && back.v == frames.v, "not unmapped");
    core_frame_release(NULL, frames, bytes / CORE_FRAME_BYTES);
}

static void check_large_refusals(void)
{
    struct pa frame = claim(1, 1);
    struct va at = {BASE};
    expect(core_pt_map_large(at, frame, CORE_PT_4K + 1, RW) == -EXO_EINVAL, "an odd size");
    expect(core_pt_map_large(at, frame, 2 * CORE_PT_4K, RW) == -EXO_EINVAL, "two pages");
    expect(core_pt_map_large(page(1), (struct pa){0}, CORE_PT_2M, RW) == -EXO_EINVAL, "unaligned");
    struct pa first = {exo_align_down(frame.v, CORE_PT_2M)};
    expect(core_pt_map_large(at, first, CORE_PT_2M, RW) == -EXO_EPERM, "others' frames granted");
    core_frame_release(NULL, frame, 1); // nothing holds it
    expect(!is_mapped(at), "refused, and mapped");
}

static void check_huge(void)
{
    struct pa at;
    if (core_pt_map_large((struct va){BASE}, (struct pa){0}, CORE_PT_1G, RW) == -EXO_ENOTSUP) {
        puts("pages: none of 1 GiB");
        return;
    }
    if (core_frame_claim(NULL, FRAMES_1G, FRAMES_1G, &at) < 0)
        return; // a small machine
    core_frame_release(NULL, at, FRAMES_1G);
    check_large(CORE_PT_1G);
    puts("pages: of 1 GiB too");
}

// --- a million ------------------------------------------------------------------------

// Each time in another place: tables come and go.
static void check_a_million(void)
{
    struct pa frame = claim(1, 1);
    uint64_t free_before = core_frame_stats().free;
    for (uint64_t i = 0; i < A_MILLION; i++)
        if (core_pt_map(page(0), frame, RW) < 0 || core_pt_unmap(page(0), NULL) < 0)
            expect(false, "one of a million mappings failed");
    for (uint64_t i = 0; i < A_MILLION; i++) {
        uint64_t n = i * UINT64_C(2654435761) % (CORE_PT_HIGH_END - BASE) / CORE_PT_4K;
        if (core_pt_map(page(n), frame, RW) < 0 || core_pt_unmap(page(n), NULL) < 0)
            expect(false, "one of a million places failed");
    }
    expect(free_before - core_frame_stats().free <= SPARES, "page tables are lost");
    core_frame_release(NULL, frame, 1);
}

// As many as there are frames for tables; then none, and then all over again.
static void check_exhaustion(void)
{
    struct pa frame = claim(1, 1);
    uint64_t free_before = core_frame_stats().free, counts[2];
    for (int round = 0; round < 2; round++) {
        uint64_t n = 0;
        while (n < 60000 && core_pt_map(page(n * 512), frame, RW) == 0)
            n++;
        counts[round] = n;
        for (uint64_t i = 0; i < n; i++)
            expect(core_pt_unmap(page(i * 512), NULL) == 0, "not unmapped");
        expect(free_before - core_frame_stats().free <= SPARES, "page tables are lost");
    }
    expect(counts[0] == counts[1] &&
               counts[0] + counts[0] / 512 + 8 >= EXO_MIN(free_before, 60000u),
           "fewer tables than memory holds");
    core_frame_release(NULL, frame, 1);
}

// --- misdeeds -------------------------------------------------------------------------

static void misdeed(const char *name)
{
    struct core_owner owner = {.name = "somebody"};
    struct pa frame = claim(1, 1);
    expect(core_owner_init(&owner) == 0 && core_pt_map(page(0), frame, RW) == 0, "no start");
    if (strcmp(name, "wrote_protected") == 0) {
        *(volatile char *)page(0).v = 1;
        expect(core_pt_protect(page(0), CORE_PT_4K, 0) == 0, "not protected");
        *(volatile char *)page(0).v = 2;
    }
    if (strcmp(name, "released_mapped") == 0)
        core_frame_release(NULL, frame, 1);
    expect(core_pt_unmap(page(0), NULL) == 0, "not unmapped");
    if (strcmp(name, "released_anothers") == 0)
        core_frame_release(&owner, frame, 1);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        misdeed(argv[1]);
    check_owners();
    check_protect();
    check_types();
    check_large(CORE_PT_2M);
    check_large_refusals();
    check_huge();
    check_exhaustion();
    check_a_million();
    printf("pages: %s\n", problems ? "NOT well" : "well");
    return problems ? EXIT_FAILURE : EXIT_SUCCESS;
}
