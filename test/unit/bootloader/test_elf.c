// SPDX-License-Identifier: MIT
// test_elf.c - bootloader/elf.inc: good kernels arrive whole, damaged ones touch nothing.
#include "parts.h"
#include "test/support/check_main.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#define MEMORY_BYTES (64 * PARTS_PAGE_BYTES)
#define FILE_BYTES   (3 * PARTS_CHUNK_BYTES)
#define SEGMENTS     3
#define DIRT         0xa5

// The machine's memory above 1 MiB, which kernels are placed in, and pages around it that
// the map calls reserved.
static uint8_t memory[MEMORY_BYTES + 2 * PARTS_PAGE_BYTES] __attribute__((aligned(4096)));
static uint8_t *const usable = memory + PARTS_PAGE_BYTES;
static uint8_t file[FILE_BYTES];
static struct handoff_range map[2];
static const char cmdline[16] = "";

static Elf64_Phdr *segment(unsigned i)
{
    return (Elf64_Phdr *)(file + sizeof(Elf64_Ehdr)) + i;
}

// A kernel of code, constants and data with bss; its bytes tell their offset in the file.
static void make_kernel(void)
{
    static const struct {
        uint32_t flags;
        uint64_t offset, page, filesz, memsz;
    } parts[SEGMENTS] = {
        {PF_R | PF_X, 0x1000, 0, 60000, 60000},
        {PF_R, 0x10003, 20, 100001, 100001}, // crosses a chunk at an odd place
        {PF_R | PF_W, 0x28ff1, 46, 5, 50000},
    };
    for (size_t i = 0; i < FILE_BYTES; i++)
        file[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16);
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_entry = PARTS_KERNEL_VA + 16,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = SEGMENTS,
    };
    memcpy(file, &header, sizeof header);
    for (unsigned i = 0; i < SEGMENTS; i++)
        *segment(i) = (Elf64_Phdr){
            .p_type = PT_LOAD,
            .p_flags = parts[i].flags,
            .p_offset = parts[i].offset,
            .p_vaddr = PARTS_KERNEL_VA + parts[i].page * PARTS_PAGE_BYTES,
            .p_filesz = parts[i].filesz,
            .p_memsz = parts[i].memsz,
        };
}

static void reset(void)
{
    memset(memory, DIRT, sizeof memory);
    map[0] = (struct handoff_range){0, 0xa0000, HANDOFF_RANGE_USABLE, 1};
    map[1] = (struct handoff_range){(uintptr_t)usable, MEMORY_BYTES, HANDOFF_RANGE_USABLE, 1};
    parts_handoff =
        (struct handoff){.map = (uintptr_t)map, .map_count = 2, .cmdline = (uintptr_t)cmdline};
    parts_state.file_bytes = FILE_BYTES;
    parts_state.chunk_offset = 0;
}

// Gives the file to the loader as stage 2 does. Returns whether it took it.
static bool load(void)
{
    for (size_t offset = 0; offset < FILE_BYTES; offset += PARTS_CHUNK_BYTES) {
        memcpy(parts_chunk, file + offset, PARTS_CHUNK_BYTES);
        if ((offset ? parts_next_chunk() : parts_first_chunk()) != 0)
            return false;
    }
    return true;
}

static bool is_filled(const uint8_t *bytes, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

static uint64_t page_up(uint64_t n)
{
    return (n + PARTS_PAGE_BYTES - 1) & -(uint64_t)PARTS_PAGE_BYTES;
}

// Everything that docs/handoff.md §2 promises of an accepted kernel.
static void check_loaded(void)
{
    Elf64_Ehdr *header = (Elf64_Ehdr *)file;
    Elf64_Phdr *headers = (Elf64_Phdr *)(file + header->e_phoff);
    uint64_t end = 0;
    ck_assert_uint_eq(parts_handoff.kernel_pa, (uintptr_t)usable);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr *s = &headers[i];
        if (s->p_type != PT_LOAD || s->p_memsz == 0)
            continue;
        uint64_t at = s->p_vaddr - parts_handoff.kernel_va;
        uint8_t *bytes = usable + at;
        ck_assert_uint_le(at + page_up(s->p_memsz), MEMORY_BYTES);
        ck_assert_mem_eq(bytes, file + s->p_offset, s->p_filesz);
        ck_assert(is_filled(bytes + s->p_filesz, page_up(s->p_memsz) - s->p_filesz, 0));
        uint64_t bits = 1 | (s->p_flags & PF_W ? 2 : 0) | (s->p_flags & PF_X ? 0 : 1ull << 63);
        uint64_t entry = (s->p_vaddr >> 12) - (parts_handoff.kernel_va >> 21 << 9);
        for (uint64_t page = 0; page < page_up(s->p_memsz) / PARTS_PAGE_BYTES; page++)
            ck_assert_uint_eq(parts_pt_image[entry + page],
                              ((uintptr_t)bytes + page * PARTS_PAGE_BYTES) | bits);
        end = at + page_up(s->p_memsz);
    }
    ck_assert_uint_eq(parts_handoff.kernel_bytes, end);
    ck_assert_uint_eq(parts_state.entry, header->e_entry);
}

static void check_untouched_outside(void)
{
    ck_assert(is_filled(memory, PARTS_PAGE_BYTES, DIRT));
    ck_assert(is_filled(usable + MEMORY_BYTES, PARTS_PAGE_BYTES, DIRT));
}

START_TEST(elf_scatters_three_chunks)
{
    make_kernel();
    reset();
    ck_assert(load());
    check_loaded();
    check_untouched_outside();
    ck_assert_uint_eq(parts_handoff.kernel_va, PARTS_KERNEL_VA);
    ck_assert_uint_eq(parts_handoff.low_end, (uintptr_t)parts_pt_image + PARTS_PAGE_BYTES);
    ck_assert_uint_eq(parts_pd_image[0], (uintptr_t)parts_pt_image | PARTS_TABLE);
    ck_assert(is_filled((uint8_t *)&parts_pd_image[1], 511 * 8, 0));
    ck_assert(is_filled(usable + 59 * PARTS_PAGE_BYTES, 5 * PARTS_PAGE_BYTES, DIRT));
}
END_TEST

// What core goes on with (docs/handoff.md §4): the first page of the loader's memory … low_end.
START_TEST(tables_show_the_loaders_memory)
{
    make_kernel();
    reset();
    ck_assert(load());
    uint64_t start = (uintptr_t)&parts_handoff;
    ck_assert_uint_eq(parts_handoff.tables, (uintptr_t)parts_pml4);
    ck_assert_uint_eq(parts_pml4[256], (uintptr_t)parts_pdpt_direct | PARTS_TABLE);
    ck_assert_uint_eq(parts_pdpt_direct[start >> 30], (uintptr_t)parts_pd_direct | PARTS_TABLE);
    ck_assert_uint_eq(parts_pd_direct[start >> 21], (uintptr_t)parts_pt_direct | PARTS_TABLE);
    for (uint64_t i = 0; i < 512; i++) {
        uint64_t at = (start & ~UINT64_C(0x1fffff)) + i * PARTS_PAGE_BYTES;
        bool is_shown = at >= start && at < parts_handoff.low_end;
        ck_assert_uint_eq(parts_pt_direct[i], is_shown ? at | UINT64_C(1) << 63 | 3 : 0);
    }
}
END_TEST

START_TEST(elf_skips_what_is_not_loaded)
{
    make_kernel();
    segment(1)->p_type = PT_NOTE;
    segment(1)->p_vaddr = 3;
    segment(2)->p_memsz = segment(2)->p_filesz = 0;
    reset();
    ck_assert(load());
    check_loaded();
}
END_TEST

START_TEST(elf_maps_across_2_mib)
{
    make_kernel();
    for (unsigned i = 0; i < SEGMENTS; i++)
        segment(i)->p_vaddr += 0x101ff000;
    ((Elf64_Ehdr *)file)->e_entry += 0x101ff000;
    reset();
    ck_assert(load());
    check_loaded();
    ck_assert_uint_eq(parts_pd_image[0x80], (uintptr_t)parts_pt_image | PARTS_TABLE);
    ck_assert_uint_eq(parts_pd_image[0x81], ((uintptr_t)parts_pt_image + 4096) | PARTS_TABLE);
    ck_assert_uint_eq(parts_pd_image[0x82], 0);
}
END_TEST

// What docs/handoff.md §1 says of one segment, as slowly and plainly as it can be said.
static bool segment_is_good(const Elf64_Phdr *s, unsigned __int128 *end)
{
    unsigned __int128 start = s->p_vaddr;
    unsigned __int128 file_end = (unsigned __int128)s->p_offset + s->p_filesz;
    if (s->p_vaddr % PARTS_PAGE_BYTES || start < *end || s->p_filesz > s->p_memsz)
        return false;
    if (file_end > parts_state.file_bytes || start + s->p_memsz >= (unsigned __int128)1 << 64)
        return false;
    *end = (start + s->p_memsz + PARTS_PAGE_BYTES - 1) / PARTS_PAGE_BYTES * PARTS_PAGE_BYTES;
    return (s->p_flags & (PF_W | PF_X)) != (PF_W | PF_X);
}

static bool file_is_good(void)
{
    Elf64_Ehdr h;
    memcpy(&h, file, sizeof h);
    if (memcmp(h.e_ident, ELFMAG, SELFMAG) || h.e_ident[4] != ELFCLASS64 ||
        h.e_ident[5] != ELFDATA2LSB || h.e_machine != EM_X86_64 || h.e_type != ET_EXEC ||
        h.e_phentsize != sizeof(Elf64_Phdr) || h.e_phnum > 32 ||
        (unsigned __int128)h.e_phoff + h.e_phnum * sizeof(Elf64_Phdr) > PARTS_CHUNK_BYTES)
        return false;

    unsigned __int128 end = PARTS_KERNEL_VA;
    uint64_t first = 0;
    bool any = false;
    bool entry = false;
    for (unsigned i = 0; i < h.e_phnum; i++) {
        Elf64_Phdr s;
        memcpy(&s, file + h.e_phoff + i * sizeof s, sizeof s);
        if (s.p_type != PT_LOAD || s.p_memsz == 0)
            continue;
        if (!segment_is_good(&s, &end))
            return false;
        if (!any)
            first = s.p_vaddr;
        any = true;
        if ((s.p_flags & PF_X) && h.e_entry >= s.p_vaddr && h.e_entry - s.p_vaddr < s.p_memsz)
            entry = true;
    }
    return any && entry && (first >> 30) == (uint64_t)((end - 1) >> 30) &&
           end - first <= MEMORY_BYTES;
}

// Changes one thing in the headers: a bit, a byte, or a field to a value at some edge.
static void damage(uint64_t *seed)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     4095,
                                     4096,
                                     FILE_BYTES,
                                     FILE_BYTES - 1,
                                     MEMORY_BYTES,
                                     PARTS_CHUNK_BYTES,
                                     64u << 20,
                                     PARTS_KERNEL_VA,
                                     PARTS_KERNEL_VA + 0x14000,
                                     UINT64_C(0xffffffffc0000000),
                                     UINT64_C(0xfffffffffffff000),
                                     UINT64_MAX};
    size_t headers = sizeof(Elf64_Ehdr) + SEGMENTS * sizeof(Elf64_Phdr);
    size_t at = parts_random(seed) % headers;
    switch (parts_random(seed) % 3) {
    case 0:
        file[at] ^= (uint8_t)(1 << parts_random(seed) % 8);
        break;
    case 1:
        file[at] = (uint8_t)parts_random(seed);
        break;
    default:
        memcpy(file + at / 8 * 8, &edges[parts_random(seed) % (sizeof edges / sizeof edges[0])], 8);
    }
}

START_TEST(elf_agrees_with_the_specification_about_damage)
{
    uint64_t seed = 0x68616e646f6666;
    int accepted = 0;
    for (int round = 0; round < 6000; round++) {
        make_kernel();
        for (uint64_t n = 1 + parts_random(&seed) % 3; n > 0; n--)
            damage(&seed);
        reset();
        bool good = file_is_good();
        ck_assert_msg(load() == good, "round %d: should be %s", round, good ? "good" : "bad");
        if (good)
            check_loaded();
        else
            ck_assert(is_filled(usable, MEMORY_BYTES, DIRT));
        check_untouched_outside();
        accepted += good;
    }
    ck_assert_int_gt(accepted, 600); // damage to padding and unread fields is none
}
END_TEST

START_TEST(elf_refuses_to_go_on_behind_the_last_page_of_all)
{
    make_kernel();
    segment(1)->p_vaddr = UINT64_C(0xfffffffffffff000);
    segment(1)->p_filesz = segment(1)->p_memsz = 2048; // segment 2 lies below it again
    reset();
    ck_assert(!load());
    ck_assert(is_filled(usable, MEMORY_BYTES, DIRT));
    check_untouched_outside();
}
END_TEST

CHECK_MAIN("bootloader.elf", elf_scatters_three_chunks, tables_show_the_loaders_memory,
           elf_skips_what_is_not_loaded, elf_maps_across_2_mib,
           elf_refuses_to_go_on_behind_the_last_page_of_all,
           elf_agrees_with_the_specification_about_damage)
