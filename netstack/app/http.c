// SPDX-License-Identifier: MIT
// http.c - the head of an HTTP/1.1 request.
#include "netstack/app/http.h"

#include "exo/assert.h"
#include "exo/bits.h"

#include <string.h>

// --- characters and text ---------------------------------------------------------

enum {
    TOKEN = 1,  // RFC 9110 §5.6.2: methods, field names, list members
    VALUE = 2,  // RFC 9110 §5.5: field-vchar, obs-text, SP, HTAB; no other control
    TARGET = 4, // RFC 3986 §3.3, §3.4: what a path or a query may hold, '%' included
    HOST = 8,   // RFC 3986 §3.2.2: reg-name and IPv4address
    DIGIT = 16,
    BLANK = 32, // RFC 9110 §5.6.3
    COLON = 64, // which an IPv6 literal holds
};

#define LETTER (TOKEN | VALUE | TARGET | HOST)

static const uint8_t classes[256] = {
    ['a' ... 'z'] = LETTER,
    ['A' ... 'Z'] = LETTER,
    ['0' ... '9'] = LETTER | DIGIT,
    ['-'] = LETTER,
    ['.'] = LETTER,
    ['_'] = LETTER,
    ['~'] = LETTER,
    ['!'] = LETTER,
    ['$'] = LETTER,
    ['&'] = LETTER,
    ['\''] = LETTER,
    ['*'] = LETTER,
    ['+'] = LETTER,
    ['%'] = LETTER,
    ['('] = VALUE | TARGET | HOST,
    [')'] = VALUE | TARGET | HOST,
    [','] = VALUE | TARGET | HOST,
    [';'] = VALUE | TARGET | HOST,
    ['='] = VALUE | TARGET | HOST,
    [':'] = VALUE | TARGET | COLON,
    ['@'] = VALUE | TARGET,
    ['/'] = VALUE | TARGET,
    ['?'] = VALUE | TARGET,
    ['['] = VALUE | TARGET, // the RFC wants these five encoded in a target, but browsers
    [']'] = VALUE | TARGET, // send them as they are
    ['{'] = VALUE | TARGET,
    ['}'] = VALUE | TARGET,
    ['|'] = VALUE | TARGET | TOKEN,
    ['#'] = VALUE | TOKEN,
    ['^'] = VALUE | TOKEN,
    ['`'] = VALUE | TOKEN,
    ['"'] = VALUE,
    ['<'] = VALUE,
    ['>'] = VALUE,
    ['\\'] = VALUE,
    [' '] = VALUE | BLANK,
    ['\t'] = VALUE | BLANK,
    [0x80 ... 0xff] = VALUE,
};

static bool is_all(struct cspan text, uint8_t class)
{
    uint8_t in_all = class;
    for (size_t i = 0; i < text.len; i++)
        in_all &= classes[text.ptr[i]];
    return in_all == class;
}

static struct cspan from(struct cspan text, size_t at)
{
    return (struct cspan){text.ptr + at, text.len - at};
}

static struct cspan upto(struct cspan text, size_t len)
{
    return (struct cspan){text.ptr, len};
}

// Offset of the first `c`, or the length if there is none.
static size_t find(struct cspan text, uint8_t c)
{
    size_t i = 0;
    while (i < text.len && text.ptr[i] != c)
        i++;
    return i;
}

// Takes those characters off that the text begins with and that are in `any_of` the classes.
static struct cspan take(struct cspan *text, uint8_t any_of)
{
    size_t len = 0;
    while (len < text->len && classes[text->ptr[len]] & any_of)
        len++;
    struct cspan taken = upto(*text, len);
    *text = from(*text, len);
    return taken;
}

// Takes one `c` off if the text begins with it.
static bool skip(struct cspan *text, uint8_t c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    *text = from(*text, 1);
    return true;
}

static struct cspan trim(struct cspan text)
{
    take(&text, BLANK);
    while (text.len != 0 && classes[text.ptr[text.len - 1]] & BLANK)
        text.len--;
    return text;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool http_text_is(struct cspan text, const char *literal)
{
    size_t i = 0;
    while (i < text.len && literal[i] && lower(text.ptr[i]) == lower((uint8_t)literal[i]))
        i++;
    return i == text.len && !literal[i];
}

bool http_text_equals(struct cspan text, const char *literal)
{
    size_t i = 0;
    while (i < text.len && literal[i] && text.ptr[i] == (uint8_t)literal[i])
        i++;
    return i == text.len && !literal[i];
}

// Takes the next member off a comma-separated list; empty members do not count
// (RFC 9110 §5.6.1.2). Returns false at its end.
static bool next_member(struct cspan *list, struct cspan *member)
{
    while (list->len != 0) {
        size_t comma = find(*list, ',');
        *member = trim(upto(*list, comma));
        *list = from(*list, EXO_MIN(comma + 1, list->len));
        if (member->len != 0)
            return true;
    }
    return false;
}

// --- the request line ------------------------------------------------------------

static void refuse(struct http_head *h, uint16_t status)
{
    if (h->status == 0)
        h->status = status;
}

static bool parse_method(struct cspan text, enum http_method *method)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT",     [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
        [HTTP_TRACE] = "TRACE", [HTTP_PATCH] = "PATCH",
    };
    for (size_t i = 0; i < EXO_COUNT(names); i++) {
        if (http_text_equals(text, names[i])) {
            *method = (enum http_method)i;
            return true;
        }
    }
    return false;
}

// Host and an optional port (RFC 9110 §7.2). A name that is empty names nobody.
static bool is_host(struct cspan text)
{
    const bool literal = skip(&text, '[');
    const struct cspan name = take(&text, literal ? HOST | COLON : HOST);
    if (name.len == 0 || (literal && !skip(&text, ']')))
        return false;
    return text.len == 0 || (skip(&text, ':') && is_all(text, DIGIT));
}

static void set_path(struct http_head *h, struct cspan target)
{
    size_t mark = find(target, '?');
    h->path = upto(target, mark);
    h->query = from(target, EXO_MIN(mark + 1, target.len));
}

// "http://host/path" (RFC 9112 §3.2.2): the host in the target wins. An empty path
// means the root, which a client would otherwise have sent as "/".
static bool parse_absolute(struct http_head *h, struct cspan target)
{
    static const uint8_t root[] = {'/'};
    const size_t scheme_len = sizeof "http://" - 1;
    if (target.len < scheme_len || !http_text_is(upto(target, scheme_len), "http://"))
        return false;
    struct cspan rest = from(target, scheme_len);
    size_t end = EXO_MIN(find(rest, '/'), find(rest, '?'));
    if (!is_host(upto(rest, end)))
        return false;
    h->host = upto(rest, end);
    h->absolute = true;
    set_path(h, from(rest, end));
    if (h->path.len == 0)
        h->path = (struct cspan){root, sizeof root};
    return true;
}

static bool parse_target(struct http_head *h, struct cspan target)
{
    if (target.ptr[0] == '/') {
        set_path(h, target);
        return true;
    }
    if (http_text_equals(target, "*") && h->method == HTTP_OPTIONS) {
        h->path = target;
        return true;
    }
    return parse_absolute(h, target);
}

// "HTTP/" DIGIT "." DIGIT, in capitals (RFC 9112 §2.3).
static uint16_t parse_version(struct http_head *h, struct cspan text)
{
    if (text.len != 8 || memcmp(text.ptr, "HTTP/", 5) != 0 || text.ptr[6] != '.' ||
        !(classes[text.ptr[5]] & classes[text.ptr[7]] & DIGIT))
        return 400;
    if (text.ptr[5] != '1')
        return 505;
    h->minor = text.ptr[7] != '0';
    return 0;
}

// method SP request-target SP HTTP-version, each blank exactly one (RFC 9112 §3).
static void parse_request_line(struct http_head *h, struct cspan line)
{
    h->has_request = true;
    struct cspan method = take(&line, TOKEN);
    if (method.len == 0 || !skip(&line, ' '))
        return refuse(h, 400);
    struct cspan target = take(&line, TARGET);
    if (target.len == 0 || !skip(&line, ' '))
        return refuse(h, 400);
    uint16_t status = parse_version(h, line);
    if (status != 0)
        return refuse(h, status);
    if (!parse_method(method, &h->method))
        return refuse(h, 501);
    if (!parse_target(h, target))
        return refuse(h, 400);
}

// --- header fields ---------------------------------------------------------------

static void take_host(struct http_head *h, struct cspan value)
{
    if (h->has_host || !is_host(value))
        return refuse(h, 400);
    h->has_host = true;
    if (!h->absolute)
        h->host = value;
}

// Digits only and only once: the RFC lets us refuse even equal repetitions (§6.3 (5)).
static void take_content_length(struct http_head *h, struct cspan value)
{
    if (h->has_length || value.len == 0 || !is_all(value, DIGIT))
        return refuse(h, 400);
    h->has_length = true;
    for (size_t i = 0; i < value.len; i++) {
        uint64_t digit = (uint64_t)(value.ptr[i] - '0');
        if (__builtin_mul_overflow(h->content_length, 10u, &h->content_length) ||
            __builtin_add_overflow(h->content_length, digit, &h->content_length))
            return refuse(h, 400);
    }
}

// "chunked", once and last (RFC 9112 §6.1). We decode no other coding: 501.
static void take_transfer_encoding(struct http_head *h, struct cspan value)
{
    struct cspan coding;
    h->has_coding = true;
    while (next_member(&value, &coding)) {
        if (h->chunked)
            return refuse(h, 400);
        if (!http_text_is(coding, "chunked"))
            return refuse(h, 501);
        h->chunked = true;
    }
}

static void take_connection(struct http_head *h, struct cspan value)
{
    struct cspan option;
    while (next_member(&value, &option)) {
        if (http_text_is(option, "close"))
            h->says_close = true;
        else if (http_text_is(option, "keep-alive"))
            h->says_keep = true;
    }
}

// RFC 9110 §10.1.1: there is one expectation, and HTTP/1.0 clients cannot have it.
static void take_expect(struct http_head *h, struct cspan value)
{
    if (h->minor == 0)
        return;
    if (!http_text_is(value, "100-continue"))
        return refuse(h, 417);
    h->expect_continue = true;
}

static void take_field(struct http_head *h, struct cspan name, struct cspan value)
{
    if (http_text_is(name, "host"))
        take_host(h, value);
    else if (http_text_is(name, "content-length"))
        take_content_length(h, value);
    else if (http_text_is(name, "transfer-encoding"))
        take_transfer_encoding(h, value);
    else if (http_text_is(name, "connection"))
        take_connection(h, value);
    else if (http_text_is(name, "expect"))
        take_expect(h, value);
}

// Splits "name: value". A blank in front of the line (folding, RFC 9112 §5.2) or of the
// colon (§5.1) is no token character, so both fail here.
static bool split_field(struct cspan line, struct cspan *name, struct cspan *value)
{
    *name = take(&line, TOKEN);
    if (name->len == 0 || !skip(&line, ':'))
        return false;
    *value = trim(line);
    return is_all(*value, VALUE);
}

static void parse_field(struct http_head *h, struct cspan line)
{
    struct cspan name, value;
    if (!split_field(line, &name, &value))
        return refuse(h, 400);
    if (h->fields == HTTP_FIELDS_MAX)
        return refuse(h, 431);
    h->fields++;
    take_field(h, name, value);
}

// --- the head as a whole ---------------------------------------------------------

// What can only be judged once every field is known.
static void finish(struct http_head *h)
{
    if ((h->minor >= 1) & !h->has_host)
        refuse(h, 400); // RFC 9112 §3.2
    if (h->has_coding && (h->has_length || h->minor == 0 || !h->chunked))
        refuse(h, 400);                                                // RFC 9112 §6.1, §6.3
    h->keep_alive = ((h->minor >= 1) | h->says_keep) & !h->says_close; // RFC 9112 §9.3
    if (h->status == 0)
        h->bytes = h->line;
}

// `line` ends before its LF.
static void take_line(struct http_head *h, struct cspan line)
{
    if (line.len == 0 || line.ptr[line.len - 1] != '\r')
        return refuse(h, 400); // a bare LF
    line.len--;
    if (h->has_request && line.len == 0)
        finish(h);
    else if (h->has_request)
        parse_field(h, line);
    else if (line.len == 0 && !h->skipped_blank)
        h->skipped_blank = true; // RFC 9112 §2.2: some clients end a body with one
    else
        parse_request_line(h, line);
}

// A head that does not end in time: too long a target, or too many or too large fields.
static uint16_t too_long(const struct http_head *h, struct cspan seen)
{
    if (h->has_request)
        return 431;
    return find(from(seen, h->line), ' ') == seen.len - h->line ? 501 : 414;
}

enum http_verdict http_head_input(struct http_head *h, const uint8_t *bytes, size_t len)
{
    exo_assert(len >= h->scanned);
    struct cspan seen = {bytes, EXO_MIN(len, HTTP_HEAD_MAX)};
    while (h->status == 0 && h->bytes == 0) {
        size_t lf = h->scanned + find(from(seen, h->scanned), '\n');
        h->scanned = (uint32_t)lf;
        if (lf == seen.len) {
            if (lf < HTTP_HEAD_MAX)
                return HTTP_MORE;
            refuse(h, too_long(h, seen));
            break;
        }
        struct cspan line = {bytes + h->line, lf - h->line};
        h->scanned = (uint32_t)lf + 1;
        h->line = h->scanned;
        take_line(h, line);
    }
    return h->status != 0 ? HTTP_REFUSED : HTTP_DONE;
}

bool http_field(const struct http_head *h, const uint8_t *bytes, const char *name,
                struct cspan *value)
{
    struct cspan rest = {bytes, h->bytes};
    if (h->skipped_blank)
        rest = from(rest, 2);
    rest = from(rest, find(rest, '\n') + 1);
    while (rest.len > 2) { // the last line is empty
        size_t lf = find(rest, '\n');
        struct cspan found;
        if (split_field(upto(rest, lf - 1), &found, value) && http_text_is(found, name))
            return true;
        rest = from(rest, lf + 1);
    }
    return false;
}
