// SPDX-License-Identifier: MIT
//
// stack over a core that only keeps books: which pages are mapped, which frames are out.
#include "core/frame.h"
#include "exo/err.h"
#include "sdk/glue/stack.h"
#include "test/support/check_main.h"

#include <string.h>

#define PAGES (STACK_SLOTS * (uint32_t)(STACK_SLOT_BYTES / CORE_FRAME_BYTES))

static struct {
    uint32_t frames_left;
    uint32_t maps_left; // then the page tables have no frame
    uint8_t mapped[PAGES];
    uint32_t mapped_count;
} core;

static void core_has(uint32_t frames, uint32_t maps)
{
    ck_assert_uint_eq(core.mapped_count, 0);
    core.frames_left = frames;
    core.maps_left = maps;
}

int core_frame_claim(struct core_owner *owner, uint64_t count, uint64_t align, struct pa *out)
{
    (void)owner;
    ck_assert(count == 1 && align == 1);
    if (core.frames_left == 0)
        return -EXO_ENOMEM;
    core.frames_left--;
    out->v = 0;
    return 0;
}

void core_frame_release(struct core_owner *owner, struct pa at, uint64_t count)
{
    (void)owner;
    ck_assert(at.v == 0 && count == 1);
    core.frames_left++;
}

static uint8_t *page(struct va at)
{
    uint64_t index = (at.v - STACK_REGION) / CORE_FRAME_BYTES;
    ck_assert_uint_lt(index, PAGES);
    return &core.mapped[index];
}

int core_pt_map(struct va at, struct pa frame, uint32_t rights)
{
    (void)frame;
    ck_assert_uint_eq(rights, CORE_PT_WRITE);
    ck_assert(!*page(at));
    if (core.maps_left == 0)
        return -EXO_ENOMEM;
    core.maps_left--;
    *page(at) = 1;
    core.mapped_count++;
    return 0;
}

int core_pt_unmap(struct va at, struct pa *frame)
{
    ck_assert(*page(at));
    *page(at) = 0;
    core.mapped_count--;
    core.maps_left++;
    frame->v = 0;
    return 0;
}

static bool is_mapped(const void *lowest, int64_t offset)
{
    return *page((struct va){(uint64_t)lowest + (uint64_t)offset});
}

START_TEST(below_each_stack_is_a_page_that_is_not_mapped)
{
    static const size_t sizes[] = {1, 4096, 16384, 16385, 20480, 100000, 16384};
    void *stacks[7];
    core_has(1000, 1000);
    for (size_t i = 0; i < 7; i++)
        ck_assert_int_eq(stack_alloc(sizes[i], &stacks[i]), 0);
    for (size_t i = 0; i < 7; i++) {
        ck_assert(!is_mapped(stacks[i], -1));
        ck_assert(is_mapped(stacks[i], 0));
        ck_assert(is_mapped(stacks[i], (int64_t)stack_bytes_of(sizes[i]) - 1));
        ck_assert(!is_mapped(stacks[i], (int64_t)stack_bytes_of(sizes[i])));
        ck_assert_uint_ge(stack_bytes_of(sizes[i]), sizes[i]);
    }
    for (size_t i = 0; i < 7; i++)
        stack_free(stacks[i], sizes[i]);
    ck_assert_uint_eq(core.mapped_count, 0);
    ck_assert_uint_eq(core.frames_left, 1000);
}
END_TEST

START_TEST(a_slot_is_used_again)
{
    void *a, *b, *c;
    core_has(100, 100);
    ck_assert_int_eq(stack_alloc(16384, &a), 0);
    ck_assert_int_eq(stack_alloc(16384, &b), 0);
    stack_free(a, 16384);
    ck_assert_int_eq(stack_alloc(40000, &c), 0); // does not fit where `a` was
    ck_assert_ptr_ne(c, a);
    void *again;
    ck_assert_int_eq(stack_alloc(8192, &again), 0);
    ck_assert_ptr_eq(again, a);
    stack_free(again, 8192);
    stack_free(b, 16384);
    stack_free(c, 40000);
}
END_TEST

START_TEST(without_memory_nothing_is_kept)
{
    void *stack;
    for (uint32_t frames = 0; frames < 4; frames++) {
        core_has(frames, 100);
        ck_assert_int_eq(stack_alloc(16384, &stack), -EXO_ENOMEM);
        ck_assert_uint_eq(core.frames_left, frames);
        core_has(100, frames);
        ck_assert_int_eq(stack_alloc(16384, &stack), -EXO_ENOMEM);
        ck_assert_uint_eq(core.frames_left, 100);
    }
    core_has(4, 4);
    ck_assert_int_eq(stack_alloc(16384, &stack), 0);
    stack_free(stack, 16384);
}
END_TEST

START_TEST(slots_run_out_and_come_back)
{
    static void *stacks[STACK_SLOTS];
    void *more;
    core_has(PAGES, PAGES);
    for (uint32_t i = 0; i < STACK_SLOTS; i++)
        ck_assert_int_eq(stack_alloc(4096, &stacks[i]), 0);
    ck_assert_int_eq(stack_alloc(4096, &more), -EXO_ENOSPC);
    stack_free(stacks[77], 4096);
    ck_assert_int_eq(stack_alloc(4096, &stacks[77]), 0);
    for (uint32_t i = 0; i < STACK_SLOTS; i++)
        stack_free(stacks[i], 4096);
}
END_TEST

START_TEST(senseless_sizes_are_refused)
{
    void *stack;
    ck_assert_int_eq(stack_alloc(0, &stack), -EXO_EINVAL);
    ck_assert_int_eq(stack_alloc(SIZE_MAX, &stack), -EXO_EINVAL);
    ck_assert_int_eq(stack_alloc(STACK_SLOTS * STACK_SLOT_BYTES, &stack), -EXO_EINVAL);
}
END_TEST

CHECK_MAIN("sdk.stack", below_each_stack_is_a_page_that_is_not_mapped, a_slot_is_used_again,
           without_memory_nothing_is_kept, slots_run_out_and_come_back, senseless_sizes_are_refused)
