// SPDX-License-Identifier: MIT
// test_memory.c - bootloader/memory.inc against a bitmap that is too simple to be wrong.
#include "parts.h"
#include "test/support/check_main.h"

#include <stdbool.h>
#include <string.h>

#define MIB         (UINT64_C(1) << 20)
#define GIB         (UINT64_C(1) << 30)
#define UNIT        1024 // the model's grain, below a page, so that ends fall inside pages
#define UNITS       512
#define RANGES_MAX  12
#define MODEL_BASE  (MIB - 32 * UNIT) // starts below where kernels may lie
#define MODEL_FIRST 32                // the unit at 1 MiB

static struct handoff_range ranges[RANGES_MAX];

static void set_map(uint32_t count)
{
    parts_handoff.map = (uintptr_t)ranges;
    parts_handoff.map_count = count;
}

static void random_map(uint64_t *seed)
{
    uint32_t count = (uint32_t)(1 + parts_random(seed) % RANGES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t first = parts_random(seed) % UNITS;
        uint64_t units = 1 + parts_random(seed) % (UNITS / 2);
        if (parts_random(seed) % 4 == 0 && i > 0) // touching is what real maps do
            first = (ranges[i - 1].base + ranges[i - 1].bytes - MODEL_BASE) / UNIT;
        ranges[i] = (struct handoff_range){
            .base = MODEL_BASE + first * UNIT,
            .bytes = units * UNIT,
            .type = parts_random(seed) % 3 ? HANDOFF_RANGE_USABLE : HANDOFF_RANGE_RESERVED,
            .attributes = 1,
        };
    }
    set_map(count);
}

// Marks what is usable, and nothing else too.
static void paint(bool usable[3 * UNITS])
{
    for (uint64_t unit = 0; unit < 3 * UNITS; unit++) {
        uint64_t at = MODEL_BASE + unit * UNIT;
        bool yes = false;
        bool no = false;
        for (uint32_t i = 0; i < parts_handoff.map_count; i++)
            if (at - ranges[i].base < ranges[i].bytes)
                *(ranges[i].type == HANDOFF_RANGE_USABLE ? &yes : &no) = true;
        usable[unit] = yes && !no;
    }
}

// The first place from 1 MiB on, or 0 and the longest run from a page's start.
static uint64_t model_place(uint64_t bytes, uint64_t *longest)
{
    static bool usable[3 * UNITS];
    paint(usable);
    *longest = 0;
    for (uint64_t unit = MODEL_FIRST; unit < 3 * UNITS; unit += PARTS_PAGE_BYTES / UNIT) {
        uint64_t run = 0;
        while (unit + run < 3 * UNITS && usable[unit + run])
            run++;
        if (run * UNIT >= bytes)
            return MODEL_BASE + unit * UNIT;
        if (run * UNIT > *longest)
            *longest = run * UNIT;
    }
    return 0;
}

START_TEST(memory_places_as_the_bitmap_does)
{
    uint64_t seed = 0x65786f636f7265;
    for (int round = 0; round < 20000; round++) {
        random_map(&seed);
        uint64_t bytes = (1 + parts_random(&seed) % 64) * PARTS_PAGE_BYTES;
        uint64_t longest = 0;
        uint64_t model_longest = 0;
        uint64_t at = parts_place(bytes, &longest);
        ck_assert_msg(at == model_place(bytes, &model_longest), "round %d", round);
        ck_assert_msg(at || longest == model_longest, "longest, round %d", round);
    }
}
END_TEST

START_TEST(memory_is_usable_as_the_bitmap_says)
{
    uint64_t seed = 0x6d656d6f7279;
    for (int round = 0; round < 20000; round++) {
        static bool usable[3 * UNITS];
        random_map(&seed);
        paint(usable);
        uint64_t first = parts_random(&seed) % 32 * (PARTS_PAGE_BYTES / UNIT);
        uint64_t units = 1 + parts_random(&seed) % 128;
        bool all = true;
        for (uint64_t unit = first; unit < first + units; unit++)
            all = all && usable[unit];
        uint64_t start = MODEL_BASE + first * UNIT;
        ck_assert_msg(parts_is_usable(start, start + units * UNIT) == all, "round %d", round);
    }
}
END_TEST

START_TEST(memory_stays_below_4_gib)
{
    uint64_t longest = 0;
    ranges[0] = (struct handoff_range){3 * GIB, 2 * GIB, HANDOFF_RANGE_USABLE, 1};
    ranges[1] = (struct handoff_range){6 * GIB, 2 * GIB, HANDOFF_RANGE_USABLE, 1};
    set_map(2);
    ck_assert_uint_eq(parts_place(GIB, &longest), 3 * GIB);
    ck_assert_uint_eq(parts_place(GIB + 1, &longest), 0);
    ck_assert_uint_eq(longest, GIB);
}
END_TEST

START_TEST(memory_survives_entries_that_wrap)
{
    uint64_t longest = 0;
    ranges[0] = (struct handoff_range){2 * MIB, UINT64_MAX, HANDOFF_RANGE_USABLE, 1};
    ranges[1] = (struct handoff_range){4 * MIB, UINT64_MAX, HANDOFF_RANGE_BAD, 1};
    ranges[2] = (struct handoff_range){UINT64_MAX, UINT64_MAX, HANDOFF_RANGE_USABLE, 1};
    set_map(3);
    ck_assert_uint_eq(parts_place(2 * MIB, &longest), 2 * MIB);
    ck_assert_uint_eq(parts_place(2 * MIB + 1, &longest), 0);
    ck_assert_uint_eq(longest, 2 * MIB);
}
END_TEST

START_TEST(memory_says_when_there_is_none)
{
    uint64_t longest = 1;
    ranges[0] = (struct handoff_range){0, MIB, HANDOFF_RANGE_USABLE, 1};
    ranges[1] = (struct handoff_range){MIB, MIB, HANDOFF_RANGE_ACPI, 1};
    set_map(2);
    ck_assert_uint_eq(parts_place(PARTS_PAGE_BYTES, &longest), 0);
    ck_assert_uint_eq(longest, 0);
}
END_TEST

CHECK_MAIN("bootloader.memory", memory_places_as_the_bitmap_does,
           memory_is_usable_as_the_bitmap_says, memory_stays_below_4_gib,
           memory_survives_entries_that_wrap, memory_says_when_there_is_none)
