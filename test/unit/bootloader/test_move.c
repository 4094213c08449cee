// SPDX-License-Identifier: MIT
// test_move.c - bootloader/slide.inc, dynamic.inc and relr.inc: a kernel that can move is
// mapped anywhere, every address in it moves along, and a damaged list changes nothing else.
#include "parts.h"
#include "test/support/check_main.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#define IMAGE_BYTES (12 * PARTS_PAGE_BYTES)
#define CODE_BYTES  (2 * PARTS_PAGE_BYTES)
#define TABLE_BYTES (3 * PARTS_PAGE_BYTES) // constants: the lists, and addresses
#define DATA_AT     (6 * PARTS_PAGE_BYTES) // behind a gap of one page
#define DATA_BYTES  64
#define DATA_MEMORY (5 * PARTS_PAGE_BYTES + 20) // ends in the middle of a word
#define FILE_AT     4096
#define DYNAMIC_AT  (CODE_BYTES + 64)
#define RELR_AT     (CODE_BYTES + 512)
#define RELR_COUNT  8
#define LARGE_BYTES (UINT64_C(2) << 20)
#define HUGE_BYTES  (UINT64_C(1) << 30)
#define DIRT        0xa5
#define LINKED(at)  (PARTS_KERNEL_VA + (at))
#define DT_RELRSZ_  35
#define DT_RELR_    36
#define DT_RELRENT_ 37

static uint8_t memory[IMAGE_BYTES + 2 * PARTS_PAGE_BYTES] __attribute__((aligned(4096)));
static uint8_t *const image = memory + PARTS_PAGE_BYTES;
static uint8_t expected[IMAGE_BYTES];
static uint8_t file[PARTS_CHUNK_BYTES];
static struct handoff_range map[2];
static char cmdline[64];

static Elf64_Phdr *segment(unsigned i)
{
    return (Elf64_Phdr *)(file + sizeof(Elf64_Ehdr)) + i;
}

static Elf64_Dyn *dynamic(void)
{
    return (Elf64_Dyn *)(file + FILE_AT + DYNAMIC_AT);
}

static uint64_t *relr(void)
{
    return (uint64_t *)(file + FILE_AT + RELR_AT);
}

static void make_headers(void)
{
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_entry = LINKED(16),
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 4,
    };
    memcpy(file, &header, sizeof header);
    *segment(0) =
        (Elf64_Phdr){PT_LOAD, PF_R | PF_X, FILE_AT, LINKED(0), 0, CODE_BYTES, CODE_BYTES, 4096};
    *segment(1) = (Elf64_Phdr){PT_LOAD, PF_R,        FILE_AT + CODE_BYTES, LINKED(CODE_BYTES),
                               0,       TABLE_BYTES, TABLE_BYTES,          4096};
    *segment(2) = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, FILE_AT + DATA_AT, LINKED(DATA_AT),
                               0,       DATA_BYTES,  DATA_MEMORY,       4096};
    *segment(3) = (Elf64_Phdr){.p_type = PT_DYNAMIC, .p_vaddr = LINKED(DYNAMIC_AT), .p_memsz = 80};
}

// Addresses in constants, in data, in bss and, by one bitmap, across two segments.
static void make_kernel(void)
{
    static const uint64_t list[RELR_COUNT] = {
        LINKED(CODE_BYTES + 1024),
        0x8000000000000003,
        0x5, // bits 1 and 63; bit 2
        LINKED(DATA_AT + 8),
        0x41,       // in data, and behind it
        LINKED(16), // in code
        LINKED(CODE_BYTES - 8),
        0x3, // code's last word, constants' first
    };
    for (size_t i = 0; i < sizeof file; i++)
        file[i] = (uint8_t)(i ^ i >> 8);
    make_headers();
    memcpy(relr(), list, sizeof list);
    dynamic()[0] = (Elf64_Dyn){DT_RELR_, {LINKED(RELR_AT)}};
    dynamic()[1] = (Elf64_Dyn){DT_RELRSZ_, {sizeof list}};
    dynamic()[2] = (Elf64_Dyn){DT_RELRENT_, {8}};
    dynamic()[3] = (Elf64_Dyn){DT_RELASZ, {0}};
    dynamic()[4] = (Elf64_Dyn){DT_NULL, {0}};
}

// The image as the file has it, linked where it is.
static void expect_unmoved(void)
{
    memset(expected, DIRT, sizeof expected);
    memcpy(expected, file + FILE_AT, CODE_BYTES + TABLE_BYTES);
    memset(expected + DATA_AT, 0, IMAGE_BYTES - DATA_AT);
    memcpy(expected + DATA_AT, file + FILE_AT + DATA_AT, DATA_BYTES);
}

static void reset(const char *line)
{
    memset(memory, DIRT, sizeof memory);
    map[0] = (struct handoff_range){0, 0xa0000, HANDOFF_RANGE_USABLE, 1};
    map[1] = (struct handoff_range){(uintptr_t)image, IMAGE_BYTES, HANDOFF_RANGE_USABLE, 1};
    strcpy(cmdline, line);
    parts_handoff =
        (struct handoff){.map = (uintptr_t)map, .map_count = 2, .cmdline = (uintptr_t)cmdline};
    parts_state.file_bytes = sizeof file;
    parts_state.chunk_offset = 0;
}

static bool load(const char *line)
{
    reset(line);
    memcpy(parts_chunk, file, sizeof file);
    ck_assert_uint_eq(parts_first_chunk(), 0);
    expect_unmoved();
    ck_assert_mem_eq(image, expected, IMAGE_BYTES);
    return parts_relocate() == 0;
}

static uint64_t slide(void)
{
    return parts_handoff.kernel_va - PARTS_KERNEL_VA;
}

static bool is_in_segment(uint64_t at, uint64_t bytes)
{
    for (unsigned i = 0; i < 3; i++) {
        uint64_t inside = at - segment(i)->p_vaddr;
        if (inside < segment(i)->p_memsz && segment(i)->p_memsz - inside >= bytes)
            return true;
    }
    return false;
}

static bool move_expected(uint64_t at)
{
    if (!is_in_segment(at, 8))
        return false;
    uint64_t word;
    memcpy(&word, expected + (at - PARTS_KERNEL_VA), 8);
    word += slide();
    memcpy(expected + (at - PARTS_KERNEL_VA), &word, 8);
    return true;
}

// DT_RELR, as slowly and plainly as it can be said. The list itself may be one of the things
// that move while it is read.
static bool apply(uint64_t list, uint64_t bytes)
{
    uint64_t next = 0;
    for (uint64_t i = 0; i < bytes; i += 8) {
        uint64_t entry;
        memcpy(&entry, expected + (list - PARTS_KERNEL_VA) + i, 8);
        if (entry % 2 == 0) {
            if (!move_expected(entry))
                return false;
            next = entry + 8;
            continue;
        }
        for (unsigned bit = 1; bit < 64; bit++)
            if (entry >> bit & 1 && !move_expected(next + 8 * (bit - 1)))
                return false;
        next += 63 * 8;
    }
    return true;
}

// What docs/handoff.md §1 says of a kernel that can move; moves `expected` as it goes.
static bool relocations_are_good(void)
{
    uint64_t at = segment(3)->p_vaddr, bytes = segment(3)->p_memsz, list = 0, list_bytes = 0;
    if (bytes == 0)
        return true;
    if (!is_in_segment(at, bytes))
        return false;
    const uint8_t *entries = expected + (at - PARTS_KERNEL_VA);
    for (; bytes >= sizeof(Elf64_Dyn); bytes -= sizeof(Elf64_Dyn), entries += sizeof(Elf64_Dyn)) {
        Elf64_Dyn entry;
        memcpy(&entry, entries, sizeof entry);
        if (entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag == DT_RELR_)
            list = entry.d_un.d_val;
        if (entry.d_tag == DT_RELRSZ_)
            list_bytes = entry.d_un.d_val;
        if (entry.d_tag == DT_RELRENT_ && entry.d_un.d_val != 8)
            return false;
        if ((entry.d_tag == DT_RELASZ || entry.d_tag == DT_RELSZ || entry.d_tag == DT_PLTRELSZ) &&
            entry.d_un.d_val != 0)
            return false;
    }
    if (list_bytes == 0)
        return true;
    return list_bytes % 8 == 0 && is_in_segment(list, list_bytes) && apply(list, list_bytes);
}

static void check_untouched_outside(void)
{
    static uint8_t dirt[PARTS_PAGE_BYTES];
    memset(dirt, DIRT, sizeof dirt);
    ck_assert_mem_eq(memory, dirt, sizeof dirt);
    ck_assert_mem_eq(image + IMAGE_BYTES, dirt, sizeof dirt);
    size_t gap = CODE_BYTES + TABLE_BYTES;
    ck_assert_mem_eq(image + gap, expected + gap, DATA_AT - gap);
}

START_TEST(move_changes_every_address_and_nothing_else)
{
    make_kernel();
    ck_assert(load("a=b"));
    ck_assert(relocations_are_good());
    ck_assert_mem_eq(image, expected, IMAGE_BYTES);
    check_untouched_outside();
    ck_assert_uint_ne(slide(), 0); // or chance has played a trick of one in half a million
    ck_assert_uint_eq(parts_state.entry, LINKED(16) + slide());
}
END_TEST

START_TEST(slide_keeps_to_the_top_2_gib_and_to_one_page_table)
{
    uint64_t seen_low = 0, seen_high = 0, seen_pages = 0;
    make_kernel();
    for (int i = 0; i < 300; i++) {
        ck_assert(load(""));
        uint64_t va = parts_handoff.kernel_va;
        uint64_t last = va + parts_handoff.kernel_bytes - 1;
        ck_assert_uint_eq(va % PARTS_PAGE_BYTES, 0);
        ck_assert_uint_ge(va, PARTS_KERNEL_VA);
        ck_assert_uint_lt(last, UINT64_MAX - PARTS_PAGE_BYTES);
        ck_assert_uint_eq(va / LARGE_BYTES, last / LARGE_BYTES);
        if (va < PARTS_KERNEL_VA + HUGE_BYTES)
            seen_low++;
        else
            seen_high++;
        seen_pages |= UINT64_C(1) << (va / PARTS_PAGE_BYTES % 64);
    }
    ck_assert_uint_gt(seen_low, 0);
    ck_assert_uint_gt(seen_high, 0);
    ck_assert_int_gt(__builtin_popcountll(seen_pages), 32);
}
END_TEST

START_TEST(slide_is_mapped)
{
    make_kernel();
    ck_assert(load(""));
    uint64_t va = parts_handoff.kernel_va;
    uint64_t *entry = &parts_pt_image[va / PARTS_PAGE_BYTES % 512];
    ck_assert_uint_eq(parts_pd_image[va / LARGE_BYTES % 512],
                      (uintptr_t)parts_pt_image | PARTS_TABLE);
    ck_assert_uint_eq(entry[0], (uintptr_t)image | 1);
    ck_assert_uint_eq(entry[CODE_BYTES / PARTS_PAGE_BYTES],
                      ((uintptr_t)image + CODE_BYTES) | 1 | UINT64_C(1) << 63);
    ck_assert_uint_eq(entry[DATA_AT / PARTS_PAGE_BYTES],
                      ((uintptr_t)image + DATA_AT) | 3 | UINT64_C(1) << 63);
}
END_TEST

START_TEST(nokaslr_is_a_whole_word)
{
    static const char *const off[] = {"nokaslr",        "a nokaslr",   "nokaslr b",
                                      "a=1\tnokaslr b", " \n nokaslr", "nokaslrx nokaslr"};
    static const char *const on[] = {"nokasl", "nokaslrx", "xnokaslr", "nokaslr=1", "a=nokaslr"};
    make_kernel();
    for (size_t i = 0; i < sizeof off / sizeof off[0]; i++) {
        ck_assert(load(off[i]));
        ck_assert_msg(slide() == 0, "%s", off[i]);
        ck_assert_mem_eq(image, expected, IMAGE_BYTES);
    }
    for (size_t i = 0; i < sizeof on / sizeof on[0]; i++) {
        ck_assert(load(on[i]));
        ck_assert_msg(slide() != 0, "%s", on[i]);
    }
}
END_TEST

START_TEST(kernel_without_a_dynamic_section_stays)
{
    make_kernel();
    segment(3)->p_type = PT_NOTE;
    ck_assert(load(""));
    ck_assert_uint_eq(slide(), 0);
    ck_assert_mem_eq(image, expected, IMAGE_BYTES);
    ck_assert_uint_ne(parts_handoff.seed, 0);
}
END_TEST

START_TEST(other_kinds_of_relocation_are_refused)
{
    static const int64_t tags[] = {DT_RELASZ, DT_RELSZ, DT_PLTRELSZ, DT_RELRENT_};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        make_kernel();
        dynamic()[3] = (Elf64_Dyn){tags[i], {24}};
        ck_assert(!load(""));
        ck_assert_mem_eq(image, expected, IMAGE_BYTES);
    }
}
END_TEST

// Changes one thing in the dynamic section or the list: a bit, or a word to one at some edge.
static void damage(uint64_t *seed)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     8,
                                     UINT64_MAX,
                                     LINKED(0),
                                     LINKED(CODE_BYTES - 4),
                                     LINKED(CODE_BYTES + TABLE_BYTES - 8),
                                     LINKED(CODE_BYTES + TABLE_BYTES - 6),
                                     LINKED(DATA_AT - 8),
                                     LINKED(DATA_AT + DATA_MEMORY - 12),
                                     LINKED(DATA_AT + DATA_MEMORY - 4),
                                     LINKED(IMAGE_BYTES),
                                     PARTS_KERNEL_VA - 8,
                                     LINKED(RELR_AT)};
    uint64_t *const words[] = {(uint64_t *)dynamic(), relr(), &segment(3)->p_vaddr,
                               &segment(3)->p_memsz};
    static const unsigned counts[] = {10, RELR_COUNT, 1, 1};
    unsigned which = parts_random(seed) % 8;
    which = which < 4 ? which : 1; // mostly the list
    uint64_t *word = &words[which][parts_random(seed) % counts[which]];
    if (parts_random(seed) % 2)
        *word ^= UINT64_C(1) << parts_random(seed) % 64;
    else
        *word = edges[parts_random(seed) % (sizeof edges / sizeof edges[0])];
}

START_TEST(move_agrees_with_the_specification_about_damage)
{
    uint64_t seed = 0x6b61736c72;
    int accepted = 0;
    for (int round = 0; round < 6000; round++) {
        make_kernel();
        for (uint64_t n = 1 + parts_random(&seed) % 3; n > 0; n--)
            damage(&seed);
        bool taken = load("");
        bool good = relocations_are_good();
        ck_assert_msg(taken == good, "round %d: should be %s", round, good ? "good" : "bad");
        ck_assert_mem_eq(image, expected, IMAGE_BYTES);
        check_untouched_outside();
        accepted += good;
    }
    ck_assert_int_gt(accepted, 600);
    ck_assert_int_lt(accepted, 5400);
}
END_TEST

CHECK_MAIN("bootloader.move", move_changes_every_address_and_nothing_else,
           slide_keeps_to_the_top_2_gib_and_to_one_page_table, slide_is_mapped,
           nokaslr_is_a_whole_word, kernel_without_a_dynamic_section_stays,
           other_kinds_of_relocation_are_refused, move_agrees_with_the_specification_about_damage)
