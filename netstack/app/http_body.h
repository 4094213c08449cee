// SPDX-License-Identifier: MIT
// http_body.h - the body of a request: of known length, or in chunks.
//
// Works on bytes as they lie in the receive buffer; what it yields points into them.
// Chunk extensions and trailers are bounded and ignored: a trailer never changes how a
// request is framed, routed or authorised (RFC 9110 §6.5.1).
#ifndef NETSTACK_APP_HTTP_BODY_H
#define NETSTACK_APP_HTTP_BODY_H

#include "netstack/app/http.h"

// Bytes of a chunked body that are not data and not the CRLF and size of a chunk:
// extensions and trailers, together.
#define HTTP_CHUNK_EXTRA_MAX 4096u

struct http_body {
    uint64_t left;  // bytes of data that are still to come, of the body or of this chunk
    uint32_t extra; // bytes of extensions and trailers so far
    uint8_t state;  // the parser's own
    uint8_t digits; // of the chunk size so far
};

void http_body_init(struct http_body *b, const struct http_head *h);

// Is the whole body there?
bool http_body_is_done(const struct http_body *b);

// Takes bytes from the stream. Returns how many it has taken and points `data` at the
// body's bytes among them (may be none); call again with the rest until it returns 0,
// which means that the body is done or that more bytes are needed.
//
// Errors: -EXO_EINVAL  the framing is broken: answer 400 and close.
//         -EXO_E2BIG   too many extensions or trailers: answer 431 and close.
// Spec:   RFC 9112 §6.3, §7.1.
int64_t http_body_input(struct http_body *b, struct cspan in, struct cspan *data);

#endif
