// SPDX-License-Identifier: MIT
#include "exo/bits.h"
#include "sdk/start/args.h"
#include "test/support/check_main.h"

#include <string.h>

static const struct {
    const char *line;
    const char *words; // joined by '|'
    size_t count;
} cases[] = {
    {"", "", 0},
    {" \t ", "", 0},
    {"one", "one", 1},
    {"  one two\tthree ", "one|two|three", 3},
    {"\"one two\" three", "one two|three", 2},
    {"key=\"a b\"c", "key=a bc", 1},
    {"\"\" x", "|x", 2},
    {"open \"to the end", "open|to the end", 2},
    {"1 2 3 4 5", "1|2|3|4", 5}, // more than fit: counted, not stored
};

START_TEST(words_are_split_at_blanks_outside_quotes)
{
    for (size_t i = 0; i < EXO_COUNT(cases); i++) {
        char line[64], joined[64] = "";
        char *argv[4];
        strcpy(line, cases[i].line);
        size_t count = args_split(line, argv, EXO_COUNT(argv));
        ck_assert_uint_eq(count, cases[i].count);
        for (size_t k = 0; k < EXO_MIN(count, EXO_COUNT(argv)); k++) {
            strcat(joined, k ? "|" : "");
            strcat(joined, argv[k]);
        }
        ck_assert_str_eq(joined, cases[i].words);
    }
}
END_TEST

START_TEST(words_of_the_machine_are_dropped)
{
    char words[][8] = {"dev=1", "a", "dev", "dev=", "b"};
    char *argv[] = {words[0], words[1], words[2], words[3], words[4]};
    ck_assert_uint_eq(args_drop(argv, EXO_COUNT(argv), "dev="), 3);
    ck_assert_str_eq(argv[0], "a");
    ck_assert_str_eq(argv[1], "dev");
    ck_assert_str_eq(argv[2], "b");
}
END_TEST

START_TEST(a_word_of_the_machine_is_dropped_whole)
{
    char words[][4] = {"no", "non", "n", "no", "no="};
    char *argv[] = {words[0], words[1], words[2], words[3], words[4]};
    ck_assert_uint_eq(args_drop(argv, EXO_COUNT(argv), "no"), 3);
    ck_assert_str_eq(argv[0], "non");
    ck_assert_str_eq(argv[1], "n");
    ck_assert_str_eq(argv[2], "no=");
}
END_TEST

START_TEST(a_word_of_the_line_is_found_whole)
{
    ck_assert(args_has("heap=debug", "heap=debug"));
    ck_assert(args_has("web  heap=debug\t8080", "heap=debug"));
    ck_assert(args_has("xheap=debug heap=debug", "heap=debug"));
    ck_assert(!args_has("", "heap=debug"));
    ck_assert(!args_has("heap=debugger heap=debu noheap=debug", "heap=debug"));
}
END_TEST

CHECK_MAIN("sdk.args", words_are_split_at_blanks_outside_quotes, words_of_the_machine_are_dropped,
           a_word_of_the_machine_is_dropped_whole, a_word_of_the_line_is_found_whole)
