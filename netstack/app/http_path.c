// SPDX-License-Identifier: MIT
// http_path.c - a path as sent becomes a path to look up.
#include "exo/err.h"
#include "netstack/app/http.h"

#include <string.h>

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Decodes percent signs, once: what they yield is not looked at again.
static int decode(struct cspan path, char *out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < path.len; i++) {
        int c = path.ptr[i];
        if (c == '%') {
            if (path.len - i < 3)
                return -EXO_EINVAL;
            int high = hex_digit(path.ptr[i + 1]);
            int low = hex_digit(path.ptr[i + 2]);
            if (high < 0 || low < 0)
                return -EXO_EINVAL;
            c = high << 4 | low;
            i += 2;
        }
        if (c < 0x20 || c == 0x7f)
            return -EXO_EINVAL;
        if (n == max)
            return -EXO_E2BIG;
        out[n++] = (char)c;
    }
    return (int)n;
}

// Bytes of the code point at `p`, which is not ASCII; 0 if it is not encoded as RFC 3629 §4
// has it: overlong forms, surrogates and values beyond U+10FFFF included.
static size_t utf8_len(const uint8_t *p, size_t left)
{
    static const struct {
        uint8_t first, last; // of the lead byte
        uint8_t low, high;   // bounds of the byte after it
        uint8_t len;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (p[0] < forms[i].first || p[0] > forms[i].last)
            continue;
        if (forms[i].len > left || p[1] < forms[i].low || p[1] > forms[i].high)
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

static bool is_utf8(const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *)text;
    for (size_t at = 0; at < len;) {
        size_t n = p[at] < 0x80 ? 1 : utf8_len(p + at, len - at);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

// How many bytes of "/.." or "/." begin at `p`, up to the end of the segment; else 0.
static size_t dot_segment(const char *p, size_t left)
{
    size_t dots = 0;
    while (1 + dots < left && p[1 + dots] == '.')
        dots++;
    bool whole = 1 + dots == left || p[1 + dots] == '/';
    return whole && (dots == 1 || dots == 2) ? 1 + dots : 0;
}

// Removes dot segments in place (RFC 3986 §5.2.4): ".." takes the segment before it
// away, and nothing if there is none.
static size_t remove_dots(char *path, size_t len)
{
    size_t to = 0;
    for (size_t at = 0; at < len;) {
        size_t dots = dot_segment(path + at, len - at);
        if (dots == 0) {
            do
                path[to++] = path[at++];
            while (at < len && path[at] != '/');
            continue;
        }
        if (dots == 3)
            while (to > 0 && path[--to] != '/') {
            }
        at += dots;
        if (at == len)
            path[to++] = '/'; // "/a/." is the directory "/a/"
    }
    return to;
}

int http_path(struct cspan path, char *out, size_t out_bytes)
{
    if (path.len == 0 || path.ptr[0] != '/')
        return -EXO_EINVAL;
    if (out_bytes < 2)
        return -EXO_E2BIG;
    int len = decode(path, out, out_bytes - 1);
    if (len < 0)
        return len;
    if (!is_utf8(out, (size_t)len))
        return -EXO_EINVAL;
    size_t clean = remove_dots(out, (size_t)len);
    out[clean] = '\0';
    return (int)clean;
}
