// SPDX-License-Identifier: MIT
// test_random.c - the machine's generator above hardware that this file plays.
#include "core/random.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/state.h"
#include "hal/entropy.h"
#include "test/support/check_main.h"

struct core_state core_state;

static struct {
    uint32_t bits;  // that the hardware is worth
    uint32_t asked; // how often
    char log[256];  // the last line
} machine;

struct hal_entropy hal_entropy(uint8_t *out, size_t len)
{
    memset(out, (int)machine.asked++, len);
    return (struct hal_entropy){machine.bits, "a test"};
}

void core_log(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(machine.log, sizeof machine.log, format, args);
    va_end(args);
}

static void begin(uint32_t bits)
{
    memset(&core_state.random, 0, sizeof core_state.random);
    memset(&machine, 0, sizeof machine);
    machine.bits = bits;
}

START_TEST(the_first_use_seeds)
{
    uint8_t a[32], b[32];
    begin(256);
    core_random(a, sizeof a);
    ck_assert_str_eq(machine.log, "");
    core_random(b, sizeof b);
    ck_assert_mem_ne(a, b, sizeof a);
    ck_assert_uint_eq(machine.asked, 1);
    ck_assert_uint_eq(core_random_bits(), 256);
}
END_TEST

START_TEST(a_weak_seed_is_told)
{
    begin(255);
    ck_assert_uint_eq(core_random_bits(), 255);
    ck_assert_str_eq(machine.log, "random: seeded with 255 bits from a test");
}
END_TEST

START_TEST(a_machine_without_entropy_is_told)
{
    begin(0);
    ck_assert_uint_eq(core_random_bits(), 0);
    ck_assert_ptr_nonnull(strstr(machine.log, "NO ENTROPY"));
    core_random_add("a device", "secret", 6, 48);
    ck_assert_uint_eq(core_random_bits(), 48);
    ck_assert_str_eq(machine.log, "random: 48 bits more from a device");
}
END_TEST

// Two machines in the same state part when one of them is given more.
START_TEST(what_is_added_changes_all_that_follows)
{
    uint8_t plain[64], added[64];
    begin(1);
    core_random_bits();
    struct core_random before = core_state.random;
    core_random(plain, sizeof plain);
    core_state.random = before;
    core_random_add("a device", "x", 1, UINT32_MAX); // as much as it likes to claim
    core_random(added, sizeof added);
    ck_assert_mem_ne(plain, added, sizeof plain);
    ck_assert_uint_eq(core_random_bits(), UINT32_MAX);
}
END_TEST

START_TEST(each_mebibyte_brings_a_new_seed)
{
    static uint8_t out[1 << 20];
    begin(256);
    core_random(out, sizeof out);
    ck_assert_uint_eq(machine.asked, 1);
    core_random(out, 1);
    ck_assert_uint_eq(machine.asked, 2);
    for (size_t i = 0; i + 8 < sizeof out; i += 4096) // no piece of it comes twice
        ck_assert_mem_ne(out + i, out + i + 4096 - 256, 8);
}
END_TEST

CHECK_MAIN("core.random", the_first_use_seeds, a_weak_seed_is_told,
           a_machine_without_entropy_is_told, what_is_added_changes_all_that_follows,
           each_mebibyte_brings_a_new_seed)
