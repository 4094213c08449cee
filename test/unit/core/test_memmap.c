// SPDX-License-Identifier: MIT
// test_memmap.c - firmware maps as bad as they come.
#include "core/memmap.h"

#include <stdlib.h>
#include <string.h>

#include "exo/bits.h"
#include "test/support/check_main.h"

#define USABLE   HANDOFF_RANGE_USABLE
#define RESERVED HANDOFF_RANGE_RESERVED
#define PAGE     UINT64_C(4096)

static struct memmap map;

static struct handoff_range range(uint64_t base, uint64_t bytes, uint32_t type)
{
    return (struct handoff_range){base, bytes, type, 1};
}

static void expect(uint32_t i, uint64_t start, uint64_t end)
{
    ck_assert_uint_gt(map.count, i);
    ck_assert_uint_eq(map.ranges[i].start, start);
    ck_assert_uint_eq(map.ranges[i].end, end);
}

static void expect_sound(void)
{
    ck_assert_uint_le(map.count, MEMMAP_MAX);
    for (uint32_t i = 0; i < map.count; i++) {
        ck_assert_uint_lt(map.ranges[i].start, map.ranges[i].end);
        ck_assert_uint_le(map.ranges[i].end, MEMMAP_LIMIT);
        ck_assert(exo_is_aligned(map.ranges[i].start | map.ranges[i].end, PAGE));
        if (i > 0)
            ck_assert_uint_lt(map.ranges[i - 1].end, map.ranges[i].start);
    }
}

static uint64_t map_bytes(void)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < map.count; i++)
        bytes += map.ranges[i].end - map.ranges[i].start;
    return bytes;
}

START_TEST(memmap_sorts_and_merges)
{
    struct handoff_range raw[] = {
        range(0x300000, 0x100000, USABLE),
        range(0x100000, 0x100000, USABLE),
        range(0x200000, 0x100000, USABLE), // closes the gap between the two
        range(0x1000, 0x9e000, USABLE),
    };
    memmap_clean(&map, raw, EXO_COUNT(raw));
    ck_assert_uint_eq(map.count, 2);
    expect(0, 0x1000, 0x9f000);
    expect(1, 0x100000, 0x400000);
    ck_assert_uint_eq(map_bytes(), 0x9e000 + 0x300000);
}
END_TEST

START_TEST(memmap_lets_the_strictest_type_win)
{
    struct handoff_range raw[] = {
        range(0x200000, 0x1000, RESERVED), // before what it cuts, and inside of it
        range(0x100000, 0x400000, USABLE),
        range(0x4ff000, 0x2000, HANDOFF_RANGE_NVS),
        range(0x0ff000, 0x2000, HANDOFF_RANGE_BAD),
        range(0x300800, 0x10, 77), // an unknown type takes the whole frame that it touches
        range(0x200000, 0x1000, USABLE),
    };
    memmap_clean(&map, raw, EXO_COUNT(raw));
    ck_assert_uint_eq(map.count, 3);
    expect(0, 0x101000, 0x200000);
    expect(1, 0x201000, 0x300000);
    expect(2, 0x301000, 0x4ff000);
}
END_TEST

START_TEST(memmap_shrinks_to_whole_frames)
{
    struct handoff_range raw[] = {
        range(0x1001, 0x2000, USABLE),  // holds one whole frame
        range(0x10001, 0x1ffe, USABLE), // holds none
        range(0x20800, 0x800, USABLE),  // two halves of a frame
        range(0x20000, 0x800, USABLE),
    };
    memmap_clean(&map, raw, EXO_COUNT(raw));
    ck_assert_uint_eq(map.count, 2);
    expect(0, 0x2000, 0x3000);
    expect(1, 0x20000, 0x21000);
}
END_TEST

START_TEST(memmap_survives_wrapping_and_empty_entries)
{
    struct handoff_range raw[] = {
        range(0x100000, 0, USABLE),
        range(0x5000, 0, RESERVED),
        range(0x1000, UINT64_MAX, USABLE),                                    // past 2^64
        range(UINT64_MAX - 0xfff, 0x10000, RESERVED),                         // likewise
        range(MEMMAP_LIMIT - PAGE, UINT64_MAX, RESERVED),                     // likewise
        {.base = 0x2000, .bytes = 0x1000, .type = RESERVED, .attributes = 0}, // to be ignored
    };
    memmap_clean(&map, raw, EXO_COUNT(raw));
    ck_assert_uint_eq(map.count, 1);
    expect(0, 0x1000, MEMMAP_LIMIT - PAGE);
    ck_assert_uint_gt(map.dropped_bytes, 0);

    memmap_clean(&map, raw, 0);
    ck_assert_uint_eq(map.count, 0);
    ck_assert_uint_eq(map_bytes(), 0);
}
END_TEST

START_TEST(memmap_with_too_many_pieces_keeps_the_largest_and_counts_the_rest)
{
    static struct handoff_range raw[1000];
    uint64_t all = 0;
    for (uint64_t i = 0; i < EXO_COUNT(raw); i++) {
        raw[i] = range((1 + i * 2) * 0x100000, (1 + i % 200) * PAGE, USABLE);
        all += raw[i].bytes;
    }
    memmap_clean(&map, raw, EXO_COUNT(raw));
    expect_sound();
    ck_assert_uint_eq(map.count, MEMMAP_MAX);
    ck_assert_uint_eq(map_bytes() + map.dropped_bytes, all);
    for (uint32_t i = 0; i < map.count; i++)
        ck_assert_uint_ge(map.ranges[i].end - map.ranges[i].start, 187 * PAGE);
}
END_TEST

START_TEST(memmap_cut_into_more_pieces_than_fit_stays_sound)
{
    static struct handoff_range raw[400];
    raw[0] = range(0, 400 * 4 * PAGE, USABLE);
    for (uint64_t i = 1; i < EXO_COUNT(raw); i++)
        raw[i] = range(i * 4 * PAGE, PAGE, RESERVED);
    memmap_clean(&map, raw, EXO_COUNT(raw));
    expect_sound();
    for (uint64_t i = 1; i < EXO_COUNT(raw); i++)
        ck_assert(!memmap_overlaps(&map, raw[i].base, raw[i].base + PAGE));
    ck_assert(memmap_overlaps(&map, 0, PAGE) || map.dropped_bytes);
}
END_TEST

// A small address space, a map of random entries, and the same question asked of each
// frame the slow way.
#define MODEL_PAGES 64

static bool model_is_usable(const struct handoff_range *raw, uint32_t count, uint64_t page)
{
    bool bytes[16] = {false}; // is each 256th part of the page called usable?
    for (uint32_t i = 0; i < count; i++) {
        uint64_t end = raw[i].base + raw[i].bytes;
        if (raw[i].type != USABLE && raw[i].bytes && raw[i].base < (page + 1) * PAGE &&
            end > page * PAGE)
            return false;
        for (uint64_t part = 0; part < 16; part++) {
            uint64_t at = page * PAGE + part * 256;
            if (raw[i].type == USABLE && raw[i].base <= at && end >= at + 256)
                bytes[part] = true;
        }
    }
    for (uint32_t part = 0; part < 16; part++) {
        if (!bytes[part])
            return false;
    }
    return true;
}

// Blocks of `bytes` as the slow way counts them: page by page.
static void count_blocks(uint64_t bytes, uint64_t *any, uint64_t *partial)
{
    *any = *partial = 0;
    for (uint64_t start = 0; start < 4 * MODEL_PAGES * PAGE; start += bytes) {
        uint64_t usable = 0;
        for (uint64_t at = start; at < start + bytes; at += PAGE)
            usable += memmap_overlaps(&map, at, at + PAGE);
        *any += usable != 0;
        *partial += usable != 0 && usable * PAGE != bytes;
    }
}

static void expect_blocks(uint64_t bytes)
{
    uint64_t any, partial;
    count_blocks(bytes, &any, &partial);
    ck_assert_uint_eq(memmap_blocks(&map, bytes), any);
    ck_assert_uint_eq(memmap_partial_blocks(&map, bytes), partial);
}

START_TEST(memmap_agrees_with_a_naive_model)
{
    srand(20231);
    for (int round = 0; round < 2000; round++) {
        struct handoff_range raw[12];
        uint32_t count = (uint32_t)rand() % 13;
        for (uint32_t i = 0; i < count; i++)
            raw[i] = range((uint64_t)(rand() % (MODEL_PAGES * 12)) * 256,
                           (uint64_t)(rand() % 300) * 256, rand() % 3 ? USABLE : RESERVED);
        memmap_clean(&map, raw, count);
        expect_sound();
        for (uint64_t page = 0; page < MODEL_PAGES; page++)
            ck_assert_int_eq(memmap_overlaps(&map, page * PAGE, (page + 1) * PAGE),
                             model_is_usable(raw, count, page));
        expect_blocks(2 * PAGE);
        expect_blocks(16 * PAGE);
    }
}
END_TEST

CHECK_MAIN("core.memmap", memmap_sorts_and_merges, memmap_lets_the_strictest_type_win,
           memmap_shrinks_to_whole_frames, memmap_survives_wrapping_and_empty_entries,
           memmap_with_too_many_pieces_keeps_the_largest_and_counts_the_rest,
           memmap_cut_into_more_pieces_than_fit_stays_sound, memmap_agrees_with_a_naive_model)
