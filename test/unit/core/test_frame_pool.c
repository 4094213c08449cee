// SPDX-License-Identifier: MIT
// test_frame_pool.c - bits and records against two arrays of bytes.
#include "core/frame_pool.h"

#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "core/frame.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"

#define PAGE        UINT64_C(4096)
#define MODEL_PAGES 1000u

static struct frame_pool pool;
static uint8_t *memory; // physical address 0 … MODEL_PAGES * PAGE

static void setup(void)
{
    free(memory);
    memory = aligned_alloc(PAGE, MODEL_PAGES * PAGE);
    memset(memory, 0xa5, MODEL_PAGES * PAGE); // a bitmap that nobody initialised
    frame_pool_init(&pool, (uint64_t)memory);
}

static void teardown(void)
{
    free(memory);
    memory = NULL;
}

enum { ONE = CORE_TAG_FIRST, ANOTHER, OWNERS = 3 }; // tags

static uint64_t claim(uint64_t count, uint64_t align)
{
    struct pa at = {0};
    ck_assert_int_eq(frame_pool_claim(&pool, ONE, count, align, &at), 0);
    return at.v / PAGE;
}

static uint64_t free_frames(void)
{
    uint64_t frames = 0;
    for (uint32_t i = 0; i < pool.count; i++) {
        const struct frame_range *range = &pool.ranges[i];
        for (uint64_t at = 0; at < range->watermark; at++)
            frames += range->free[at / 64] >> (at % 64) & 1;
        frames += range->count - range->watermark;
    }
    return frames;
}

START_TEST(frame_pool_hands_out_every_frame_once)
{
    setup();
    ck_assert(frame_pool_add(&pool, 3 * PAGE, 203 * PAGE));
    ck_assert_uint_eq(frame_pool_total(&pool), 199); // the bitmap takes one
    static bool seen[MODEL_PAGES];
    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < 199; i++) {
        uint64_t frame = claim(1, 1);
        ck_assert(frame > 3 && frame < 203 && !seen[frame]);
        seen[frame] = true;
    }
    struct pa at;
    ck_assert_int_eq(frame_pool_claim(&pool, ONE, 1, 1, &at), -EXO_ENOMEM);
    ck_assert_uint_eq(free_frames(), 0);
    frame_pool_release(&pool, ONE, (struct pa){100 * PAGE}, 2);
    ck_assert_uint_eq(claim(2, 1), 100);
    teardown();
}
END_TEST

START_TEST(frame_pool_refuses_what_makes_no_sense)
{
    setup();
    ck_assert(frame_pool_add(&pool, 0, 100 * PAGE));
    struct pa at;
    ck_assert_int_eq(frame_pool_claim(&pool, ONE, 0, 1, &at), -EXO_EINVAL);
    ck_assert_int_eq(frame_pool_claim(&pool, ONE, 1, 3, &at), -EXO_EINVAL);
    ck_assert_int_eq(frame_pool_claim(&pool, ONE, 1, 0, &at), -EXO_EINVAL);
    ck_assert_int_eq(frame_pool_claim(&pool, ONE, UINT64_MAX, 1, &at), -EXO_ENOMEM);
    ck_assert_int_eq(frame_pool_claim(&pool, ONE, 1, UINT64_C(1) << 63, &at), -EXO_ENOMEM);
    ck_assert_int_eq(frame_pool_claim_at(&pool, ONE, (struct pa){12}, 1), -EXO_EINVAL);
    ck_assert_int_eq(frame_pool_claim_at(&pool, ONE, (struct pa){0}, 1), -EXO_EINVAL); // the bitmap
    ck_assert_int_eq(frame_pool_claim_at(&pool, ONE, (struct pa){99 * PAGE}, 2), -EXO_EINVAL);
    ck_assert_int_eq(frame_pool_claim_at(&pool, ONE, (struct pa){99 * PAGE}, UINT64_MAX),
                     -EXO_EINVAL);
    ck_assert_int_eq(frame_pool_claim_at(&pool, ONE, (struct pa){98 * PAGE}, 2), 0);
    ck_assert_int_eq(frame_pool_claim_at(&pool, ONE, (struct pa){97 * PAGE}, 2), -EXO_EBUSY);
    teardown();
}
END_TEST

START_TEST(frame_pool_aligns_to_physical_addresses)
{
    setup();
    ck_assert(frame_pool_add(&pool, 5 * PAGE, 900 * PAGE));
    claim(1, 1);
    ck_assert_uint_eq(claim(64, 512), 512);
    ck_assert_uint_eq(claim(8, 8) % 8, 0);
    ck_assert_uint_eq(claim(1, 1), 7); // the gap that the alignment left
    teardown();
}
END_TEST

START_TEST(frame_pool_prefers_earlier_ranges_and_skips_tiny_ones)
{
    setup();
    ck_assert(frame_pool_add(&pool, 500 * PAGE, 600 * PAGE));
    ck_assert(frame_pool_add(&pool, 100 * PAGE, 101 * PAGE)); // no room beside its bitmap
    ck_assert(frame_pool_add(&pool, 0, 50 * PAGE));
    ck_assert_uint_eq(pool.count, 2);
    ck_assert_uint_eq(claim(1, 1), 501);
    ck_assert_uint_eq(claim(98, 1), 502);
    ck_assert_uint_eq(claim(1, 1), 1);
    teardown();
}
END_TEST

START_TEST(frame_pool_start_does_not_touch_memory)
{
    setup();
    ck_assert(frame_pool_add(&pool, 0, MODEL_PAGES * PAGE));
    ck_assert(frame_pool_add(&pool, UINT64_C(1) << 40, UINT64_C(1) << 44)); // not even there
    ck_assert(memory[0] == 0xa5 && memcmp(memory, memory + 1, MODEL_PAGES * PAGE - 1) == 0);
    ck_assert_uint_gt(frame_pool_total(&pool), UINT64_C(1) << 31);
    teardown();
}
END_TEST

// Memory that has not been shown may not be touched: the sanitizer sees to it.
static bool shown[MODEL_PAGES];
static uint32_t shows_left, tables_claimed;

static bool show(void *ctx, uint64_t start, uint64_t end)
{
    (void)ctx;
    for (uint64_t page = start / PAGE; page * PAGE < end; page++) {
        if (shown[page])
            continue;
        if (shows_left == 0)
            return false;
        shows_left--;
        struct pa table;
        if (frame_pool_claim_known(&pool, CORE_TAG_CORE, &table) == 0)
            tables_claimed++; // as the direct map does, in the middle of everything
        shown[page] = true;
        __asan_unpoison_memory_region(memory + page * PAGE, PAGE);
    }
    return true;
}

static void setup_hidden(void)
{
    setup();
    memset(shown, 0, sizeof(shown));
    shows_left = UINT32_MAX;
    tables_claimed = 0;
    pool.show = show;
    __asan_poison_memory_region(memory, MODEL_PAGES * PAGE);
}

static void teardown_hidden(void)
{
    __asan_unpoison_memory_region(memory, MODEL_PAGES * PAGE);
    teardown();
}

START_TEST(frame_pool_touches_only_what_was_shown)
{
    setup_hidden();
    ck_assert(frame_pool_add(&pool, 0, MODEL_PAGES * PAGE));
    uint64_t first = claim(1, 1);
    ck_assert(shown[first] && !shown[first + 64]);
    ck_assert_int_eq(frame_pool_claim_at(&pool, ONE, (struct pa){900 * PAGE}, 1), 0);
    memory[900 * PAGE] = 1;
    ck_assert_uint_gt(tables_claimed, 300);
    ck_assert_uint_eq(free_frames(), frame_pool_total(&pool) - tables_claimed - 2);
    teardown_hidden();
}
END_TEST

START_TEST(frame_pool_without_tables_has_no_memory)
{
    setup_hidden();
    ck_assert(frame_pool_add(&pool, 0, MODEL_PAGES * PAGE));
    shows_left = 70;
    struct pa at;
    ck_assert_int_eq(frame_pool_claim(&pool, ONE, 200, 1, &at), -EXO_ENOMEM);
    ck_assert_int_eq(frame_pool_claim_at(&pool, ONE, (struct pa){500 * PAGE}, 1), -EXO_ENOMEM);
    shows_left = UINT32_MAX;
    ck_assert_int_eq(frame_pool_claim(&pool, ONE, 200, 1, &at), 0);
    teardown_hidden();
}
END_TEST

START_TEST(frame_pool_records_owners_and_mappings)
{
    setup();
    ck_assert(frame_pool_add(&pool, 0, 500 * PAGE));
    struct pa at = {claim(3, 1) * PAGE};
    ck_assert(frame_pool_is_idle(&pool, ONE, at, 3));
    ck_assert(!frame_pool_is_idle(&pool, ONE, at, 4));
    ck_assert(!frame_pool_is_idle(&pool, ANOTHER, at, 3));
    ck_assert(!frame_pool_is_idle(&pool, ONE, (struct pa){at.v + 1}, 1));
    uint32_t *record = frame_pool_record(&pool, at);
    ck_assert(record && *record == ONE && frame_record_may_map(*record));
    *record += FRAME_MAPPED_ONE;
    ck_assert(!frame_pool_is_idle(&pool, ONE, at, 3));
    ck_assert(!frame_hand_release(&pool.hand, ONE, at));
    *record += (FRAME_MAPPED_MAX - 1) * FRAME_MAPPED_ONE;
    ck_assert(!frame_record_may_map(*record) && (*record & FRAME_OWNER_MASK) == ONE);
    ck_assert(!frame_record_may_map(CORE_TAG_CORE) && !frame_record_may_map(CORE_TAG_FREE));
    ck_assert(!frame_pool_record(&pool, (struct pa){at.v + 8}));
    ck_assert(!frame_pool_record(&pool, (struct pa){400 * PAGE})); // never claimed
    ck_assert(!frame_pool_record(&pool, (struct pa){0}));          // the bitmap
    teardown();
}
END_TEST

// The model: a byte a frame, searched from the start: what it is, or CLAIMED and its owner.
enum { NO_MEMORY, FREE, CLAIMED };
static uint8_t model[MODEL_PAGES];

static void model_add(uint64_t first, uint64_t end)
{
    ck_assert(frame_pool_add(&pool, first * PAGE, end * PAGE));
    memset(&model[first + 1], FREE, end - first - 1); // the first describes them
}

static bool model_run_is(uint64_t at, uint64_t count, uint8_t value)
{
    for (uint64_t i = 0; i < count; i++) {
        if (at + i >= MODEL_PAGES || model[at + i] != value)
            return false;
    }
    return true;
}

static uint64_t model_find(uint64_t count, uint64_t align)
{
    for (uint64_t at = 0; at < MODEL_PAGES; at += align) {
        if (model_run_is(at, count, FREE))
            return at;
    }
    return MODEL_PAGES;
}

// The lowest run is to be had; of single frames, any.
static void claim_like_the_model(uint8_t owner, uint64_t count, uint64_t align)
{
    struct pa at;
    uint64_t expected = model_find(count, align);
    int err = frame_pool_claim(&pool, CORE_TAG_FIRST + owner, count, align, &at);
    ck_assert_int_eq(err, expected == MODEL_PAGES ? -EXO_ENOMEM : 0);
    if (err < 0)
        return;
    if (count > 1 || align > 1)
        ck_assert_uint_eq(at.v, expected * PAGE);
    ck_assert(model_run_is(at.v / PAGE, count, FREE));
    memset(&model[at.v / PAGE], CLAIMED + owner, count);
}

static void claim_at_like_the_model(uint8_t owner, uint64_t at, uint64_t count)
{
    int err = frame_pool_claim_at(&pool, CORE_TAG_FIRST + owner, (struct pa){at * PAGE}, count);
    if (model_run_is(at, count, FREE)) {
        ck_assert_int_eq(err, 0);
        memset(&model[at], CLAIMED + owner, count);
    } else {
        ck_assert_int_lt(err, 0);
    }
}

static void release_like_the_model(uint8_t owner, uint64_t at, uint64_t count)
{
    struct pa pa = {at * PAGE};
    bool is_owners = model_run_is(at, count, CLAIMED + owner);
    ck_assert(frame_pool_is_idle(&pool, CORE_TAG_FIRST + owner, pa, count) == is_owners);
    if (!is_owners)
        return;
    if (count > 1 || !frame_hand_release(&pool.hand, CORE_TAG_FIRST + owner, pa))
        frame_pool_release(&pool, CORE_TAG_FIRST + owner, pa, count);
    memset(&model[at], FREE, count);
}

static void step_like_the_model(void)
{
    uint64_t at = (uint64_t)rand() % MODEL_PAGES;
    uint64_t count = 1 + (uint64_t)rand() % (rand() % 8 ? 4 : 150);
    uint8_t owner = (uint8_t)(rand() % OWNERS);
    if (rand() % 4 == 0)
        claim_like_the_model(owner, 1, 1);
    else if (rand() % 2)
        claim_like_the_model(owner, count, UINT64_C(1) << (rand() % 6));
    else if (rand() % 4 == 0)
        claim_at_like_the_model(owner, at, count);
    else if (model[at] >= CLAIMED)
        release_like_the_model((uint8_t)(model[at] - CLAIMED), at, rand() % 4 ? 1 : count);
    else
        release_like_the_model(owner, at, count);
}

// Every frame is found under its owner's tag, and nothing else is.
static void owners_are_as_in_the_model(void)
{
    uint8_t seen[MODEL_PAGES] = {0};
    for (uint8_t owner = 0; owner < OWNERS; owner++) {
        struct frame_cursor cursor = {0};
        while (!cursor.at_end) {
            struct pa found[FRAME_WORD];
            uint64_t most = 1 + (uint64_t)rand() % FRAME_WORD;
            uint64_t n = frame_pool_find(&pool, &cursor, CORE_TAG_FIRST + owner, most, found);
            ck_assert_uint_le(n, most);
            for (uint64_t i = 0; i < n; i++)
                seen[found[i].v / PAGE] = (uint8_t)(CLAIMED + owner);
        }
    }
    uint64_t free_in_model = 0;
    for (uint32_t i = 0; i < MODEL_PAGES; i++) {
        ck_assert_uint_eq(seen[i], model[i] >= CLAIMED ? model[i] : 0);
        free_in_model += model[i] == FREE;
    }
    ck_assert_uint_eq(free_frames(), free_in_model);
}

START_TEST(frame_pool_agrees_with_a_naive_model)
{
    for (unsigned seed = 1; seed <= 20; seed++) {
        srand(seed);
        setup();
        memset(model, NO_MEMORY, sizeof(model));
        model_add(2, 130);
        model_add(200, 200 + 65 + (uint64_t)rand() % 400);
        model_add(900, 1000);
        for (int step = 0; step < 4000; step++) {
            step_like_the_model();
            if (step % 400 == 0)
                owners_are_as_in_the_model();
        }
        owners_are_as_in_the_model();
        teardown();
    }
}
END_TEST

CHECK_MAIN("core.frame_pool", frame_pool_hands_out_every_frame_once,
           frame_pool_refuses_what_makes_no_sense, frame_pool_aligns_to_physical_addresses,
           frame_pool_prefers_earlier_ranges_and_skips_tiny_ones,
           frame_pool_start_does_not_touch_memory, frame_pool_touches_only_what_was_shown,
           frame_pool_without_tables_has_no_memory, frame_pool_records_owners_and_mappings,
           frame_pool_agrees_with_a_naive_model)
