// SPDX-License-Identifier: MIT
#include "exo/bits.h"
#include "sched/timer.h"
#include "test/support/check_main.h"

START_TEST(timers_come_out_by_deadline_then_by_age)
{
    static const exo_ns deadlines[] = {50, 10, 30, 10, 0, EXO_NS_NEVER, 30, 20};
    static const size_t expected[] = {4, 1, 3, 7, 2, 6, 0, 5};
    struct timers h;
    struct timer t[EXO_COUNT(deadlines)] = {0};
    timers_init(&h);
    for (size_t i = 0; i < EXO_COUNT(t); i++)
        timers_insert(&h, &t[i], deadlines[i]);
    for (size_t i = 0; i < EXO_COUNT(t); i++) {
        struct timer *first = timers_first(&h);
        ck_assert_ptr_eq(first, &t[expected[i]]);
        timers_remove(&h, first);
        ck_assert(!timer_is_set(first));
        timers_remove(&h, first); // harmless
    }
    ck_assert_ptr_null(timers_first(&h));
}
END_TEST

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static const struct timer *least(const struct timer *t, size_t n)
{
    const struct timer *best = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!timer_is_set(&t[i]))
            continue;
        if (!best || t[i].deadline < best->deadline ||
            (t[i].deadline == best->deadline && t[i].order < best->order))
            best = &t[i];
    }
    return best;
}

// Inserts and removes anywhere, and always agrees with a search through all.
START_TEST(timers_agree_with_a_linear_search)
{
    enum { N = 61 };
    struct timers h;
    struct timer t[N] = {0};
    uint32_t seed = 7;
    timers_init(&h);
    for (int round = 0; round < 20000; round++) {
        struct timer *one = &t[next_random(&seed) % N];
        if (timer_is_set(one))
            timers_remove(&h, one);
        else
            timers_insert(&h, one, next_random(&seed) % 40);
        ck_assert_ptr_eq(timers_first(&h), least(t, N));
    }
}
END_TEST

// Neither a rising nor a falling row degenerates into recursion or a walk of all.
START_TEST(a_hundred_thousand_timers_are_no_burden)
{
    enum { N = 100000 };
    struct timer *t = calloc(N, sizeof *t);
    struct timers h;
    timers_init(&h);
    for (size_t i = 0; i < N; i++)
        timers_insert(&h, &t[i], i < N / 2 ? i : 2 * N - i);
    exo_ns last = 0;
    for (size_t i = 0; i < N; i++) {
        struct timer *first = timers_first(&h);
        ck_assert_uint_ge(first->deadline, last);
        last = first->deadline;
        timers_remove(&h, first);
    }
    ck_assert_ptr_null(timers_first(&h));
    free(t);
}
END_TEST

CHECK_MAIN("sched.timer", timers_come_out_by_deadline_then_by_age,
           timers_agree_with_a_linear_search, a_hundred_thousand_timers_are_no_burden)
