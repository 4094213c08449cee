// SPDX-License-Identifier: MIT
// web.h - an HTTP/1.1 server: one task a connection, pages made on the spot.
//
//     web.c         listens, accepts, and bounds how many are served at one time
//     connection.c  one connection: requests in order, until either side is done
//     pages.c       what each path answers
#ifndef EXAMPLES_WEB_WEB_H
#define EXAMPLES_WEB_WEB_H

#include "netstack/app/http.h"
#include "sched/event.h"
#include "sdk/glue/sock.h"

struct web {
    struct net_task *net;
    struct sock *listener;
    uint32_t connections;     // being served now
    uint32_t connections_max; // more than that wait in the backlog
    uint64_t requests;        // answered or refused so far
    struct event ended;       // signalled when a connection has ended
};

// One connection, from accept to close; lives on its task's stack.
struct connection {
    struct web *web;
    struct sock *sock;
    struct http_head head; // the request being answered
    uint8_t *gathered;     // HTTP_HEAD_MAX bytes if its head came in pieces, else null
    bool close;            // the answer being sent is the last
    bool broken;           // sending failed
};

// --- web.c -----------------------------------------------------------------------

// Does somebody wait in the backlog while as many as may be are served? Then nobody keeps
// a connection for longer than it takes to answer.
bool web_is_crowded(const struct web *web);

// --- connection.c ----------------------------------------------------------------

// Serves a sock from accept to close; takes it.
void connection_serve(struct web *web, struct sock *sock);

// Sends the head of an answer to the current request. With a body of `length` bytes of
// `type` if that is not null. Errors: as sock_send.
int connection_reply(struct connection *c, uint16_t status, const char *type, uint64_t length,
                     const char *extra);

// Sends all of `bytes`. Errors: as sock_send.
int connection_send(struct connection *c, const void *bytes, size_t len);

// When a peer that takes nothing is given up.
exo_ns connection_send_deadline(void);

// --- pages.c ---------------------------------------------------------------------

// Answers the request in c->head for the decoded `path`. Returns 0, or an error after
// which the connection is of no more use.
int page_answer(struct connection *c, const char *path);

#endif
