// SPDX-License-Identifier: MIT
// http_reply.c - writes the head of an answer.
#include "netstack/app/http_reply.h"

#include "exo/bits.h"
#include "netstack/base/text.h"

#include <string.h>

const char *http_reason(uint16_t status)
{
    static const struct {
        uint16_t status;
        const char *reason;
    } known[] = {
        {100, "Continue"},
        {200, "OK"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < EXO_COUNT(known); i++)
        if (known[i].status == status)
            return known[i].reason;
    return "Unknown";
}

// A place to append to. Once something did not fit, nothing more is written.
struct writer {
    struct span out;
    size_t len;
    bool full;
};

static void put(struct writer *w, const void *bytes, size_t len)
{
    if (w->full || len > w->out.len - w->len) {
        w->full = true;
        return;
    }
    memcpy(w->out.ptr + w->len, bytes, len);
    w->len += len;
}

static void put_text(struct writer *w, const char *text)
{
    size_t len = 0;
    while (text[len])
        len++;
    put(w, text, len);
}

#define PUT(w, literal) put(w, literal, sizeof(literal) - 1)

static void put_number(struct writer *w, uint64_t value)
{
    char digits[TEXT_DECIMAL_MAX];
    char *end = digits + sizeof digits;
    const char *at = text_decimal(end, value);
    put(w, at, (size_t)(end - at));
}

// Answers that cannot have a body say nothing about its length (RFC 9110 §8.6).
static bool has_length(uint16_t status)
{
    return status >= 200 && status != 204 && status != 304;
}

size_t http_reply_emit(const struct http_reply *reply, struct span out)
{
    struct writer w = {.out = out};
    PUT(&w, "HTTP/1.1 ");
    put_number(&w, reply->status);
    PUT(&w, " ");
    put_text(&w, http_reason(reply->status));
    if (reply->type) {
        PUT(&w, "\r\nContent-Type: ");
        put_text(&w, reply->type);
    }
    if (has_length(reply->status)) {
        PUT(&w, "\r\nContent-Length: ");
        put_number(&w, reply->type ? reply->length : 0);
    }
    PUT(&w, "\r\n");
    if (reply->extra)
        put_text(&w, reply->extra);
    if (reply->close)
        PUT(&w, "Connection: close\r\n");
    else if (reply->keep_alive_1_0)
        PUT(&w, "Connection: keep-alive\r\n");
    PUT(&w, "\r\n");
    return w.full ? 0 : w.len;
}
