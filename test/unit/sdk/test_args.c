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

// The words of argv, joined by '|'.
static const char *joined(char *const *argv, size_t count)
{
    static char out[64];
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        strcat(out, i ? "|" : "");
        strcat(out, argv[i]);
    }
    return out;
}

START_TEST(words_are_split_at_blanks_outside_quotes)
{
    for (size_t i = 0; i < EXO_COUNT(cases); i++) {
        char bytes[64], *argv[4];
        struct args args = args_split(cases[i].line, bytes, argv, EXO_COUNT(argv));
        ck_assert_uint_eq(args.count, cases[i].count);
        ck_assert_uint_eq(args.seen, 0);
        ck_assert_str_eq(joined(argv, EXO_MIN(args.count, EXO_COUNT(argv))), cases[i].words);
    }
}
END_TEST

START_TEST(words_need_no_more_room_than_the_line)
{
    static const char *const lines[] = {"", "a", "a b", "\"\" \"a b\" c", "nokaslr b"};
    for (size_t i = 0; i < EXO_COUNT(lines); i++) {
        char bytes[64], *argv[4];
        size_t room = strlen(lines[i]) + 1;
        memset(bytes, 0x5a, sizeof bytes);
        args_split(lines[i], bytes, argv, EXO_COUNT(argv));
        for (size_t k = room; k < sizeof bytes; k++)
            ck_assert_int_eq(bytes[k], 0x5a);
    }
}
END_TEST

START_TEST(words_of_the_libraries_are_kept_from_main)
{
    char bytes[128], *argv[4];
    struct args args = args_split("a virtio_mmio.device=1@2 panic= nokaslr b heap=debug c nokaslr",
                                  bytes, argv, EXO_COUNT(argv));
    ck_assert_uint_eq(args.count, 3);
    ck_assert_str_eq(joined(argv, args.count), "a|b|c");
    ck_assert_uint_eq(args.seen, 1 << ARGS_VIRTIO_MMIO | 1 << ARGS_PANIC | 1 << ARGS_NOKASLR |
                                     1 << ARGS_HEAP_DEBUG);
}
END_TEST

START_TEST(a_word_of_a_library_is_known_whole)
{
    char bytes[128], *argv[4];
    struct args args =
        args_split("nokaslr= xheap=debug heap=debugger panic", bytes, argv, EXO_COUNT(argv));
    ck_assert_uint_eq(args.seen, 0);
    ck_assert_str_eq(joined(argv, args.count), "nokaslr=|xheap=debug|heap=debugger|panic");
    args = args_split("heap=debu nokasl", bytes, argv, EXO_COUNT(argv));
    ck_assert_uint_eq(args.seen, 0);
    args = args_split("  web\theap=debug 8080", bytes, argv, EXO_COUNT(argv));
    ck_assert_uint_eq(args.seen, 1 << ARGS_HEAP_DEBUG);
    ck_assert_str_eq(joined(argv, args.count), "web|8080");
}
END_TEST

CHECK_MAIN("sdk.args", words_are_split_at_blanks_outside_quotes,
           words_need_no_more_room_than_the_line, words_of_the_libraries_are_kept_from_main,
           a_word_of_a_library_is_known_whole)
