// SPDX-License-Identifier: MIT
// test_panic_word.c - panic= on good command lines and on bad ones.
#include "core/panic_word.h"

#include "test/support/check_main.h"

static void expect(const char *cmdline, bool is_known, enum panic_end end)
{
    enum panic_end found = PANIC_OFF;
    ck_assert_msg(panic_word(cmdline, &found) == is_known, "'%s'", cmdline);
    ck_assert_msg(found == end, "'%s': %d", cmdline, found);
}

START_TEST(panic_word_finds_each_word)
{
    expect("panic=exit", true, PANIC_EXIT);
    expect("panic=reset", true, PANIC_RESET);
    expect("app panic=halt more", true, PANIC_HALT);
    expect("a b panic=off", true, PANIC_OFF);
    expect("panic=halt panic=reset", true, PANIC_HALT);
}
END_TEST

START_TEST(panic_word_is_exit_without_one)
{
    expect("", true, PANIC_EXIT);
    expect("hello world", true, PANIC_EXIT);
    expect("dontpanic=reset", true, PANIC_EXIT);
    expect("dontpanic=reset panic=reset", true, PANIC_RESET);
    expect("panic", true, PANIC_EXIT);
}
END_TEST

START_TEST(panic_word_does_not_guess)
{
    expect("panic=", false, PANIC_EXIT);
    expect("panic=rest", false, PANIC_EXIT);
    expect("panic=resets", false, PANIC_EXIT);
    expect("panic=Reset", false, PANIC_EXIT);
    expect("panic= reset", false, PANIC_EXIT);
}
END_TEST

CHECK_MAIN("core.panic_word", panic_word_finds_each_word, panic_word_is_exit_without_one,
           panic_word_does_not_guess)
