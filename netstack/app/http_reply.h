// SPDX-License-Identifier: MIT
// http_reply.h - the head of an HTTP/1.1 answer, written straight into a send buffer.
#ifndef NETSTACK_APP_HTTP_REPLY_H
#define NETSTACK_APP_HTTP_REPLY_H

#include "exo/span.h"

#include <stdbool.h>

#define HTTP_REPLY_MAX 256u // bytes of a head without `extra` and with a type below 64 bytes

struct http_reply {
    uint16_t status;     // 100 … 599
    const char *type;    // Content-Type, or null: no body (Content-Length is 0 then)
    uint64_t length;     // of the body, which HEAD does not get
    const char *extra;   // further fields, each with its CRLF, or null
    bool close;          // "Connection: close": the last answer of this connection
    bool keep_alive_1_0; // say "Connection: keep-alive", which a 1.0 client needs to hear
};

// The phrase for a status code; "Unknown" for one that is not in RFC 9110 §15.
const char *http_reason(uint16_t status);

// Writes the head with its empty line. Returns its length, or 0 if it does not fit.
size_t http_reply_emit(const struct http_reply *reply, struct span out);

#endif
