// SPDX-License-Identifier: MIT
#include "exo/bits.h"
#include "exo/err.h"
#include "netstack/app/http.h"
#include "test/support/check_main.h"

#include <string.h>

static const struct {
    const char *sent;
    int failed;
    const char *path;
} cases[] = {
    {"/", 0, "/"},
    {"/a/b", 0, "/a/b"},
    {"/a//b/", 0, "/a//b/"},
    {"/a%20b%2fc", 0, "/a b/c"},
    {"/%61", 0, "/a"},
    {"/%2561", 0, "/%61"}, // decoded once
    {"/.", 0, "/"},
    {"/..", 0, "/"},
    {"/./a", 0, "/a"},
    {"/a/.", 0, "/a/"},
    {"/a/..", 0, "/"},
    {"/a/../b", 0, "/b"},
    {"/a/b/../../../../c", 0, "/c"},
    {"/a/%2e%2e/b", 0, "/b"},
    {"/a/.%2E/%2e/b", 0, "/b"},
    {"/a%2f..%2f..%2fetc", 0, "/etc"},
    {"/...", 0, "/..."},
    {"/a/.../b", 0, "/a/.../b"},
    {"/.a/..b", 0, "/.a/..b"},
    {"/a/b/..", 0, "/a/"},
    {"//..", 0, "/"},
    {"//../a", 0, "/a"},
    {"/%c3%a4", 0, "/\xc3\xa4"},
    {"/%f0%9f%90%98", 0, "/\xf0\x9f\x90\x98"},
    {"", -EXO_EINVAL, NULL},
    {"a", -EXO_EINVAL, NULL},
    {"*", -EXO_EINVAL, NULL},
    {"/%", -EXO_EINVAL, NULL},
    {"/%4", -EXO_EINVAL, NULL},
    {"/%4g", -EXO_EINVAL, NULL},
    {"/%%41", -EXO_EINVAL, NULL},
    {"/a%00.html", -EXO_EINVAL, NULL},
    {"/%0d%0aSet-Cookie:x", -EXO_EINVAL, NULL},
    {"/%7f", -EXO_EINVAL, NULL},
    {"/%c0%af..", -EXO_EINVAL, NULL},     // an overlong '/'
    {"/%e0%80%af", -EXO_EINVAL, NULL},    // longer still
    {"/%ed%a0%80", -EXO_EINVAL, NULL},    // a surrogate
    {"/%f4%90%80%80", -EXO_EINVAL, NULL}, // beyond U+10FFFF
    {"/%f0%9f%90", -EXO_EINVAL, NULL},    // cut short
    {"/%80", -EXO_EINVAL, NULL},
    {"/%ff", -EXO_EINVAL, NULL},
};

START_TEST(paths_are_decoded_once_and_stay_below_the_root)
{
    for (size_t i = 0; i < EXO_COUNT(cases); i++) {
        size_t sent_len = strlen(cases[i].sent);
        uint8_t *sent = malloc(sent_len + 1);
        char *out = malloc(sent_len + 2);
        memcpy(sent, cases[i].sent, sent_len);
        int len = http_path((struct cspan){sent, sent_len}, out, sent_len + 2);
        if (cases[i].failed) {
            ck_assert_msg(len == cases[i].failed, "%s -> %d", cases[i].sent, len);
        } else {
            ck_assert_msg(len >= 0, "%s -> %d", cases[i].sent, len);
            ck_assert_str_eq(out, cases[i].path);
            ck_assert_int_eq(len, (int)strlen(cases[i].path));
        }
        free(sent);
        free(out);
    }
}
END_TEST

START_TEST(a_path_that_does_not_fit_is_refused)
{
    char out[5];
    ck_assert_int_eq(http_path((struct cspan){(const uint8_t *)"/abc", 4}, out, 5), 4);
    ck_assert_int_eq(http_path((struct cspan){(const uint8_t *)"/abcd", 5}, out, 5), -EXO_E2BIG);
    ck_assert_int_eq(http_path((struct cspan){(const uint8_t *)"/", 1}, out, 1), -EXO_E2BIG);
}
END_TEST

CHECK_MAIN("http.path", paths_are_decoded_once_and_stay_below_the_root,
           a_path_that_does_not_fit_is_refused)
