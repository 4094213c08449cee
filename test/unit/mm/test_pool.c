// SPDX-License-Identifier: MIT
#include "exo/assert.h"
#include "mm/pool.h"
#include "test/support/alloc_model.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

#include <string.h>

enum { OBJECTS = 50, BYTES = 40 };

static _Alignas(16) uint8_t mem[OBJECTS * 48];

static struct pool fresh_pool(void)
{
    struct pool p;
    pool_init(&p, mem, sizeof mem, BYTES);
    ck_assert_uint_eq(p.count, OBJECTS);
    return p;
}

START_TEST(every_object_is_had_once)
{
    struct pool p = fresh_pool();
    uint8_t *objects[OBJECTS];
    for (size_t i = 0; i < OBJECTS; i++) {
        objects[i] = pool_alloc(&p);
        ck_assert(objects[i] >= mem && objects[i] + BYTES <= mem + sizeof mem);
        memset(objects[i], (int)i, BYTES);
    }
    ck_assert_ptr_null(pool_alloc(&p));
    for (size_t i = 0; i < OBJECTS; i++) {
        for (size_t k = 0; k < BYTES; k++)
            ck_assert_uint_eq(objects[i][k], i);
        pool_free(&p, objects[i]);
    }
    pool_check(&p);
    ck_assert_uint_eq(p.used, 0);
    ck_assert_uint_eq(p.peak, OBJECTS);
    ck_assert_ptr_eq(pool_alloc(&p), objects[OBJECTS - 1]); // the warmest one
    pool_free(&p, NULL);
}
END_TEST

START_TEST(a_million_turns_lose_nothing)
{
    struct pool p = fresh_pool();
    void *held[OBJECTS] = {0};
    uint32_t seed = 5;
    for (uint32_t turn = 0; turn < 1000000; turn++) {
        void **slot = &held[alloc_model_random(&seed) % OBJECTS];
        if (*slot) {
            exo_assert(*(void ***)*slot == slot);
            pool_free(&p, *slot);
            *slot = NULL;
        } else {
            *slot = pool_alloc(&p);
            exo_assert(*slot);
            *(void ***)*slot = slot;
        }
        if (turn % 4096 == 0)
            pool_check(&p);
    }
}
END_TEST

START_TEST(memory_of_any_shape_is_cut_safely)
{
    struct pool p;
    for (size_t shift = 0; shift < 40; shift++) {
        for (size_t bytes = 0; bytes < 100; bytes++) {
            pool_init(&p, mem + shift, bytes, 1);
            uint8_t *object;
            while ((object = pool_alloc(&p)))
                ck_assert(object >= mem + shift && object + 16 <= mem + shift + bytes);
        }
    }
    pool_init(&p, NULL, 0, 8);
    ck_assert_ptr_null(pool_alloc(&p));
}
END_TEST

START_TEST(memory_of_an_older_pool_is_new_to_the_next)
{
    struct pool old = fresh_pool();
    pool_free(&old, pool_alloc(&old));
    struct pool p = fresh_pool();
    pool_free(&p, pool_alloc(&p));
    pool_check(&p);
}
END_TEST

// ---- misuse ----

static void free_twice(void *pool)
{
    void *object = pool_alloc(pool);
    pool_free(pool, object);
    pool_free(pool, object);
}

static void free_inside(void *pool)
{
    pool_free(pool, (uint8_t *)pool_alloc(pool) + 16);
}

static void free_stranger(void *pool)
{
    pool_free(pool, pool);
}

static void free_unborn(void *pool)
{
    pool_free(pool, (uint8_t *)pool_alloc(pool) + 48);
}

static void write_after_free(void *pool)
{
    void **object = pool_alloc(pool);
    pool_free(pool, object);
    *object = object;
    pool_alloc(pool);
}

START_TEST(misuse_is_caught)
{
    struct pool p = fresh_pool();
    ck_assert(fixture_dies(free_twice, &p));
    ck_assert(fixture_dies(free_inside, &p));
    ck_assert(fixture_dies(free_stranger, &p));
    ck_assert(fixture_dies(free_unborn, &p));
    ck_assert(fixture_dies(write_after_free, &p));
}
END_TEST

CHECK_MAIN("mm.pool", every_object_is_had_once, a_million_turns_lose_nothing,
           memory_of_any_shape_is_cut_safely, memory_of_an_older_pool_is_new_to_the_next,
           misuse_is_caught)
