// SPDX-License-Identifier: MIT
#include "exo/bits.h"
#include "exo/list.h"
#include "test/support/check_main.h"

struct item {
    int value;
    struct list link;
};

START_TEST(list_keeps_order_and_lets_go)
{
    struct list head;
    struct item items[3] = {{.value = 0}, {.value = 1}, {.value = 2}};
    list_init(&head);
    ck_assert(list_is_empty(&head));
    ck_assert_ptr_null(list_pop_front(&head));
    for (size_t i = 0; i < EXO_COUNT(items); i++)
        list_push_back(&head, &items[i].link);

    list_remove(&items[1].link);
    ck_assert(list_is_empty(&items[1].link));
    list_remove(&items[1].link); // harmless
    list_push_front(&head, &items[1].link);

    static const int expected[] = {1, 0, 2};
    for (size_t i = 0; i < EXO_COUNT(expected); i++) {
        struct list *node = list_pop_front(&head);
        ck_assert_ptr_nonnull(node);
        ck_assert_int_eq(EXO_CONTAINER(node, struct item, link)->value, expected[i]);
    }
    ck_assert(list_is_empty(&head));
}
END_TEST

START_TEST(align_rounds_to_powers_of_two)
{
    ck_assert_uint_eq(exo_align_up(1, 4096), 4096);
    ck_assert_uint_eq(exo_align_up(4096, 4096), 4096);
    ck_assert_uint_eq(exo_align_down(8191, 4096), 4096);
    ck_assert(!exo_is_pow2(0));
    ck_assert(exo_is_pow2(64));
    ck_assert(!exo_is_pow2(65));
}
END_TEST

CHECK_MAIN("exo.list", list_keeps_order_and_lets_go, align_rounds_to_powers_of_two)
