// SPDX-License-Identifier: MIT
// test_frame_pool.c - the bitmap against one byte a frame.
#include "core/frame_pool.h"

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

static uint64_t claim(uint64_t count, uint64_t align)
{
    struct pa at = {0};
    ck_assert_int_eq(frame_pool_claim(&pool, count, align, &at), 0);
    return at.v / PAGE;
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
    ck_assert_int_eq(frame_pool_claim(&pool, 1, 1, &at), -EXO_ENOMEM);
    ck_assert_uint_eq(frame_pool_free(&pool), 0);
    frame_pool_release(&pool, (struct pa){100 * PAGE}, 2);
    ck_assert_uint_eq(claim(2, 1), 100);
    teardown();
}
END_TEST

START_TEST(frame_pool_refuses_what_makes_no_sense)
{
    setup();
    ck_assert(frame_pool_add(&pool, 0, 100 * PAGE));
    struct pa at;
    ck_assert_int_eq(frame_pool_claim(&pool, 0, 1, &at), -EXO_EINVAL);
    ck_assert_int_eq(frame_pool_claim(&pool, 1, 3, &at), -EXO_EINVAL);
    ck_assert_int_eq(frame_pool_claim(&pool, 1, 0, &at), -EXO_EINVAL);
    ck_assert_int_eq(frame_pool_claim(&pool, UINT64_MAX, 1, &at), -EXO_ENOMEM);
    ck_assert_int_eq(frame_pool_claim(&pool, 1, UINT64_C(1) << 63, &at), -EXO_ENOMEM);
    ck_assert_int_eq(frame_pool_claim_at(&pool, (struct pa){12}, 1), -EXO_EINVAL);
    ck_assert_int_eq(frame_pool_claim_at(&pool, (struct pa){0}, 1), -EXO_EINVAL); // the bitmap
    ck_assert_int_eq(frame_pool_claim_at(&pool, (struct pa){99 * PAGE}, 2), -EXO_EINVAL);
    ck_assert_int_eq(frame_pool_claim_at(&pool, (struct pa){99 * PAGE}, UINT64_MAX), -EXO_EINVAL);
    ck_assert_int_eq(frame_pool_claim_at(&pool, (struct pa){98 * PAGE}, 2), 0);
    ck_assert_int_eq(frame_pool_claim_at(&pool, (struct pa){97 * PAGE}, 2), -EXO_EBUSY);
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
    ck_assert_uint_gt(frame_pool_free(&pool), UINT64_C(1) << 31);
    teardown();
}
END_TEST

// The model: one byte a frame, searched from the start.
static uint8_t model[MODEL_PAGES]; // 0 no memory, 1 free, 2 claimed

static void model_add(uint64_t first, uint64_t end)
{
    ck_assert(frame_pool_add(&pool, first * PAGE, end * PAGE));
    memset(&model[first + 1], 1, end - first - 1); // the first holds the bitmap
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
        if (model_run_is(at, count, 1))
            return at;
    }
    return MODEL_PAGES;
}

static void claim_like_the_model(uint64_t count, uint64_t align)
{
    struct pa at;
    uint64_t expected = model_find(count, align);
    int err = frame_pool_claim(&pool, count, align, &at);
    ck_assert_int_eq(err, expected == MODEL_PAGES ? -EXO_ENOMEM : 0);
    if (err == 0) {
        ck_assert_uint_eq(at.v, expected * PAGE);
        memset(&model[expected], 2, count);
    }
}

static void claim_at_like_the_model(uint64_t at, uint64_t count)
{
    int err = frame_pool_claim_at(&pool, (struct pa){at * PAGE}, count);
    if (model_run_is(at, count, 1)) {
        ck_assert_int_eq(err, 0);
        memset(&model[at], 2, count);
    } else {
        ck_assert_int_lt(err, 0);
    }
}

static void release_like_the_model(uint64_t at, uint64_t count)
{
    if (!model_run_is(at, count, 2))
        return;
    frame_pool_release(&pool, (struct pa){at * PAGE}, count);
    memset(&model[at], 1, count);
}

START_TEST(frame_pool_agrees_with_a_naive_model)
{
    for (unsigned seed = 1; seed <= 20; seed++) {
        srand(seed);
        setup();
        memset(model, 0, sizeof(model));
        model_add(2, 130);
        model_add(200, 200 + 65 + (uint64_t)rand() % 400);
        model_add(900, 1000);
        for (int step = 0; step < 4000; step++) {
            uint64_t at = (uint64_t)rand() % MODEL_PAGES;
            uint64_t count = 1 + (uint64_t)rand() % (rand() % 8 ? 4 : 150);
            if (rand() % 4 == 0)
                claim_like_the_model(1, 1);
            else if (rand() % 2)
                claim_like_the_model(count, UINT64_C(1) << (rand() % 6));
            else if (rand() % 4)
                release_like_the_model(at, count);
            else
                claim_at_like_the_model(at, count);
        }
        uint64_t free_frames = 0;
        for (uint32_t i = 0; i < MODEL_PAGES; i++)
            free_frames += model[i] == 1;
        ck_assert_uint_eq(frame_pool_free(&pool), free_frames);
        teardown();
    }
}
END_TEST

CHECK_MAIN("core.frame_pool", frame_pool_hands_out_every_frame_once,
           frame_pool_refuses_what_makes_no_sense, frame_pool_aligns_to_physical_addresses,
           frame_pool_prefers_earlier_ranges_and_skips_tiny_ones,
           frame_pool_start_does_not_touch_memory, frame_pool_agrees_with_a_naive_model)
