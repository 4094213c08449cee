// SPDX-License-Identifier: MIT
// http.h - the head of an HTTP/1.1 request, read strictly and in one pass.
//
// The parser copies and allocates nothing: its results point into the caller's bytes. A
// line is looked at once, when it is complete, so the pieces in which a head arrives
// change neither the result nor the cost.
//
// Strict means: wherever two readers could disagree about where a request ends or whom
// it is for, it is refused (RFC 9112 §11.2). Bare CR or LF, folded lines, blanks before
// the colon, a second Host or Content-Length, Content-Length beside Transfer-Encoding:
// all refused. After a refusal answer with `status` and close: what follows in the
// stream is not a request.
//
// The body is http_body.h, the answer http_reply.h.
#ifndef NETSTACK_APP_HTTP_H
#define NETSTACK_APP_HTTP_H

#include "exo/span.h"

#include <stdbool.h>

#define HTTP_HEAD_MAX   8192u // bytes of a head, request line and last empty line included
#define HTTP_FIELDS_MAX 100u  // header fields of one request

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_TRACE,
    HTTP_PATCH,
};

enum http_verdict {
    HTTP_MORE,    // the head is not complete: come again with more bytes
    HTTP_DONE,    // the request is in struct http_head
    HTTP_REFUSED, // answer `status` and close
};

struct http_head {
    // The request, valid after HTTP_DONE.
    enum http_method method;
    uint8_t minor;           // HTTP/1.0 or HTTP/1.1; a later 1.x counts as 1.1
    bool keep_alive;         // the connection may stay open after the answer
    bool chunked;            // the body comes in chunks; content_length is 0
    bool expect_continue;    // the client waits for "100 Continue" before it sends the body
    uint64_t content_length; // bytes of the body, 0 if it has none
    struct cspan path;       // as sent: "/…", not decoded (see http_path), or "*"
    struct cspan query;      // behind the first '?', or empty
    struct cspan host;       // with its port if one was sent; empty in 1.0 without Host
    uint32_t bytes;          // length of the head: the body begins here

    uint16_t status; // after HTTP_REFUSED: 400, 414, 417, 431, 501 or 505

    // The parser's own.
    uint32_t line;      // offset of the line that is not complete yet
    uint32_t scanned;   // no line end lies between `line` and here
    uint16_t fields;    // header fields so far
    bool has_request;   // the request line is done
    bool skipped_blank; // an empty line before it was forgiven
    bool absolute;      // the target named the host, which then wins over Host
    bool has_host;
    bool has_length;
    bool has_coding; // Transfer-Encoding
    bool says_close; // Connection
    bool says_keep;
};

static inline void http_head_init(struct http_head *h)
{
    *h = (struct http_head){0};
}

// Looks at the request that begins at `bytes`, of which `len` have arrived. After
// HTTP_MORE call again with the same bytes at the same address and more behind them;
// with bytes that have moved, start over with http_head_init.
//
// Spec: RFC 9112 §2.2, §3, §5, §6; RFC 9110 §7.2, §10.1.1.
enum http_verdict http_head_input(struct http_head *h, const uint8_t *bytes, size_t len);

// The value of the first field `name` (compared without case) of a complete head at
// `bytes`. Returns false if there is none.
bool http_field(const struct http_head *h, const uint8_t *bytes, const char *name,
                struct cspan *value);

// Compares text with a literal, ASCII letters without case / exactly.
bool http_text_is(struct cspan text, const char *literal);
bool http_text_equals(struct cspan text, const char *literal);

// Decodes a path into `out`, with a zero behind it: percent signs once, then dot
// segments away (RFC 3986 §5.2.4), so that nothing climbs above the root. Returns its
// length without the zero.
//
// Errors: -EXO_EINVAL  it does not begin with '/', a percent sign without two digits
//         behind it, an encoded NUL or control character, or not UTF-8 (RFC 3629).
//         -EXO_E2BIG   longer than out_bytes - 1 before dot segments are removed.
int http_path(struct cspan path, char *out, size_t out_bytes);

#endif
