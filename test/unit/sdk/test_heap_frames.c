// SPDX-License-Identifier: MIT
//
// heap_frames over a core that has a few frames in one array.
#include "core/frame.h"
#include "exo/err.h"
#include "sdk/glue/heap_frames.h"
#include "test/support/check_main.h"

#include <string.h>

#define FRAMES 256u

static struct {
    _Alignas(CORE_FRAME_BYTES) uint8_t bytes[FRAMES * CORE_FRAME_BYTES];
    uint8_t claimed[FRAMES];
    uint64_t limit;       // frames that the machine has
    uint64_t used;        // of those, claimed
    uint64_t longest_run; // claims of more fail, as in fragmented memory
    uint64_t more_free;   // that it says it has beside
    uint64_t most_asked;  // in one claim
} core;

static void core_has(uint64_t frames, uint64_t longest_run)
{
    memset(core.claimed, 0, sizeof core.claimed);
    core.limit = frames;
    core.used = 0;
    core.longest_run = longest_run;
    core.more_free = core.most_asked = 0;
}

static void mark(uint64_t at, uint64_t count, uint8_t claimed)
{
    for (uint64_t i = at; i < at + count; i++) {
        ck_assert_uint_ne(core.claimed[i], claimed);
        core.claimed[i] = claimed;
    }
    core.used += claimed ? count : -count;
}

int core_frame_claim(struct core_owner *owner, uint64_t count, uint64_t align, struct pa *out)
{
    ck_assert_ptr_null(owner);
    ck_assert_uint_eq(align, 1);
    core.most_asked = count > core.most_asked ? count : core.most_asked;
    for (uint64_t at = 0, run = 0; at < core.limit && count <= core.longest_run; at++) {
        run = core.claimed[at] ? 0 : run + 1;
        if (run == count) {
            out->v = (at + 1 - count) * CORE_FRAME_BYTES;
            mark(at + 1 - count, count, 1);
            return 0;
        }
    }
    return -EXO_ENOMEM;
}

void core_frame_release(struct core_owner *owner, struct pa at, uint64_t count)
{
    ck_assert_ptr_null(owner);
    mark(at.v / CORE_FRAME_BYTES, count, 0);
}

void *core_phys(struct pa at)
{
    return core.bytes + at.v;
}

struct pa core_phys_of(const void *ptr)
{
    return (struct pa){(uint64_t)((const uint8_t *)ptr - core.bytes)};
}

struct core_frame_stats core_frame_stats(void)
{
    uint64_t free_frames = core.limit - core.used + core.more_free;
    return (struct core_frame_stats){.total = core.limit, .free = free_frames};
}

START_TEST(the_block_asked_for_fits_after_each_growth)
{
    static const size_t sizes[] = {0, 1, 100, 4000, 4096, 70000, 200000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct heap_frames f = {0};
        core_has(FRAMES, FRAMES);
        ck_assert_int_eq(heap_frames_grow(&f, 16, sizes[i]), 0);
        void *block = heap_alloc(f.heap, sizes[i]);
        ck_assert_ptr_nonnull(block);
        ck_assert_int_eq(heap_frames_grow(&f, 8192, sizes[i]), 0);
        ck_assert_ptr_nonnull(heap_alloc_aligned(f.heap, 8192, sizes[i]));
        ck_assert_uint_eq(f.claimed, core.used);
        heap_check(f.heap);
    }
}
END_TEST

START_TEST(a_heap_doubles_while_there_is_plenty)
{
    struct heap_frames f = {0};
    core_has(FRAMES, FRAMES);
    ck_assert_int_eq(heap_frames_grow(&f, 16, 64), 0);
    uint64_t first = f.claimed;
    ck_assert_int_eq(heap_frames_grow(&f, 16, 64), 0);
    ck_assert_uint_eq(f.claimed, 2 * first);
}
END_TEST

// heap_add refuses 256 GiB at a time, and then a block of 64 bytes would not be had.
START_TEST(a_heap_does_not_double_beyond_what_it_takes)
{
    struct heap_frames f = {0};
    core_has(FRAMES, FRAMES);
    ck_assert_int_eq(heap_frames_grow(&f, 16, 64), 0);
    core.more_free = UINT64_C(1) << 30;
    f.claimed = UINT64_C(1) << 27;
    ck_assert_int_eq(heap_frames_grow(&f, 16, 64), 0);
    ck_assert_uint_lt(core.most_asked * CORE_FRAME_BYTES, UINT64_C(256) << 30);
}
END_TEST

START_TEST(near_the_end_it_takes_no_more_than_it_needs)
{
    struct heap_frames f = {0};
    core_has(40, FRAMES);
    ck_assert_int_eq(heap_frames_grow(&f, 16, 64), 0);
    ck_assert_uint_le(core.used, 12); // tables, and a quarter of what is left
    ck_assert_int_eq(heap_frames_grow(&f, 16, 20 * CORE_FRAME_BYTES), 0);
    ck_assert_uint_le(core.used, 12 + 25);
}
END_TEST

START_TEST(short_runs_are_taken_where_there_are_no_longer_ones)
{
    struct heap_frames f = {0};
    core_has(FRAMES, 4);
    ck_assert_int_eq(heap_frames_grow(&f, 16, 64), 0);
    ck_assert_uint_le(f.claimed, 2 + 4); // and its tables
    ck_assert_int_eq(heap_frames_grow(&f, 16, 5 * CORE_FRAME_BYTES), -EXO_ENOMEM);
    heap_check(f.heap);
}
END_TEST

START_TEST(exhaustion_is_said_and_leaves_everything_as_it_was)
{
    struct heap_frames f = {0};
    core_has(0, FRAMES);
    ck_assert_int_eq(heap_frames_grow(&f, 16, 1), -EXO_ENOMEM);
    ck_assert_ptr_null(f.heap);

    core_has(32, FRAMES);
    ck_assert_int_eq(heap_frames_grow(&f, 16, 1), 0);
    uint64_t used = core.used;
    ck_assert_int_eq(heap_frames_grow(&f, 16, 32 * CORE_FRAME_BYTES), -EXO_ENOMEM);
    ck_assert_int_eq(heap_frames_grow(&f, 16, SIZE_MAX), -EXO_ENOMEM);
    ck_assert_int_eq(heap_frames_grow(&f, (SIZE_MAX >> 1) + 1, 1), -EXO_ENOMEM);
    ck_assert_uint_eq(core.used, used);
}
END_TEST

START_TEST(runs_without_a_block_go_back_on_request)
{
    struct heap_frames f = {0};
    core_has(FRAMES, FRAMES);
    ck_assert_uint_eq(heap_frames_give_back(&f, 1), 0); // before it has begun
    ck_assert_int_eq(heap_frames_grow(&f, 16, 64), 0);
    uint64_t first = f.claimed;
    void *small = heap_alloc(f.heap, 64);
    ck_assert_int_eq(heap_frames_grow(&f, 16, 100000), 0);
    void *large = heap_alloc(f.heap, 100000);
    ck_assert_uint_eq(heap_frames_give_back(&f, UINT64_MAX), 0);

    heap_free(f.heap, large);
    ck_assert_uint_ge(heap_frames_give_back(&f, 1), 100000 / CORE_FRAME_BYTES); // whole runs
    ck_assert_uint_eq(f.claimed, first);
    ck_assert_uint_eq(core.used, first);
    ck_assert_uint_eq(heap_frames_give_back(&f, UINT64_MAX), 0);
    heap_check(f.heap);

    heap_free(f.heap, small);
    heap_frames_give_back(&f, UINT64_MAX);
    ck_assert_uint_eq(core.used, f.claimed); // the heap's own tables
    ck_assert_uint_le(f.claimed, 3);
    ck_assert_int_eq(heap_frames_grow(&f, 16, 64), 0);
    ck_assert_ptr_nonnull(heap_alloc(f.heap, 64)); // and it goes on
}
END_TEST

// core may ask while it serves somebody who holds the lock: that must not wait for itself.
START_TEST(nothing_goes_back_while_the_heap_is_at_work)
{
    struct heap_frames f = {0};
    core_has(FRAMES, FRAMES);
    ck_assert_int_eq(heap_frames_grow(&f, 16, 64), 0);
    exo_lock_take(&f.lock);
    ck_assert_uint_eq(heap_frames_give_back(&f, 1), 0);
    exo_lock_give(&f.lock);
    ck_assert_uint_ge(heap_frames_give_back(&f, 1), 1);
}
END_TEST

CHECK_MAIN("sdk.heap_frames", the_block_asked_for_fits_after_each_growth,
           a_heap_doubles_while_there_is_plenty, a_heap_does_not_double_beyond_what_it_takes,
           near_the_end_it_takes_no_more_than_it_needs,
           short_runs_are_taken_where_there_are_no_longer_ones,
           exhaustion_is_said_and_leaves_everything_as_it_was,
           runs_without_a_block_go_back_on_request, nothing_goes_back_while_the_heap_is_at_work)
