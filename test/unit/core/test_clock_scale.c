// SPDX-License-Identifier: MIT
// test_clock_scale.c - ticks and nanoseconds, at rates from slow to absurd.
#include "core/clock_scale.h"

#include <stdlib.h>

#include "exo/bits.h"
#include "test/support/check_main.h"

static const uint64_t rates[] = {
    10000000, 999999999, 1000000000, 1000000001, 2595484000, 4294967296, 99999999999,
};

START_TEST(clock_scale_keeps_time_for_years)
{
    for (size_t i = 0; i < EXO_COUNT(rates); i++) {
        struct clock_scale scale = clock_scale_of(5, rates[i]);
        uint64_t years_s = UINT64_C(3) * 365 * 86400;
        exo_ns ns = clock_scale_ns(&scale, 5 + rates[i] * years_s);
        exo_ns error = years_s * 1000000000 - ns;
        ck_assert_uint_le(error, ns / 10000000); // a second in four months
        ck_assert_uint_eq(clock_scale_ns(&scale, 5), 0);
    }
}
END_TEST

START_TEST(clock_scale_deadlines_are_never_early)
{
    srand(3);
    for (size_t i = 0; i < EXO_COUNT(rates); i++) {
        struct clock_scale scale = clock_scale_of(1234567, rates[i]);
        for (int j = 0; j < 10000; j++) {
            exo_ns ns = ((uint64_t)rand() << 24 ^ (uint64_t)rand()) >> (rand() % 40);
            uint64_t ticks = clock_scale_ticks(&scale, ns);
            ck_assert_uint_ge(clock_scale_ns(&scale, ticks), ns);
        }
        ck_assert_uint_ge(clock_scale_ticks(&scale, EXO_NS_NEVER), rates[i] * 100);
    }
}
END_TEST

CHECK_MAIN("core.clock_scale", clock_scale_keeps_time_for_years,
           clock_scale_deadlines_are_never_early)
