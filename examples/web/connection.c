// SPDX-License-Identifier: MIT
// connection.c - one connection: requests are read and answered in order.
//
// The head of a request is parsed where the stack received it. Only one that comes in
// pieces is gathered, in memory that is given back after the answer.
#include "core/clock.h"
#include "examples/web/web.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "netstack/app/http_body.h"
#include "netstack/app/http_reply.h"
#include "sdk/glue/run.h"

#include <stdlib.h>
#include <string.h>

#define IDLE_NS   EXO_S(60) // between two requests
#define CROWD_NS  EXO_S(2)  // the same while others wait to be served
#define HEAD_NS   EXO_S(10) // from the first byte of a head to its last
#define BODY_NS   EXO_S(10) // for a whole body
#define SEND_NS   EXO_S(30) // without any progress
#define LINGER_NS EXO_S(2)  // after our FIN, for the peer's

#define PATH_BYTES 256u        // no page has a longer path
#define BODY_MAX   (64u << 10) // of a request; nobody here wants one
#define LINGER_MAX (256u << 10)

exo_ns connection_send_deadline(void)
{
    return core_clock_now() + SEND_NS;
}

int connection_send(struct connection *c, const void *bytes, size_t len)
{
    return sock_send(c->sock, bytes, len, connection_send_deadline());
}

int connection_reply(struct connection *c, uint16_t status, const char *type, uint64_t length,
                     const char *extra)
{
    uint8_t head[HTTP_REPLY_MAX];
    struct http_reply reply = {
        .status = status,
        .type = type,
        .length = length,
        .extra = extra,
        .close = c->close,
        .keep_alive_1_0 = c->head.minor == 0,
    };
    size_t len = http_reply_emit(&reply, (struct span){head, sizeof head});
    exo_assert(len != 0);
    return connection_send(c, head, len);
}

// --- reading a head --------------------------------------------------------------

enum outcome {
    ANSWER, // c->head holds a request
    REFUSE, // answer c->head.status and close
    LEAVE,  // the peer has gone, or nothing came in time
};

static enum outcome outcome_of(enum http_verdict verdict)
{
    return verdict == HTTP_DONE ? ANSWER : REFUSE;
}

static enum outcome refuse(struct connection *c, uint16_t status)
{
    c->head.status = status;
    return REFUSE;
}

// Gathers a head that came in pieces, and consumes exactly its bytes.
static enum outcome gather_head(struct connection *c, exo_ns deadline)
{
    size_t have = 0;
    c->gathered = malloc(HTTP_HEAD_MAX);
    if (!c->gathered)
        return refuse(c, 503);
    http_head_init(&c->head);
    for (;;) {
        struct cspan in;
        int got = sock_peek(c->sock, deadline, &in);
        if (got == -EXO_EAGAIN)
            return refuse(c, 408);
        if (got <= 0)
            return LEAVE;
        // The parser refuses a head of this size, so there is always room for more.
        size_t n = EXO_MIN(in.len, HTTP_HEAD_MAX - have);
        memcpy(c->gathered + have, in.ptr, n);
        enum http_verdict verdict = http_head_input(&c->head, c->gathered, have + n);
        sock_consume(c->sock, verdict == HTTP_DONE ? c->head.bytes - have : n);
        if (verdict != HTTP_MORE)
            return outcome_of(verdict);
        have += n;
    }
}

static enum outcome read_head(struct connection *c)
{
    struct cspan in;
    exo_ns idle = web_is_crowded(c->web) ? CROWD_NS : IDLE_NS;
    if (sock_peek(c->sock, core_clock_now() + idle, &in) <= 0)
        return LEAVE;
    http_head_init(&c->head);
    enum http_verdict verdict = http_head_input(&c->head, in.ptr, in.len);
    if (verdict == HTTP_MORE)
        return gather_head(c, core_clock_now() + HEAD_NS);
    return outcome_of(verdict);
}

// What was parsed in place is still in the receive buffer.
static void consume_head(struct connection *c)
{
    if (!c->gathered)
        sock_consume(c->sock, c->head.bytes);
}

static void drop_head(struct connection *c)
{
    free(c->gathered);
    c->gathered = NULL;
}

// --- bodies ----------------------------------------------------------------------

// Reads the body of a request and forgets it. Returns 0, or the status to refuse with.
static uint16_t drain_body(struct connection *c)
{
    struct http_body body;
    size_t total = 0;
    exo_ns deadline = core_clock_now() + BODY_NS;
    http_body_init(&body, &c->head);
    while (!http_body_is_done(&body)) {
        struct cspan in, data;
        if (body.left > BODY_MAX || total > BODY_MAX)
            return 413;
        if (sock_peek(c->sock, deadline, &in) <= 0)
            return 408;
        int64_t taken = http_body_input(&body, in, &data);
        if (taken < 0)
            return taken == -EXO_E2BIG ? 431 : 400;
        sock_consume(c->sock, (size_t)taken);
        total += (size_t)taken;
    }
    return 0;
}

// A client that waits for "100 Continue" gets its answer instead, and keeps its body.
// Whether it sends it all the same we cannot know, so this connection is over.
static uint16_t settle_body(struct connection *c)
{
    if (c->head.expect_continue && (c->head.chunked || c->head.content_length != 0)) {
        c->close = true;
        return 0;
    }
    return drain_body(c);
}

// --- the life of a connection ----------------------------------------------------

static int refuse_request(struct connection *c, uint16_t status)
{
    c->close = true;
    c->head.method = HTTP_GET; // whatever it was, it was no HEAD that we understood
    return connection_reply(c, status, NULL, 0, NULL);
}

static int answer(struct connection *c)
{
    char path[PATH_BYTES];
    bool whole_server = http_text_equals(c->head.path, "*"); // OPTIONS; no page has that name
    int decoded = whole_server ? 0 : http_path(c->head.path, path, sizeof path);
    c->close = !c->head.keep_alive || web_is_crowded(c->web);
    consume_head(c); // from here on nothing in c->head may be pointed at
    uint16_t status = settle_body(c);
    if (status != 0)
        return refuse_request(c, status);
    if (decoded == -EXO_EINVAL)
        return refuse_request(c, 400);
    return page_answer(c, whole_server ? "*" : decoded < 0 ? "" : path);
}

// One request and its answer. Returns false if there will be no other.
static bool serve_one(struct connection *c)
{
    int failed = 0;
    enum outcome outcome = read_head(c);
    if (outcome == ANSWER)
        failed = answer(c);
    else if (outcome == REFUSE)
        failed = refuse_request(c, c->head.status);
    if (outcome != LEAVE)
        c->web->requests++;
    drop_head(c);
    c->broken = failed != 0;
    return outcome != LEAVE && !failed && !c->close;
}

// Closing with unread data resets the connection, and a reset may overtake our last
// answer (RFC 9112 §9.6). So: FIN first, then read until the peer has closed too.
static void linger(struct sock *sock)
{
    size_t total = 0;
    struct cspan in;
    exo_ns deadline = core_clock_now() + LINGER_NS;
    if (sock_shutdown(sock) != 0)
        return;
    while (total < LINGER_MAX && sock_peek(sock, deadline, &in) > 0) {
        sock_consume(sock, in.len);
        total += in.len;
    }
}

void connection_serve(struct web *web, struct sock *sock)
{
    struct connection c = {.web = web, .sock = sock};
    socket_set_nagle(sock_socket(sock), false); // an answer is complete when we commit it
    while (serve_one(&c)) {
    }
    if (c.broken) { // nobody takes what we send: let nothing wait for it
        sock_abort(sock);
        return;
    }
    linger(sock);
    sock_close(sock);
}
