// SPDX-License-Identifier: MIT
//
// Every request here is also parsed split in two at every byte, and byte by byte: how a
// head arrives must not change what it means.
#include "exo/bits.h"
#include "netstack/app/http.h"
#include "test/support/check_main.h"

#include <stdio.h>
#include <string.h>

static bool text_eq(struct cspan text, const char *expected)
{
    return text.len == strlen(expected) && memcmp(text.ptr, expected, text.len) == 0;
}

static bool same_outcome(const struct http_head *a, const struct http_head *b)
{
    return a->status == b->status && a->bytes == b->bytes && a->method == b->method &&
           a->minor == b->minor && a->keep_alive == b->keep_alive && a->chunked == b->chunked &&
           a->expect_continue == b->expect_continue && a->content_length == b->content_length &&
           a->path.len == b->path.len && a->query.len == b->query.len && a->host.len == b->host.len;
}

// A prefix alone, in memory of exactly its size: reads no further, and never says done.
static void check_prefix(const uint8_t *bytes, size_t len, const struct http_head *whole)
{
    uint8_t *exact = malloc(len ? len : 1);
    memcpy(exact, bytes, len);
    struct http_head h;
    http_head_init(&h);
    enum http_verdict verdict = http_head_input(&h, exact, len);
    if (whole->status == 0 && len < whole->bytes)
        ck_assert_int_eq(verdict, HTTP_MORE);
    if (verdict == HTTP_REFUSED)
        ck_assert_uint_eq(h.status, whole->status);
    free(exact);
}

static struct http_head parse(const char *request, size_t len)
{
    const uint8_t *bytes = (const uint8_t *)request;
    struct http_head whole, h;
    http_head_init(&whole);
    enum http_verdict expected = http_head_input(&whole, bytes, len);
    for (size_t at = 0; at <= len; at++) {
        check_prefix(bytes, at, &whole);
        http_head_init(&h);
        http_head_input(&h, bytes, at);
        ck_assert_int_eq(http_head_input(&h, bytes, len), expected);
        ck_assert(same_outcome(&h, &whole));
    }
    http_head_init(&h);
    for (size_t at = 0; at <= len; at++)
        http_head_input(&h, bytes, at);
    ck_assert(same_outcome(&h, &whole));
    return whole;
}

static const struct {
    const char *request;
    uint16_t status; // 0: accepted
} verdicts[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0}, // one empty line is forgiven
    {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.0\r\n\r\n", 0},
    {"GET / HTTP/1.9\r\nHost: a\r\n\r\n", 0},

    // The request line.
    {"GET / HTTP/1.1\nHost: a\n\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
    {"GET / HTTP/1.1\rHost: a\r\n\r\n", 400},
    {"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
    {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /\r\nHost: a\r\n\r\n", 400}, // HTTP/0.9
    {"GET\r\nHost: a\r\n\r\n", 400},
    {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /#top HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
    {"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/11\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.x\r\nHost: a\r\n\r\n", 400},
    {"PRI * HTTP/2.0\r\n\r\n", 505},

    // Host.
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", 0},
    {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a:80:90\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: 10.0.2.15:8080\r\n\r\n", 0},
    {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400},
    {"GET http://a/ HTTP/1.1\r\n\r\n", 400}, // the target does not replace it
    {"GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},

    // Fields.
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\t2\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX\xe4: 1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: \x1b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX:\t\xe4 \"q\" \r\n\r\n", 0},
    {"GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n", 0},

    // Length.
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 0},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n", 0},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", 0},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
     "Transfer-Encoding: chunked\r\n\r\n",
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
     "chunked\r\n\r\n",
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},

    // Expectations.
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n", 0},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: coffee\r\n\r\n", 417},
    {"POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: coffee\r\n\r\n", 0},
};

START_TEST(each_variant_gets_its_status_however_it_is_split)
{
    for (size_t i = 0; i < EXO_COUNT(verdicts); i++) {
        struct http_head h = parse(verdicts[i].request, strlen(verdicts[i].request));
        ck_assert_msg(h.status == verdicts[i].status, "%s\n-> %u, not %u", verdicts[i].request,
                      h.status, verdicts[i].status);
        if (h.status == 0)
            ck_assert_uint_eq(h.bytes, strlen(verdicts[i].request));
    }
}
END_TEST

START_TEST(a_nul_is_refused_wherever_it_stands)
{
    static const char request[] = "GET /a HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    for (size_t at = 0; at < sizeof request - 1; at++) {
        char copy[sizeof request];
        memcpy(copy, request, sizeof request);
        copy[at] = 0;
        struct http_head h;
        http_head_init(&h);
        enum http_verdict verdict = http_head_input(&h, (uint8_t *)copy, sizeof request - 1);
        // Over the last LF it leaves a head that has not ended.
        ck_assert_int_eq(verdict, at == sizeof request - 2 ? HTTP_MORE : HTTP_REFUSED);
    }
}
END_TEST

START_TEST(the_parts_of_a_request_are_found)
{
    static const char request[] =
        "POST /a/b?c=d?e HTTP/1.1\r\nhOST:  example.org:80 \r\n"
        "Content-Length: 0012\r\nX-Thing: one\r\nx-thing: two\r\n\r\nBODY";
    struct http_head h = parse(request, sizeof request - 1);
    struct cspan value;
    const uint8_t *bytes = (const uint8_t *)request;
    ck_assert_uint_eq(h.status, 0);
    ck_assert_int_eq(h.method, HTTP_POST);
    ck_assert_uint_eq(h.minor, 1);
    ck_assert(text_eq(h.path, "/a/b"));
    ck_assert(text_eq(h.query, "c=d?e"));
    ck_assert(text_eq(h.host, "example.org:80"));
    ck_assert_uint_eq(h.content_length, 12);
    ck_assert_str_eq(request + h.bytes, "BODY");
    ck_assert(http_field(&h, bytes, "X-THING", &value));
    ck_assert(text_eq(value, "one"));
    ck_assert(!http_field(&h, bytes, "x-thin", &value));
    ck_assert(!http_field(&h, bytes, "BODY", &value));
}
END_TEST

START_TEST(the_host_in_an_absolute_target_wins)
{
    static const char both[] = "GET HTTP://a:81/x?y HTTP/1.1\r\nHost: b\r\n\r\n";
    struct http_head h = parse(both, sizeof both - 1);
    ck_assert_uint_eq(h.status, 0);
    ck_assert(text_eq(h.host, "a:81"));
    ck_assert(text_eq(h.path, "/x"));
    ck_assert(text_eq(h.query, "y"));

    static const char bare[] = "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n";
    h = parse(bare, sizeof bare - 1);
    ck_assert_uint_eq(h.status, 0);
    ck_assert(text_eq(h.path, "/"));
    ck_assert(text_eq(h.query, "q"));
}
END_TEST

static bool keeps_alive(const char *version, const char *connection)
{
    char request[200];
    snprintf(request, sizeof request, "GET / HTTP/%s\r\nHost: a\r\n%s\r\n", version, connection);
    struct http_head h = parse(request, strlen(request));
    ck_assert_uint_eq(h.status, 0);
    return h.keep_alive;
}

START_TEST(connections_stay_open_by_version_and_wish)
{
    ck_assert(keeps_alive("1.1", ""));
    ck_assert(!keeps_alive("1.1", "Connection: close\r\n"));
    ck_assert(!keeps_alive("1.1", "Connection: x ,\tCLOSE\r\n"));
    ck_assert(!keeps_alive("1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
    ck_assert(keeps_alive("1.1", "Connection: closed\r\n"));
    ck_assert(!keeps_alive("1.0", ""));
    ck_assert(keeps_alive("1.0", "Connection: Keep-Alive\r\n"));
    ck_assert(!keeps_alive("1.0", "Connection: keep-alive, close\r\n"));
}
END_TEST

static uint16_t status_of(const char *bytes, size_t len)
{
    struct http_head h;
    http_head_init(&h);
    for (size_t at = 0; at <= len; at += 97)
        http_head_input(&h, (const uint8_t *)bytes, at);
    http_head_input(&h, (const uint8_t *)bytes, len);
    return h.status;
}

static void fill(char *at, size_t len, const char *begin, const char *end)
{
    memset(at, 'x', len);
    memcpy(at, begin, strlen(begin));
    memcpy(at + len - strlen(end), end, strlen(end));
}

START_TEST(sizes_have_limits_to_the_byte)
{
    static char bytes[HTTP_HEAD_MAX + 100];
    fill(bytes, HTTP_HEAD_MAX, "GET / HTTP/1.1\r\nHost: a\r\nX: ", "\r\n\r\n");
    ck_assert_uint_eq(status_of(bytes, HTTP_HEAD_MAX), 0);
    fill(bytes, HTTP_HEAD_MAX + 1, "GET / HTTP/1.1\r\nHost: a\r\nX: ", "\r\n\r\n");
    ck_assert_uint_eq(status_of(bytes, HTTP_HEAD_MAX + 1), 431);

    fill(bytes, sizeof bytes, "GET /", "x");
    ck_assert_uint_eq(status_of(bytes, sizeof bytes), 414);
    fill(bytes, sizeof bytes, "GET", "x");
    ck_assert_uint_eq(status_of(bytes, sizeof bytes), 501);
    fill(bytes, sizeof bytes, "GET / HTTP/1.1\r\nX:", "x");
    ck_assert_uint_eq(status_of(bytes, sizeof bytes), 431);
}
END_TEST

START_TEST(fields_are_counted)
{
    char request[4096];
    size_t len = (size_t)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (uint32_t i = 1; i < HTTP_FIELDS_MAX; i++)
        len += (size_t)snprintf(request + len, sizeof request - len, "X%u: y\r\n", i);
    strcpy(request + len, "\r\n");
    ck_assert_uint_eq(status_of(request, len + 2), 0);
    strcpy(request + len, "One-More: y\r\n\r\n");
    ck_assert_uint_eq(status_of(request, strlen(request)), 431);
}
END_TEST

CHECK_MAIN("http.head", each_variant_gets_its_status_however_it_is_split,
           a_nul_is_refused_wherever_it_stands, the_parts_of_a_request_are_found,
           the_host_in_an_absolute_target_wins, connections_stay_open_by_version_and_wish,
           sizes_have_limits_to_the_byte, fields_are_counted)
