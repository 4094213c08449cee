// SPDX-License-Identifier: MIT
#include "mm/arena.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

#include <string.h>

START_TEST(pieces_are_aligned_apart_and_inside)
{
    uint8_t mem[4096];
    for (size_t shift = 0; shift < 16; shift++) {
        struct arena a;
        uint8_t *end = mem + shift;
        arena_init(&a, mem + shift, sizeof mem - shift);
        for (size_t align = 1; align <= 256; align *= 2) {
            uint8_t *piece = arena_alloc(&a, align, 33);
            ck_assert_ptr_nonnull(piece);
            ck_assert(exo_is_aligned((uintptr_t)piece, align));
            ck_assert(piece >= end && piece + 33 <= mem + sizeof mem);
            memset(piece, 0xee, 33);
            end = piece + 33;
        }
    }
}
END_TEST

START_TEST(what_does_not_fit_changes_nothing)
{
    _Alignas(64) uint8_t mem[128];
    struct arena a;
    arena_init(&a, mem, sizeof mem);
    ck_assert_ptr_nonnull(arena_alloc(&a, 1, 65));
    ck_assert_ptr_null(arena_alloc(&a, 64, 1)); // the gap alone is too large
    ck_assert_ptr_null(arena_alloc(&a, 1, 64));
    ck_assert_ptr_null(arena_alloc(&a, 1, SIZE_MAX));
    ck_assert_uint_eq(a.used, 65);
    ck_assert_ptr_nonnull(arena_alloc(&a, 1, 63));
    ck_assert_ptr_nonnull(arena_alloc(&a, 1, 0));
    ck_assert_ptr_null(arena_alloc(&a, 1, 1));
    arena_init(&a, NULL, 0);
    ck_assert_ptr_null(arena_alloc(&a, 1, 1));
}
END_TEST

START_TEST(a_mark_takes_back_what_came_later)
{
    uint8_t mem[256];
    struct arena a;
    arena_init(&a, mem, sizeof mem);
    arena_alloc(&a, 8, 50);
    size_t mark = arena_mark(&a);
    void *later = arena_alloc(&a, 8, 50);
    arena_alloc(&a, 8, 50);
    arena_reset(&a, mark);
    ck_assert_ptr_eq(arena_alloc(&a, 8, 10), later);
    ck_assert_uint_ge(a.peak, 150);
}
END_TEST

static void reset_forward(void *arena)
{
    arena_reset(arena, 1);
}

START_TEST(a_mark_that_lies_ahead_is_caught)
{
    uint8_t mem[16];
    struct arena a;
    arena_init(&a, mem, sizeof mem);
    ck_assert(fixture_dies(reset_forward, &a));
}
END_TEST

CHECK_MAIN("mm.arena", pieces_are_aligned_apart_and_inside, what_does_not_fit_changes_nothing,
           a_mark_takes_back_what_came_later, a_mark_that_lies_ahead_is_caught)
