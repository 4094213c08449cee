// SPDX-License-Identifier: MIT
//
// buddy against a model: one byte a unit that says who has it.
#include "exo/assert.h"
#include "exo/bits.h"
#include "mm/buddy.h"
#include "test/support/alloc_model.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

#include <string.h>

enum { UNITS = 5000, RUNS = 255, OPERATIONS = 300000 };

static struct world {
    struct buddy b;
    struct buddy_unit table[UNITS];
    uint8_t owner[UNITS]; // 0: free
    struct run {
        uint32_t first, order;
        bool used;
    } runs[RUNS + 1]; // by owner
} w;

static void begin(uint32_t units)
{
    memset(&w, 0, sizeof w);
    ck_assert_uint_le(buddy_bytes(units), sizeof w.table);
    buddy_init(&w.b, w.table, units);
    buddy_check(&w.b);
    ck_assert_uint_eq(w.b.free_count, units);
}

static void set_owner(const struct run *run, uint8_t from, uint8_t to)
{
    for (uint32_t i = run->first; i < run->first + (1u << run->order); i++) {
        exo_assert(i < w.b.count && w.owner[i] == from);
        w.owner[i] = to;
    }
}

static bool is_free(uint32_t first, uint32_t order)
{
    for (uint32_t i = first; i < first + (1u << order); i++)
        if (i >= w.b.count || w.owner[i])
            return false;
    return true;
}

static bool is_free_anywhere(uint32_t order)
{
    for (uint32_t first = 0; first < w.b.count; first += 1u << order)
        if (is_free(first, order))
            return true;
    return false;
}

static bool take(struct run *run, uint32_t *seed)
{
    run->order = alloc_model_random(seed) % 10;
    if (alloc_model_random(seed) % 4) {
        run->first = buddy_alloc(&w.b, run->order);
        exo_assert((run->first != BUDDY_NONE) == is_free_anywhere(run->order));
        return run->first != BUDDY_NONE;
    }
    run->first = alloc_model_random(seed) % w.b.count & -(1u << run->order);
    bool expected = is_free(run->first, run->order);
    exo_assert(buddy_alloc_at(&w.b, run->first, run->order) == expected);
    return expected;
}

static void run_model(uint32_t units, uint32_t seed)
{
    begin(units);
    for (uint32_t op = 0; op < OPERATIONS; op++) {
        uint8_t owner = (uint8_t)(1 + alloc_model_random(&seed) % RUNS);
        struct run *run = &w.runs[owner];
        if (run->used) {
            set_owner(run, owner, 0);
            buddy_free(&w.b, run->first);
            run->used = false;
        } else if (take(run, &seed)) {
            set_owner(run, 0, owner);
            run->used = true;
        }
        if (op % 1024 == 0)
            buddy_check(&w.b);
    }
    for (uint32_t owner = 1; owner <= RUNS; owner++)
        if (w.runs[owner].used)
            buddy_free(&w.b, w.runs[owner].first);
    buddy_check(&w.b);
    ck_assert_uint_eq(w.b.free_count, units);
}

START_TEST(it_agrees_with_a_model)
{
    run_model(UNITS, 1);
    run_model(4096, 2);
    run_model(1000, 3);
}
END_TEST

START_TEST(any_number_of_units_is_used_to_the_last)
{
    for (uint32_t units = 0; units < 200; units++) {
        begin(units);
        uint32_t had = 0;
        while (buddy_alloc(&w.b, 0) != BUDDY_NONE)
            had++;
        ck_assert_uint_eq(had, units);
        ck_assert_uint_eq(buddy_largest(&w.b), BUDDY_ORDERS);
        buddy_check(&w.b);
        for (uint32_t i = 0; i < units; i++)
            buddy_free(&w.b, i);
        buddy_check(&w.b);
        if (units)
            ck_assert_uint_eq(buddy_largest(&w.b), 31u - (uint32_t)__builtin_clz(units));
    }
}
END_TEST

START_TEST(orders_hold_what_they_say)
{
    ck_assert_uint_eq(buddy_order(0), 0);
    ck_assert_uint_eq(buddy_order(1), 0);
    ck_assert_uint_eq(buddy_order(2), 1);
    ck_assert_uint_eq(buddy_order(3), 2);
    ck_assert_uint_eq(buddy_order(1u << 20), 20);
    ck_assert_uint_eq(buddy_order((1u << 20) + 1), BUDDY_ORDERS);
    ck_assert_uint_eq(buddy_order(UINT64_MAX), BUDDY_ORDERS);
    begin(16);
    ck_assert_uint_eq(buddy_alloc(&w.b, BUDDY_ORDERS), BUDDY_NONE);
    ck_assert_uint_eq(buddy_alloc(&w.b, UINT32_MAX), BUDDY_NONE);
    ck_assert_uint_eq(buddy_alloc(&w.b, 5), BUDDY_NONE);
    ck_assert_uint_eq(buddy_alloc(&w.b, 4), 0);
}
END_TEST

static void free_twice(void *first)
{
    buddy_free(&w.b, *(uint32_t *)first);
    buddy_free(&w.b, *(uint32_t *)first);
}

static void free_inside(void *first)
{
    buddy_free(&w.b, *(uint32_t *)first + 1);
}

static void free_beyond(void *first)
{
    (void)first;
    buddy_free(&w.b, UNITS);
}

static void take_crooked(void *first)
{
    (void)first;
    buddy_alloc_at(&w.b, 6, 2);
}

START_TEST(misuse_is_caught)
{
    begin(64);
    uint32_t first = buddy_alloc(&w.b, 2);
    ck_assert(fixture_dies(free_twice, &first));
    ck_assert(fixture_dies(free_inside, &first));
    ck_assert(fixture_dies(free_beyond, &first));
    ck_assert(fixture_dies(take_crooked, &first));
}
END_TEST

CHECK_MAIN("mm.buddy", it_agrees_with_a_model, any_number_of_units_is_used_to_the_last,
           orders_hold_what_they_say, misuse_is_caught)
