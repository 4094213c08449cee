// SPDX-License-Identifier: MIT
// test_reference.c - a counter measured by clocks that run, go round, are torn away from, and
// stand still.
#include "hal/reference.h"

#include <string.h>

#include "test/support/check_main.h"

#define REFERENCE_HZ UINT64_C(3579545)

// The platform: time in picoseconds, which passes whenever somebody looks.
static struct {
    uint64_t now_ps;
    uint64_t counter_hz;
    uint64_t reference_at_0; // counts it had at time 0
    uint64_t reads;
    uint64_t gap_at_read; // at this read of the reference the CPU is taken away …
    uint64_t gap_ps;      // … for so long
    bool is_still;
} world;

static uint64_t counts(uint64_t hz)
{
    return (uint64_t)((__extension__(unsigned __int128) world.now_ps * hz) / 1000000000000u);
}

static uint64_t counter(void)
{
    world.now_ps += 20000;
    return counts(world.counter_hz);
}

static uint32_t read(const struct hal_reference *reference)
{
    world.reads++;
    world.now_ps += 500000;
    if (world.reads == world.gap_at_read)
        world.now_ps += world.gap_ps;
    uint64_t count = world.reference_at_0 + (world.is_still ? 0 : counts(reference->hz));
    return (uint32_t)count & reference->mask;
}

static uint64_t measure(uint32_t mask, bool *steady)
{
    struct hal_reference reference = {.read = read, .mask = mask, .hz = REFERENCE_HZ};
    world.now_ps = 123456789;
    world.reads = 0;
    return hal_reference_measure(&reference, counter, steady);
}

static void expect_near(uint64_t hz, uint64_t wanted)
{
    ck_assert_uint_ge(hz, wanted - wanted / 500);
    ck_assert_uint_le(hz, wanted + wanted / 500);
}

static void setup(uint64_t counter_hz)
{
    memset(&world, 0, sizeof(world));
    world.counter_hz = counter_hz;
}

START_TEST(reference_measures_any_rate_in_a_millisecond)
{
    static const uint64_t rates[] = {20000000, 1000000000, 2893437123, 5000000000, 90000000000};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        bool steady;
        setup(rates[i]);
        expect_near(measure(0xffffff, &steady), rates[i]);
        ck_assert(steady);
        ck_assert_uint_lt(world.now_ps - 123456789, 1100000000);
    }
}
END_TEST

START_TEST(reference_may_go_round_meanwhile)
{
    static const uint32_t masks[] = {0xffff, 0xffffff, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        bool steady;
        setup(1000000000);
        world.reference_at_0 = (uint64_t)masks[i] - 1000;
        expect_near(measure(masks[i], &steady), 1000000000);
        ck_assert(steady);
    }
}
END_TEST

START_TEST(reference_survives_being_torn_away)
{
    for (uint64_t at = 1; at < 900; at += 7) { // a gap that is a part of the measurement
        bool steady;
        setup(1000000000);
        world.gap_at_read = at;
        world.gap_ps = UINT64_C(3000000000);
        expect_near(measure(0xffffff, &steady), 1000000000);
        ck_assert(steady);
    }
    for (uint64_t at = 10; at < 900; at += 7) { // and one in which the reference goes round
        bool steady;
        setup(1000000000);
        world.gap_at_read = at;
        world.gap_ps = UINT64_C(60000000000);
        expect_near(measure(0xffff, &steady), 1000000000);
        ck_assert(steady);
    }
}
END_TEST

START_TEST(reference_that_stands_still_is_none)
{
    bool steady;
    setup(1000000000);
    world.is_still = true;
    ck_assert_uint_eq(measure(0xffffff, &steady), 0);
    ck_assert_uint_lt(world.reads, 10000);
}
END_TEST

// Goes forward, but hardly: all reads together are bounded.
static uint32_t read_slow(const struct hal_reference *reference)
{
    (void)reference;
    return (uint32_t)(++world.reads / 4000);
}

// Any number at all.
static uint32_t read_noise(const struct hal_reference *reference)
{
    (void)reference;
    world.reads++;
    return (uint32_t)rand();
}

START_TEST(reference_that_makes_no_sense_ends)
{
    bool steady;
    struct hal_reference slow = {.read = read_slow, .mask = UINT32_MAX, .hz = REFERENCE_HZ};
    setup(1000000000);
    ck_assert_uint_eq(hal_reference_measure(&slow, counter, &steady), 0);
    ck_assert_uint_le(world.reads, 300000);
    struct hal_reference noise = {.read = read_noise, .mask = UINT32_MAX, .hz = REFERENCE_HZ};
    srand(5);
    for (int i = 0; i < 1000; i++)
        hal_reference_measure(&noise, counter, &steady); // only has to come back
}
END_TEST

CHECK_MAIN("hal.reference", reference_measures_any_rate_in_a_millisecond,
           reference_may_go_round_meanwhile, reference_survives_being_torn_away,
           reference_that_stands_still_is_none, reference_that_makes_no_sense_ends)
