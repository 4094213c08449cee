// SPDX-License-Identifier: MIT
// page.c - one page: what each owner of the NIC has received, sent and lost, as JSON.
//
// A small server on purpose, one task a connection; examples/web shows a whole one.
#include "core/clock.h"
#include "examples/shared_nic/shared_nic.h"
#include "exo/assert.h"
#include "exo/err.h"
#include "netstack/app/http.h"
#include "netstack/app/http_reply.h"
#include "sdk/glue/run.h"
#include "sdk/glue/sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKLOG     16u
#define REQUEST_MAX 1024u
#define BODY_MAX    512u
#define PATIENCE    EXO_S(30) // with a client that says or takes nothing

struct visit { // one connection
    struct app *app;
    struct sock *sock;
    struct http_head head;
    uint8_t request[REQUEST_MAX];
    size_t len; // of that, received
};

static int put_face(char *out, size_t room, const char *name, const struct nic *face)
{
    static const struct nic none;
    struct nic_share_stats dropped = {0};
    if (face)
        dropped = nic_share_stats(face);
    const struct nic_stats *moved = face ? &face->stats : &none.stats;
    return snprintf(out, room,
                    "\"%s\":{\"open\":%s,\"rx_frames\":%llu,\"tx_frames\":%llu,"
                    "\"rx_no_buffer\":%llu,\"rx_too_long\":%llu,\"tx_not_ours\":%llu}",
                    name, face ? "true" : "false", (unsigned long long)moved->rx_frames,
                    (unsigned long long)moved->tx_frames, (unsigned long long)dropped.rx_no_buffer,
                    (unsigned long long)dropped.rx_too_long,
                    (unsigned long long)dropped.tx_not_ours);
}

static size_t body_of(const struct app *app, char out[BODY_MAX])
{
    int len = snprintf(out, BODY_MAX, "{");
    len += put_face(out + len, BODY_MAX - (size_t)len, "net", app->rest);
    len += snprintf(out + len, BODY_MAX - (size_t)len, ",");
    len += put_face(out + len, BODY_MAX - (size_t)len, "echo", app->echo.nic);
    len += snprintf(out + len, BODY_MAX - (size_t)len, ",\"answered\":%llu,\"nobodys\":%llu}\n",
                    (unsigned long long)app->echo.answered,
                    (unsigned long long)nic_share_nobodys(app->share));
    exo_assert((size_t)len < BODY_MAX);
    return (size_t)len;
}

static uint16_t act_on(struct visit *v)
{
    struct app *app = v->app;
    int err = 0;
    if (http_text_equals(v->head.path, "/stop"))
        echo_stop(&app->echo);
    else if (http_text_equals(v->head.path, "/start"))
        err = echo_start(&app->echo, app->share, net_addr(net_task_net(app->net)).addr);
    else if (!http_text_equals(v->head.path, "/"))
        return 404;
    return err ? 503 : 200;
}

static int answer(struct visit *v, uint16_t status)
{
    uint8_t head[HTTP_REPLY_MAX];
    char body[BODY_MAX];
    struct http_reply reply = {.status = status, .close = !v->head.keep_alive};
    if (status == 200) {
        reply.type = "application/json";
        reply.length = body_of(v->app, body);
    }
    size_t len = http_reply_emit(&reply, (struct span){head, sizeof head});
    exo_ns deadline = core_clock_now() + PATIENCE;
    int err = sock_send(v->sock, head, len, deadline);
    if (err || v->head.method == HTTP_HEAD)
        return err;
    return sock_send(v->sock, body, reply.length, deadline);
}

// Reads one request; false if there is none to answer.
static bool hear(struct visit *v)
{
    enum http_verdict verdict;
    http_head_init(&v->head);
    while ((verdict = http_head_input(&v->head, v->request, v->len)) == HTTP_MORE) {
        size_t room = sizeof v->request - v->len;
        int got = room ? sock_recv(v->sock, v->request + v->len, room, core_clock_now() + PATIENCE)
                       : -EXO_E2BIG;
        if (got <= 0)
            return false;
        v->len += (size_t)got;
    }
    return verdict == HTTP_DONE && !v->head.chunked && v->head.content_length == 0;
}

static void visit_task(void *arg)
{
    struct visit *v = arg;
    bool more = true;
    while (more && hear(v)) {
        more = answer(v, act_on(v)) == 0 && v->head.keep_alive;
        v->len -= v->head.bytes;
        memmove(v->request, v->request + v->head.bytes, v->len);
    }
    sock_close(v->sock);
    free(v);
}

static int receive(struct app *app, struct sock *listener)
{
    struct visit *v = calloc(1, sizeof *v);
    if (!v)
        return -EXO_ENOMEM;
    v->app = app;
    int err = sock_accept(listener, EXO_NS_NEVER, &v->sock);
    if (err < 0) {
        free(v);
        return err;
    }
    err = spawn("visit", visit_task, v);
    if (err < 0) {
        sock_abort(v->sock);
        free(v);
    }
    return err;
}

int page_serve(struct app *app)
{
    struct sock *listener;
    int err = sock_listen(app->net, PAGE_PORT, BACKLOG, &listener);
    if (err < 0)
        return err;
    for (;;) {
        if (receive(app, listener) < 0) // no memory now: others will end, and give theirs back
            run_sleep(EXO_MS(100));
    }
}
