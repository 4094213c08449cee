// SPDX-License-Identifier: MIT
#include "core/guard.h"
#include "core/state.h"
#include "exo/err.h"
#include "test/support/check_main.h"

struct core_state core_state;

// Knows the odd pages of its region.
static bool odd_pages(void *ctx, struct va at, struct core_guard_hit *out)
{
    if (at.v / 4096 % 2 == 0)
        return false;
    *out = (struct core_guard_hit){.what = "odd page of", .name = ctx, .start = at, .bytes = 1};
    return true;
}

static int add(uint64_t start, uint64_t end)
{
    static char owner[] = "somebody";
    return core_guard_add((struct va){start}, (struct va){end}, odd_pages, owner);
}

static bool finds(uint64_t at)
{
    struct core_guard_hit hit;
    return core_guard_find((struct va){at}, &hit);
}

START_TEST(a_region_explains_what_is_in_it_and_nothing_else)
{
    struct core_guard_hit hit;
    ck_assert_int_eq(add(0x10000, 0x20000), 0);
    ck_assert(core_guard_find((struct va){0x11008}, &hit));
    ck_assert_str_eq(hit.name, "somebody");
    ck_assert_uint_eq(hit.start.v, 0x11008);
    ck_assert(!finds(0x10008)); // its owner does not know
    ck_assert(!finds(0xf000) && !finds(0x21000) && !finds(0) && !finds(UINT64_MAX));
    core_guard_remove((struct va){0x10000});
    ck_assert(!finds(0x11008));
}
END_TEST

START_TEST(regions_do_not_overlap_and_are_not_empty)
{
    ck_assert_int_eq(add(0x10000, 0x20000), 0);
    ck_assert_int_eq(add(0x1f000, 0x30000), -EXO_EEXIST);
    ck_assert_int_eq(add(0, 0x10001), -EXO_EEXIST);
    ck_assert_int_eq(add(0x12000, 0x13000), -EXO_EEXIST);
    ck_assert_int_eq(add(0x20000, 0x20000), -EXO_EINVAL);
    ck_assert_int_eq(add(0x30000, 0x20000), -EXO_EINVAL);
    ck_assert_int_eq(add(0x20000, 0x30000), 0); // beside it
    core_guard_remove((struct va){0x20000});
    core_guard_remove((struct va){0x10000});
}
END_TEST

START_TEST(a_full_table_says_so_and_has_room_again)
{
    for (uint64_t i = 0; i < CORE_GUARD_MAX; i++)
        ck_assert_int_eq(add(0x10000 * i, 0x10000 * (i + 1)), 0);
    ck_assert_int_eq(add(0x1000000, 0x2000000), -EXO_ENOSPC);
    core_guard_remove((struct va){0x30000});
    ck_assert_int_eq(add(0x1000000, 0x2000000), 0);
    ck_assert(finds(0x1001000) && finds(0x21000) && !finds(0x31000));
}
END_TEST

CHECK_MAIN("core.guard", a_region_explains_what_is_in_it_and_nothing_else,
           regions_do_not_overlap_and_are_not_empty, a_full_table_says_so_and_has_room_again)
