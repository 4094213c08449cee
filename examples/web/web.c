// SPDX-License-Identifier: MIT
// web.c - brings the network up, listens on port 80 and gives each connection a task.
#include "examples/web/web.h"

#include "core/clock.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "sdk/glue/run.h"

#include <stdio.h>
#include <stdlib.h>

#define PORT    80u
#define BACKLOG 64u

// After a lack of memory, try again when a connection has ended, or this much later.
#define NO_MEMORY_RETRY EXO_MS(100)

struct job { // from the listener to a new task
    struct web *web;
    struct sock *sock;
};

static void connection_task(void *arg)
{
    struct job job = *(struct job *)arg;
    free(arg);
    connection_serve(job.web, job.sock);
    job.web->connections--;
    event_signal(&job.web->ended);
}

// Takes the sock if it returns 0.
static int start_connection(struct web *web, struct sock *sock)
{
    struct job *job = malloc(sizeof *job);
    if (!job)
        return -EXO_ENOMEM;
    *job = (struct job){web, sock};
    int failed = spawn("connection", connection_task, job);
    if (failed)
        free(job);
    else
        web->connections++;
    return failed;
}

static void wait_for_an_end(struct web *web, exo_ns deadline)
{
    event_wait(run_sched(), &web->ended, event_mark(&web->ended), deadline);
}

// Accepts one connection and starts its task. A connection without memory for a task is
// told so with a reset, which costs no memory; its client may try again.
static int accept_one(struct web *web, struct sock *listener)
{
    struct sock *sock;
    int failed = sock_accept(listener, EXO_NS_NEVER, &sock);
    if (failed)
        return failed;
    failed = start_connection(web, sock);
    if (failed)
        sock_abort(sock);
    return failed;
}

static void serve(struct web *web, struct sock *listener)
{
    for (;;) {
        while (web->connections >= web->connections_max)
            wait_for_an_end(web, EXO_NS_NEVER);
        if (accept_one(web, listener) != 0)
            wait_for_an_end(web, core_clock_now() + NO_MEMORY_RETRY);
    }
}

static void fail(const char *what, int error)
{
    fprintf(stderr, "web: %s: error %d\n", what, -error);
    exit(EXIT_FAILURE);
}

static void web_task(void *arg)
{
    struct web *web = arg;
    struct sock *listener;
    int failed = net_task_start(0, NULL, &web->net);
    if (failed)
        fail("no network", failed);
    failed = sock_listen(web->net, PORT, BACKLOG, &listener);
    if (failed)
        fail("cannot listen", failed);

    // A few connections are left to others: those in the backlog, and those that close.
    uint32_t conns = net_task_config(web->net)->tcp_conns;
    web->connections_max = EXO_MAX(conns - conns / 8, 1u);
    net_task_wait_address(web->net, EXO_NS_NEVER);
    struct ip4 a = net_addr(net_task_net(web->net)).addr;
    printf("web: listening on http://%u.%u.%u.%u:%u/\n", a.b[0], a.b[1], a.b[2], a.b[3], PORT);
    serve(web, listener);
}

int main(void)
{
    static struct web web;
    event_init(&web.ended);
    return run_main("web", web_task, &web);
}
