// SPDX-License-Identifier: MIT
#include "exo/bits.h"
#include "exo/err.h"
#include "netstack/app/http_body.h"
#include "test/support/check_main.h"

#include <stdio.h>
#include <string.h>

struct outcome {
    int64_t failed; // or 0
    bool done;
    size_t taken;
    char data[256];
};

// Feeds `len` bytes of the stream until the body takes no more.
static void feed(struct http_body *b, const char *bytes, size_t len, struct outcome *out)
{
    uint8_t *exact = malloc(len ? len : 1);
    memcpy(exact, bytes, len);
    for (size_t at = 0; !out->failed;) {
        struct cspan data;
        int64_t n = http_body_input(b, (struct cspan){exact + at, len - at}, &data);
        if (n < 0)
            out->failed = n;
        if (n <= 0)
            break;
        strncat(out->data, (const char *)data.ptr, data.len);
        at += (size_t)n;
        out->taken += (size_t)n;
    }
    free(exact);
    out->done = http_body_is_done(b);
}

static struct outcome run(const struct http_head *h, const char *bytes, size_t step, size_t first)
{
    struct outcome out = {0};
    struct http_body b;
    http_body_init(&b, h);
    size_t len = strlen(bytes);
    for (size_t at = 0; at < len && !out.failed && !http_body_is_done(&b);) {
        size_t n = EXO_MIN(at == 0 && first != 0 ? first : step, len - at);
        feed(&b, bytes + at, n, &out);
        at += n;
    }
    out.done = http_body_is_done(&b);
    return out;
}

// At once, byte by byte, and in two pieces of every size.
static struct outcome run_all(const struct http_head *h, const char *bytes)
{
    struct outcome whole = run(h, bytes, SIZE_MAX, 0);
    for (size_t first = 0; first <= strlen(bytes); first++) {
        struct outcome split = run(h, bytes, first ? SIZE_MAX : 1, first);
        ck_assert_int_eq(split.failed, whole.failed);
        ck_assert_int_eq(split.done, whole.done);
        if (!whole.failed) {
            ck_assert_uint_eq(split.taken, whole.taken);
            ck_assert_str_eq(split.data, whole.data);
        }
    }
    return whole;
}

START_TEST(a_body_of_known_length_ends_where_it_says)
{
    struct http_head h = {.content_length = 5};
    struct outcome out = run_all(&h, "helloGET / HTTP/1.1");
    ck_assert(out.done);
    ck_assert_str_eq(out.data, "hello");
    ck_assert_uint_eq(out.taken, 5);

    struct http_head none = {0};
    struct http_body b;
    http_body_init(&b, &none);
    ck_assert(http_body_is_done(&b));
    ck_assert(!run_all(&h, "hell").done);
}
END_TEST

static const struct {
    const char *bytes;
    int64_t failed;
    bool done;
    const char *data;
} chunked[] = {
    {"0\r\n\r\n", 0, true, ""},
    {"5\r\nhello\r\n0\r\n\r\n", 0, true, "hello"},
    {"5\r\nhello\r\n00a\r\n, chunked!\r\n0\r\n\r\nGET /", 0, true, "hello, chunked!"},
    {"5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n", 0, true, "hello"},
    {"1\r\nA\r\n0\r\nContent-Length: 99\r\nHost: b\r\n\r\n", 0, true, "A"},
    {"1\r\nA\r\n0\r\n", 0, false, "A"},
    {"A\r\nshort", 0, false, "short"},
    {"\r\n", -EXO_EINVAL, false, ""},
    {";x\r\n", -EXO_EINVAL, false, ""},
    {"x\r\n", -EXO_EINVAL, false, ""},
    {"-1\r\n", -EXO_EINVAL, false, ""},
    {"+1\r\nA\r\n", -EXO_EINVAL, false, ""},
    {"0x1\r\nA\r\n", -EXO_EINVAL, false, ""},
    {" 1\r\nA\r\n", -EXO_EINVAL, false, ""},
    {"1 \r\nA\r\n", -EXO_EINVAL, false, ""},
    {"1\nA\n0\n\n", -EXO_EINVAL, false, ""},
    {"1\r\nAB\r\n", -EXO_EINVAL, false, ""},
    {"1\r\nA\n", -EXO_EINVAL, false, ""},
    {"1\r\nA0\r\n\r\n", -EXO_EINVAL, false, ""},
    {"1;a\nb\r\nA\r\n", -EXO_EINVAL, false, ""},
    {"0\r\nX: y\n\r\n", -EXO_EINVAL, false, ""},
    {"0\r\nX: y\rz\r\n", -EXO_EINVAL, false, ""},
    {"0\r\n\rX", -EXO_EINVAL, false, ""},
    {"0\r\n\nX", -EXO_EINVAL, false, ""},
    {"fffffffffffffff\r\n", 0, false, ""},
    {"10000000000000000\r\n", -EXO_EINVAL, false, ""},
    {"ffffffffffffffff\r\n", -EXO_EINVAL, false, ""},
    {"0000000000000000000005\r\nhello", -EXO_EINVAL, false, ""},
};

START_TEST(chunks_are_exact_however_they_are_split)
{
    struct http_head h = {.chunked = true};
    for (size_t i = 0; i < EXO_COUNT(chunked); i++) {
        struct outcome out = run_all(&h, chunked[i].bytes);
        ck_assert_msg(out.failed == chunked[i].failed, "%s -> %d", chunked[i].bytes,
                      (int)out.failed);
        if (out.failed)
            continue;
        ck_assert_msg(out.done == chunked[i].done, "%s", chunked[i].bytes);
        ck_assert_str_eq(out.data, chunked[i].data);
    }
}
END_TEST

START_TEST(what_follows_the_last_chunk_is_left_in_the_stream)
{
    struct http_head h = {.chunked = true};
    struct outcome out = run_all(&h, "1\r\nA\r\n0\r\n\r\nGET /");
    ck_assert_uint_eq(out.taken, strlen("1\r\nA\r\n0\r\n\r\n"));
}
END_TEST

START_TEST(extensions_and_trailers_have_a_limit)
{
    static const char *const begins[] = {"1;", "0\r\nX: ", "0\r\n"};
    for (size_t i = 0; i < EXO_COUNT(begins); i++) {
        struct http_head h = {.chunked = true};
        struct http_body b;
        struct outcome out = {0};
        http_body_init(&b, &h);
        feed(&b, begins[i], strlen(begins[i]), &out);
        for (uint32_t n = 0; n <= HTTP_CHUNK_EXTRA_MAX && !out.failed; n++)
            feed(&b, "x", 1, &out);
        ck_assert_int_eq(out.failed, -EXO_E2BIG);
    }
}
END_TEST

CHECK_MAIN("http.body", a_body_of_known_length_ends_where_it_says,
           chunks_are_exact_however_they_are_split,
           what_follows_the_last_chunk_is_left_in_the_stream, extensions_and_trailers_have_a_limit)
