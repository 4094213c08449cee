// SPDX-License-Identifier: MIT
// http_body.c - body framing.
#include "netstack/app/http_body.h"

#include "exo/bits.h"
#include "exo/err.h"

// chunk = size [ ext ] CRLF data CRLF; then "0" [ ext ] CRLF *( trailer CRLF ) CRLF.
enum state {
    DONE,
    PLAIN,     // `left` bytes of a body of known length
    SIZE,      // hexadecimal digits
    EXTENSION, // behind ';', up to CR
    SIZE_LF,   // the LF behind the size line
    DATA,      // `left` bytes of a chunk
    DATA_CR,   // the CRLF behind them
    DATA_LF,
    TRAILER_START, // first byte of a trailer line
    TRAILER,       // the rest of one, up to CR
    TRAILER_LF,
    LAST_LF, // the LF behind the empty line that ends it all
};

void http_body_init(struct http_body *b, const struct http_head *h)
{
    *b = (struct http_body){.left = h->content_length};
    if (h->chunked)
        b->state = SIZE;
    else
        b->state = h->content_length != 0 ? PLAIN : DONE;
}

bool http_body_is_done(const struct http_body *b)
{
    return b->state == DONE;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int go(struct http_body *b, enum state state)
{
    b->state = (uint8_t)state;
    return 0;
}

// Goes to `next` if the byte is the one that must stand here.
static int expect(struct http_body *b, uint8_t c, uint8_t wanted, enum state next)
{
    return c == wanted ? go(b, next) : -EXO_EINVAL;
}

static int size_byte(struct http_body *b, uint8_t c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        if (b->digits == 15) // more would not fit the signed 64 bits of our result
            return -EXO_EINVAL;
        b->digits++;
        b->left = b->left << 4 | (uint64_t)digit;
        return 0;
    }
    if (b->digits == 0)
        return -EXO_EINVAL;
    if (c == ';')
        return go(b, EXTENSION);
    return expect(b, c, '\r', SIZE_LF);
}

static int size_line_end(struct http_body *b, uint8_t c)
{
    b->digits = 0;
    return expect(b, c, '\n', b->left != 0 ? DATA : TRAILER_START);
}

// Extensions and trailers are read over, but not without end; a bare LF in them is as
// wrong as anywhere.
static int extra_byte(struct http_body *b, uint8_t c, enum state at_cr)
{
    if (c == '\r')
        return go(b, at_cr);
    if (c == '\n' || c == 0)
        return -EXO_EINVAL;
    return ++b->extra > HTTP_CHUNK_EXTRA_MAX ? -EXO_E2BIG : 0;
}

static int framing_byte(struct http_body *b, uint8_t c)
{
    switch ((enum state)b->state) {
    case SIZE:
        return size_byte(b, c);
    case EXTENSION:
        return extra_byte(b, c, SIZE_LF);
    case SIZE_LF:
        return size_line_end(b, c);
    case DATA_CR:
        return expect(b, c, '\r', DATA_LF);
    case DATA_LF:
        return expect(b, c, '\n', SIZE);
    case TRAILER_START:
        go(b, TRAILER);
        return extra_byte(b, c, LAST_LF);
    case TRAILER:
        return extra_byte(b, c, TRAILER_LF);
    case TRAILER_LF:
        return expect(b, c, '\n', TRAILER_START);
    case LAST_LF:
        return expect(b, c, '\n', DONE);
    case DONE:
    case PLAIN:
    case DATA:
        break;
    }
    return -EXO_EINVAL;
}

static bool is_at_data(const struct http_body *b)
{
    return b->state == PLAIN || b->state == DATA;
}

int64_t http_body_input(struct http_body *b, struct cspan in, struct cspan *data)
{
    size_t at = 0;
    *data = (struct cspan){in.ptr, 0};
    while (at < in.len && b->state != DONE && !is_at_data(b)) {
        int failed = framing_byte(b, in.ptr[at]);
        if (failed)
            return failed;
        at++;
    }
    if (at == in.len || !is_at_data(b))
        return (int64_t)at;
    size_t n = (size_t)EXO_MIN((uint64_t)(in.len - at), b->left);
    *data = (struct cspan){in.ptr + at, n};
    b->left -= n;
    if (b->left == 0)
        go(b, b->state == PLAIN ? DONE : DATA_CR);
    return (int64_t)(at + n);
}
