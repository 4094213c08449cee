// SPDX-License-Identifier: MIT
// test_heap.c - the heap against a model, at its edges, and under misuse.
//
// Loops of millions use exo_assert: ck_assert tells its parent about each success.
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "mm/heap.h"
#include "test/support/alloc_model.h"
#include "test/support/check_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena {
    void *tables;
    uint8_t *mem;
    size_t bytes;
    struct heap *heap;
};

static struct arena arena_new(size_t bytes)
{
    struct arena a = {.bytes = bytes, .mem = malloc(bytes)};
    ck_assert_int_eq(posix_memalign(&a.tables, 16, heap_bytes()), 0);
    a.heap = heap_init(a.tables);
    ck_assert_int_eq(heap_add(a.heap, a.mem, bytes), 0);
    return a;
}

static void arena_drop(struct arena *a)
{
    free(a->mem);
    free(a->tables);
}

// ---- the model: what should be in memory ----

enum { SLOTS = 1500, OPERATIONS = 1000000 };

static void *model_alloc(void *ctx, size_t align, size_t bytes)
{
    return heap_alloc_aligned(ctx, align, bytes);
}

static void *model_resize(void *ctx, void *ptr, size_t bytes)
{
    return heap_realloc(ctx, ptr, bytes);
}

static void model_free(void *ctx, void *ptr)
{
    heap_free(ctx, ptr);
}

static void run_model(size_t bytes, uint32_t seed)
{
    static struct alloc_slot slots[SLOTS];
    memset(slots, 0, sizeof slots);
    struct arena a = arena_new(bytes);
    struct alloc_model model = {.calls = {model_alloc, model_resize, model_free, a.heap},
                                .slots = slots,
                                .count = SLOTS,
                                .seed = seed};
    for (uint32_t op = 0; op < OPERATIONS; op++) {
        alloc_model_step(&model);
        if (op % 4096 == 0)
            heap_check(a.heap);
    }

    struct heap_stats full = heap_stats(a.heap);
    printf("mm.heap: seed %u: %zu of %zu KiB used in %zu blocks, peak %zu, %u refused; "
           "fragmentation %u %%\n",
           seed, full.used / 1024, full.total / 1024, full.blocks, full.peak / 1024, model.refused,
           heap_fragmentation_percent(&full));
    alloc_model_end(&model);
    heap_check(a.heap);
    ck_assert_uint_eq(heap_stats(a.heap).used, 0);
    ck_assert_uint_eq(heap_stats(a.heap).blocks, 0);
    void *all = heap_alloc(a.heap, full.total - 8); // everything has merged again
    ck_assert_ptr_nonnull(all);
    arena_drop(&a);
}

START_TEST(heap_agrees_with_a_model_with_room)
{
    run_model(16u << 20, 1);
}
END_TEST

START_TEST(heap_agrees_with_a_model_when_tight)
{
    run_model(1u << 20, 2);
}
END_TEST

// ---- edges ----

START_TEST(heap_takes_what_is_exhausted_and_recovers)
{
    struct arena a = arena_new(64 << 10);
    for (int round = 0; round < 3; round++) {
        void *ptrs[4096];
        size_t n = 0;
        while ((ptrs[n] = heap_alloc(a.heap, 24)))
            n++;
        ck_assert_uint_gt(n, 2000); // 32 bytes each, all of them used
        ck_assert_ptr_null(heap_alloc(a.heap, 1));
        ck_assert_ptr_null(heap_alloc_aligned(a.heap, 64, 1));
        heap_check(a.heap);
        for (size_t i = 0; i < n; i += 2)
            heap_free(a.heap, ptrs[i]);
        ck_assert_ptr_null(heap_alloc(a.heap, 64)); // free, but nowhere together
        for (size_t i = 1; i < n; i += 2)
            heap_free(a.heap, ptrs[i]);
        heap_check(a.heap);
        void *all = heap_alloc(a.heap, heap_stats(a.heap).total - 8);
        ck_assert_ptr_nonnull(all);
        ck_assert_ptr_null(heap_alloc(a.heap, 0));
        heap_free(a.heap, all);
    }
    arena_drop(&a);
}
END_TEST

START_TEST(heap_gives_every_alignment)
{
    struct arena a = arena_new(8 << 20);
    static const size_t sizes[] = {0, 1, 8, 24, 25, 100, 4096, 5000};
    for (size_t align = 1; align <= 1 << 20; align *= 2) {
        void *ptrs[EXO_COUNT(sizes)];
        for (size_t i = 0; i < EXO_COUNT(sizes); i++) {
            ptrs[i] = heap_alloc_aligned(a.heap, align, sizes[i]);
            ck_assert_ptr_nonnull(ptrs[i]);
            ck_assert(exo_is_aligned((uintptr_t)ptrs[i], EXO_MAX(align, (size_t)16)));
            memset(ptrs[i], 0xee, heap_size(ptrs[i]));
            heap_check(a.heap);
        }
        for (size_t i = 0; i < EXO_COUNT(sizes); i++)
            heap_free(a.heap, ptrs[i]);
        heap_check(a.heap);
    }
    ck_assert_uint_eq(heap_stats(a.heap).used, 0);
    arena_drop(&a);
}
END_TEST

START_TEST(heap_refuses_sizes_that_overflow)
{
    struct arena a = arena_new(64 << 10);
    void *ptr = heap_alloc(a.heap, 100);
    memset(ptr, 7, 100);
    static const size_t huge[] = {
        SIZE_MAX,   SIZE_MAX - 7,     SIZE_MAX - 8,      SIZE_MAX - 23,     SIZE_MAX / 2,
        1ull << 38, (1ull << 38) - 8, (1ull << 38) - 24, (1ull << 38) - 25, 64 << 10};
    for (size_t i = 0; i < EXO_COUNT(huge); i++) {
        ck_assert_ptr_null(heap_alloc(a.heap, huge[i]));
        ck_assert_ptr_null(heap_realloc(a.heap, ptr, huge[i]));
        ck_assert_ptr_null(heap_alloc_aligned(a.heap, 4096, huge[i]));
    }
    for (size_t log2 = 16; log2 < 64; log2++)
        ck_assert_ptr_null(heap_alloc_aligned(a.heap, (size_t)1 << log2, 1));
    for (size_t i = 0; i < 100; i++)
        ck_assert_uint_eq(((uint8_t *)ptr)[i], 7);
    heap_check(a.heap);
    arena_drop(&a);
}
END_TEST

START_TEST(heap_gives_small_unique_blocks_for_nothing)
{
    struct arena a = arena_new(4096);
    void *one = heap_alloc(a.heap, 0);
    void *two = heap_alloc(a.heap, 0);
    ck_assert(one && two && one != two);
    ck_assert_uint_eq(heap_size(one), 24);
    heap_free(a.heap, NULL);
    ck_assert_ptr_nonnull(heap_realloc(a.heap, NULL, 10));
    ck_assert_ptr_eq(heap_realloc(a.heap, one, 0), one);
    heap_check(a.heap);
    arena_drop(&a);
}
END_TEST

START_TEST(heap_resizes_in_place_where_it_can)
{
    struct arena a = arena_new(64 << 10);
    uint8_t *ptr = heap_alloc(a.heap, 1000);
    ck_assert_ptr_eq(heap_realloc(a.heap, ptr, 20000), ptr); // the rest of the heap is behind it
    ck_assert_ptr_eq(heap_realloc(a.heap, ptr, 600), ptr);
    uint8_t *next = heap_alloc(a.heap, 1000);
    ck_assert_ptr_eq(next, ptr + 608); // what was cut off is used again
    ck_assert_ptr_ne(heap_realloc(a.heap, ptr, 5000), ptr);
    heap_check(a.heap);
    arena_drop(&a);
}
END_TEST

START_TEST(heap_takes_regions_of_any_shape)
{
    uint8_t *mem = malloc(20000);
    void *tables;
    ck_assert_int_eq(posix_memalign(&tables, 16, heap_bytes()), 0);
    struct heap *h = heap_init(tables);
    ck_assert_ptr_null(heap_alloc(h, 1));
    for (size_t bytes = 0; bytes < 64; bytes++)
        ck_assert_int_eq(heap_add(h, mem, bytes), -EXO_EINVAL);
    ck_assert_int_eq(heap_add(h, mem, SIZE_MAX), -EXO_EINVAL);
    ck_assert_int_eq(heap_add(h, mem, (size_t)1 << 38), -EXO_EINVAL);
    heap_check(h);

    uint8_t *at = mem; // regions side by side, with odd starts and odd ends
    for (size_t i = 0; i < 100; i++) {
        size_t bytes = 95 + i;
        ck_assert_int_eq(heap_add(h, at, bytes), 0);
        at += bytes;
    }
    heap_check(h);
    size_t blocks = 0;
    void *ptr;
    while ((ptr = heap_alloc(h, 8))) {
        memset(ptr, 0xff, heap_size(ptr));
        blocks++;
    }
    ck_assert_uint_gt(blocks, 150);
    heap_check(h);
    free(mem);
    free(tables);
}
END_TEST

START_TEST(heap_gives_whole_free_regions_back)
{
    void *tables, *mem[3];
    ck_assert_int_eq(posix_memalign(&tables, 16, heap_bytes()), 0);
    struct heap *h = heap_init(tables);
    ck_assert_ptr_null(heap_take_back(h).ptr);
    for (size_t i = 0; i < 3; i++) {
        mem[i] = malloc(4096);
        ck_assert_int_eq(heap_add(h, mem[i], 4096), 0);
    }
    void *one = heap_alloc(h, 3000), *two = heap_alloc(h, 3000);
    struct span back = heap_take_back(h); // the one that neither lives in
    ck_assert_ptr_nonnull(back.ptr);
    ck_assert_uint_eq(back.len, 4096);
    free(back.ptr);
    heap_check(h);
    ck_assert_ptr_null(heap_take_back(h).ptr);
    ck_assert_ptr_null(heap_alloc(h, 3000));
    heap_free(h, one);
    free(heap_take_back(h).ptr);
    ck_assert_ptr_null(heap_take_back(h).ptr);
    heap_free(h, two);
    free(heap_take_back(h).ptr);
    heap_check(h);
    ck_assert_uint_eq(heap_stats(h).total, 0);
    ck_assert_ptr_null(heap_alloc(h, 1));
    free(tables);
}
END_TEST

START_TEST(heap_tells_how_broken_its_free_memory_is)
{
    struct arena a = arena_new(64 << 10);
    struct heap_stats all = heap_stats(a.heap);
    ck_assert_uint_eq(heap_fragmentation_percent(&all), 0);
    ck_assert_uint_eq(all.largest, all.total);
    void *ptrs[60];
    for (size_t i = 0; i < 60; i++)
        ptrs[i] = heap_alloc(a.heap, 1000);
    for (size_t i = 0; i < 60; i += 2)
        heap_free(a.heap, ptrs[i]);
    struct heap_stats half = heap_stats(a.heap);
    ck_assert_uint_ge(heap_fragmentation_percent(&half), 80); // thirty pieces, and a rest
    void *most = heap_alloc(a.heap, half.largest - 8);
    ck_assert_ptr_nonnull(most); // it is as large as it says
    ck_assert_uint_lt(heap_stats(a.heap).largest, half.largest);
    arena_drop(&a);
}
END_TEST

START_TEST(heap_resizes_nothing_that_has_no_room)
{
    struct arena a = arena_new(64 << 10);
    uint8_t *ptr = heap_alloc(a.heap, 100);
    void *wall = heap_alloc(a.heap, 100);
    ck_assert(!heap_resize(a.heap, ptr, 1000));
    ck_assert(!heap_resize(a.heap, ptr, SIZE_MAX));
    ck_assert_uint_eq(heap_size(ptr), 104);
    heap_free(a.heap, wall);
    ck_assert(heap_resize(a.heap, ptr, 1000));
    ck_assert(heap_resize(a.heap, ptr, 10));
    ck_assert_uint_eq(heap_size(ptr), 24);
    heap_check(a.heap);
    arena_drop(&a);
}
END_TEST

// ---- misuse stops the program ----

START_TEST(double_free_is_caught)
{
    struct arena a = arena_new(64 << 10);
    void *ptr = heap_alloc(a.heap, 64);
    heap_free(a.heap, ptr);
    heap_free(a.heap, ptr);
}
END_TEST

START_TEST(double_free_of_a_merged_block_is_caught)
{
    struct arena a = arena_new(64 << 10);
    void *before = heap_alloc(a.heap, 5000);
    void *ptr = heap_alloc(a.heap, 5000);
    heap_free(a.heap, before);
    heap_free(a.heap, ptr); // merged into the block before
    heap_free(a.heap, ptr);
}
END_TEST

START_TEST(free_of_no_block_is_caught)
{
    struct arena a = arena_new(64 << 10);
    uint8_t *ptr = heap_alloc(a.heap, 640);
    memset(ptr, 0, 640);
    heap_free(a.heap, ptr + 32);
}
END_TEST

START_TEST(free_of_a_crooked_pointer_is_caught)
{
    struct arena a = arena_new(64 << 10);
    uint8_t *ptr = heap_alloc(a.heap, 64);
    heap_free(a.heap, ptr + 1);
}
END_TEST

START_TEST(write_past_the_end_is_caught)
{
    struct arena a = arena_new(64 << 10);
    uint8_t *ptr = heap_alloc(a.heap, 600);
    void *next = heap_alloc(a.heap, 600);
    memset(ptr, 0, heap_size(ptr) + 8); // over the next block's head
    heap_free(a.heap, next);
}
END_TEST

START_TEST(write_after_free_is_caught)
{
    struct arena a = arena_new(64 << 10);
    void **ptr = heap_alloc(a.heap, 600);
    void *wall = heap_alloc(a.heap, 600);
    heap_free(a.heap, ptr);
    ptr[0] = ptr[1] = wall; // over the links of the free list
    heap_alloc(a.heap, 600);
}
END_TEST

START_TEST(use_of_a_freed_block_is_caught)
{
    struct arena a = arena_new(64 << 10);
    void *ptr = heap_alloc(a.heap, 64);
    heap_free(a.heap, ptr);
    heap_realloc(a.heap, ptr, 100);
}
END_TEST

START_TEST(size_of_a_freed_block_is_caught)
{
    struct arena a = arena_new(64 << 10);
    void *ptr = heap_alloc(a.heap, 6400);
    heap_free(a.heap, ptr);
    heap_size(ptr);
}
END_TEST

START_TEST(alignment_that_is_no_power_of_two_is_caught)
{
    struct arena a = arena_new(64 << 10);
    heap_alloc_aligned(a.heap, 48, 64);
}
END_TEST

START_TEST(check_sees_a_trampled_head)
{
    struct arena a = arena_new(64 << 10);
    uint8_t *ptr = heap_alloc(a.heap, 600);
    ptr[heap_size(ptr)] ^= 0x40;
    heap_check(a.heap);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        heap_agrees_with_a_model_with_room,        heap_agrees_with_a_model_when_tight,
        heap_takes_what_is_exhausted_and_recovers, heap_gives_every_alignment,
        heap_refuses_sizes_that_overflow,          heap_gives_small_unique_blocks_for_nothing,
        heap_resizes_in_place_where_it_can,        heap_takes_regions_of_any_shape,
        heap_gives_whole_free_regions_back,        heap_tells_how_broken_its_free_memory_is,
        heap_resizes_nothing_that_has_no_room,
    };
    const TTest *const misuses[] = {
        double_free_is_caught,
        double_free_of_a_merged_block_is_caught,
        free_of_no_block_is_caught,
        free_of_a_crooked_pointer_is_caught,
        write_past_the_end_is_caught,
        write_after_free_is_caught,
        use_of_a_freed_block_is_caught,
        size_of_a_freed_block_is_caught,
        alignment_that_is_no_power_of_two_is_caught,
        check_sees_a_trampled_head,
    };
    return check_main_misuse("mm.heap", tests, EXO_COUNT(tests), misuses, EXO_COUNT(misuses));
}
