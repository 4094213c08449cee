// SPDX-License-Identifier: MIT
#include "netstack/app/http_reply.h"
#include "test/support/check_main.h"

#include <string.h>

static const char *emit(const struct http_reply *reply)
{
    static uint8_t text[512];
    size_t len = http_reply_emit(reply, (struct span){text, sizeof text - 1});
    text[len] = 0;
    return (const char *)text;
}

START_TEST(heads_are_written_as_the_rfc_has_them)
{
    struct http_reply page = {.status = 200, .type = "text/html", .length = UINT64_MAX};
    ck_assert_str_eq(emit(&page), "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                                  "Content-Length: 18446744073709551615\r\n\r\n");
    struct http_reply method = {.status = 405, .extra = "Allow: GET, HEAD\r\n", .close = true};
    ck_assert_str_eq(emit(&method), "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n"
                                    "Allow: GET, HEAD\r\nConnection: close\r\n\r\n");
    struct http_reply old = {.status = 404, .keep_alive_1_0 = true};
    ck_assert_str_eq(emit(&old), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
                                 "Connection: keep-alive\r\n\r\n");
}
END_TEST

START_TEST(answers_without_a_body_name_no_length)
{
    struct http_reply go_on = {.status = 100};
    ck_assert_str_eq(emit(&go_on), "HTTP/1.1 100 Continue\r\n\r\n");
    struct http_reply none = {.status = 204};
    ck_assert_str_eq(emit(&none), "HTTP/1.1 204 No Content\r\n\r\n");
    struct http_reply same = {.status = 304};
    ck_assert_str_eq(emit(&same), "HTTP/1.1 304 Not Modified\r\n\r\n");
}
END_TEST

START_TEST(a_head_that_does_not_fit_is_not_written)
{
    struct http_reply page = {.status = 200, .type = "text/plain", .length = 7};
    size_t whole = strlen(emit(&page));
    for (size_t max = 0; max <= whole; max++) {
        uint8_t *exact = malloc(max ? max : 1);
        size_t len = http_reply_emit(&page, (struct span){exact, max});
        ck_assert_uint_eq(len, max == whole ? whole : 0);
        free(exact);
    }
}
END_TEST

CHECK_MAIN("http.reply", heads_are_written_as_the_rfc_has_them,
           answers_without_a_body_name_no_length, a_head_that_does_not_fit_is_not_written)
