// SPDX-License-Identifier: MIT
// http.c - requests as a stranger writes them: head, fields, path and body.
//
// Two readers that disagree about where a request ends are how one is smuggled past the other,
// so whatever is accepted is read a second time, byte by byte and field by field.
#include "exo/bits.h"
#include "netstack/app/http_body.h"
#include "test/fuzz/targets.h"
#include "test/support/net_fixture.h"

// --- the head ------------------------------------------------------------------------

// The same bytes, a few more each time.
static enum http_verdict read_in_pieces(struct http_head *h, const uint8_t *bytes, size_t len,
                                        size_t step)
{
    enum http_verdict verdict = HTTP_MORE;
    http_head_init(h);
    for (size_t at = 0; verdict == HTTP_MORE && at < len;) {
        at = EXO_MIN(at + step, len);
        verdict = http_head_input(h, bytes, at);
    }
    return verdict;
}

static bool text_eq(struct cspan x, struct cspan y)
{
    return x.ptr == y.ptr && x.len == y.len;
}

static void check_same(const struct http_head *x, const struct http_head *y)
{
    exo_assert(x->status == y->status);
    if (x->status)
        return;
    exo_assert(x->bytes == y->bytes && x->method == y->method && x->minor == y->minor);
    exo_assert(x->keep_alive == y->keep_alive && x->chunked == y->chunked);
    exo_assert(x->content_length == y->content_length);
    exo_assert(text_eq(x->path, y->path) && text_eq(x->query, y->query));
    exo_assert(text_eq(x->host, y->host));
}

static void check_lines(const uint8_t *bytes, size_t len)
{
    exo_assert(len >= 4 && memcmp(bytes + len - 4, "\r\n\r\n", 4) == 0);
    for (size_t i = 0; i < len; i++) {
        exo_assert(bytes[i] != 0);
        exo_assert(bytes[i] != '\n' || (i != 0 && bytes[i - 1] == '\r'));
        exo_assert(bytes[i] != '\r' || bytes[i + 1] == '\n');
    }
}

// What decides the length of the body, said at most in one way.
static void check_framing(const struct http_head *h, const uint8_t *bytes)
{
    struct cspan value;
    const bool has_length = http_field(h, bytes, "content-length", &value);
    exo_assert(!has_length || (value.len != 0 && !h->chunked));
    const bool has_coding = http_field(h, bytes, "Transfer-Encoding", &value);
    exo_assert(has_coding == h->chunked && !(has_coding && h->minor == 0));
    exo_assert(has_length || h->content_length == 0);
    exo_assert(h->minor == 0 || http_field(h, bytes, "HOST", &value));
}

static void check_path(const struct http_head *h)
{
    char path[256];
    const int len = http_path(h->path, path, sizeof path);
    if (len < 0)
        return;
    exo_assert(len != 0 && (size_t)len < sizeof path && strlen(path) == (size_t)len);
    exo_assert(path[0] == '/' && !strstr(path, "/../") && !strstr(path, "/./"));
    exo_assert(len < 3 || strcmp(path + len - 3, "/..") != 0);
}

// --- the body ------------------------------------------------------------------------

struct digest { // of a body: what it said, where it ended
    uint64_t sum;
    size_t taken;
    int64_t failed;
    bool done;
};

static struct digest read_body(const struct http_head *h, const uint8_t *bytes, size_t len,
                               size_t step)
{
    struct http_body body;
    struct digest d = {.sum = 5381};
    http_body_init(&body, h);
    for (size_t end = 0; end < len && !d.failed && !http_body_is_done(&body);) {
        end = EXO_MIN(end + step, len);
        for (int64_t n = 1; n > 0 && d.taken < end;) {
            struct cspan data;
            n = http_body_input(&body, (struct cspan){bytes + d.taken, end - d.taken}, &data);
            d.failed = EXO_MIN(n, 0);
            if (n < 0)
                break;
            exo_assert((uint64_t)n <= end - d.taken && data.len <= (uint64_t)n);
            for (size_t i = 0; i < data.len; i++)
                d.sum = d.sum * 33 + data.ptr[i];
            d.taken += (size_t)n;
        }
    }
    d.done = http_body_is_done(&body);
    return d;
}

static void check_body(const struct http_head *h, const uint8_t *bytes, size_t len, size_t step)
{
    uint8_t *rest = fixture_exact(bytes, len);
    const struct digest whole = read_body(h, rest, len, SIZE_MAX / 2);
    const struct digest split = read_body(h, rest, len, step);
    exo_assert(whole.failed == split.failed && whole.done == split.done);
    exo_assert(whole.failed || (whole.sum == split.sum && whole.taken == split.taken));
    free(rest);
}

// --- the target ----------------------------------------------------------------------

// The first byte says in what pieces the request comes.
void fuzz_run_http(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return;
    struct http_head whole, split;
    const size_t step = 1 + bytes[0] % 16;
    uint8_t *copy = fixture_exact(bytes + 1, len - 1);
    len--;
    http_head_init(&whole);
    const enum http_verdict verdict = http_head_input(&whole, copy, len);
    exo_assert(len == 0 || read_in_pieces(&split, copy, len, step) == verdict);
    exo_assert((verdict == HTTP_REFUSED) == (whole.status != 0));
    if (verdict != HTTP_MORE)
        check_same(&whole, &split);
    if (verdict == HTTP_DONE) {
        exo_assert(whole.bytes <= len && whole.bytes <= HTTP_HEAD_MAX);
        check_lines(copy, whole.bytes);
        check_framing(&whole, copy);
        check_path(&whole);
        check_body(&whole, copy + whole.bytes, len - whole.bytes, step);
    }
    free(copy);
}

size_t fuzz_seed_http(uint8_t *out)
{
    static const char request[] = "\003POST http://a.example:80/x/%2e%2e/y?q=1 HTTP/1.1\r\n"
                                  "Host: a.example\r\n"
                                  "Connection: keep-alive, close\r\n"
                                  "Expect: 100-continue\r\n"
                                  "Transfer-Encoding: chunked\r\n"
                                  "\r\n"
                                  "5;a=\"b\"\r\nhello\r\n00a\r\n, chunked!\r\n"
                                  "0\r\nContent-Length: 3\r\n\r\nGET /";
    memcpy(out, request, sizeof request - 1);
    return sizeof request - 1;
}
