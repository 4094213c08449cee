// SPDX-License-Identifier: MIT
// test_log_ring.c - what a report finds of the lines before it.
#include "core/log_ring.h"

#include <stdio.h>
#include <string.h>

#include "test/support/check_main.h"

static struct log_ring ring;

static void put(const char *text)
{
    log_ring_put(&ring, text, strlen(text));
}

static void expect_tail(uint32_t lines, const char *expected)
{
    char out[LOG_RING_BYTES + 1];
    size_t len = log_ring_tail(&ring, lines, out);
    out[len] = '\0';
    ck_assert_str_eq(out, expected);
}

START_TEST(log_ring_gives_the_last_lines)
{
    memset(&ring, 0, sizeof ring);
    expect_tail(3, "");
    put("one\ntwo\nthree\n");
    expect_tail(0, "");
    expect_tail(1, "three\n");
    expect_tail(2, "two\nthree\n");
    expect_tail(3, "one\ntwo\nthree\n");
    expect_tail(9, "one\ntwo\nthree\n");
    put("fo");
    expect_tail(2, "three\nfo");
    put("ur\n");
    expect_tail(2, "three\nfour\n");
}
END_TEST

START_TEST(log_ring_leaves_out_a_line_that_lost_its_beginning)
{
    char line[64], expected[LOG_RING_BYTES + 1] = "";
    memset(&ring, 0, sizeof ring);
    for (int i = 0; i < 100; i++) {
        int len = snprintf(line, sizeof line, "line %d of some length\n", i);
        log_ring_put(&ring, line, (size_t)len);
    }
    size_t whole = LOG_RING_BYTES / strlen(line);
    for (size_t i = 100 - whole; i < 100; i++)
        snprintf(expected + strlen(expected), sizeof line, "line %zu of some length\n", i);
    expect_tail(UINT32_MAX, expected);
    expect_tail(1, "line 99 of some length\n");
}
END_TEST

START_TEST(log_ring_takes_more_than_it_holds)
{
    static char flood[3 * LOG_RING_BYTES + 5];
    memset(&ring, 0, sizeof ring);
    put("before\n");
    memset(flood, 'x', sizeof flood);
    log_ring_put(&ring, flood, sizeof flood);
    expect_tail(5, ""); // no line in it is whole
    put("\nafter\n");
    expect_tail(5, "after\n");
    ck_assert_uint_eq(ring.written, sizeof flood + 14);
}
END_TEST

CHECK_MAIN("core.log_ring", log_ring_gives_the_last_lines,
           log_ring_leaves_out_a_line_that_lost_its_beginning, log_ring_takes_more_than_it_holds)
