// SPDX-License-Identifier: MIT
// web.c - brings the network up, listens on port 80 and gives each connection a task.
#include "examples/web/web.h"

#include "core/clock.h"
#include "core/frame.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "netstack/base/text.h"
#include "sdk/glue/run.h"

#include <stdio.h>
#include <stdlib.h>

#define PORT     80u
#define PORT_URL ":80/"

// What a connection may take: its task's stack, and a head that comes in pieces.
#define CONNECTION_BYTES (SPAWN_STACK_BYTES + HTTP_HEAD_MAX)

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
static int accept_one(struct web *web)
{
    struct sock *sock;
    int failed = sock_accept(web->listener, EXO_NS_NEVER, &sock);
    if (failed)
        return failed;
    failed = start_connection(web, sock);
    if (failed)
        sock_abort(sock);
    return failed;
}

bool web_is_crowded(const struct web *web)
{
    return web->connections >= web->connections_max &&
           socket_events(sock_socket(web->listener)) & SOCKET_READABLE;
}

static void serve(struct web *web)
{
    for (;;) {
        while (web->connections >= web->connections_max)
            wait_for_an_end(web, EXO_NS_NEVER);
        if (accept_one(web) != 0)
            wait_for_an_end(web, core_clock_now() + NO_MEMORY_RETRY);
    }
}

static void fail(const char *what, int error)
{
    fprintf(stderr, "web: %s: error %d\n", what, -error);
    exit(EXIT_FAILURE);
}

// As many as the stack has room for, less an eighth for those that come and go; and as
// many as fit half of the memory that is free.
static uint32_t connections_max(uint32_t tcp_conns)
{
    uint64_t by_memory = core_frame_stats().free * CORE_FRAME_BYTES / 2 / CONNECTION_BYTES;
    uint64_t by_stack = tcp_conns - tcp_conns / 8;
    return (uint32_t)EXO_MAX(EXO_MIN(by_memory, by_stack), 1u);
}

static void say_where(struct net_task *net)
{
    char addr[TEXT_IP4_MAX + 1] = {0};
    fputs("web: listening on http://", stdout);
    fputs(text_ip4(addr + TEXT_IP4_MAX, net_addr(net_task_net(net)).addr), stdout);
    puts(PORT_URL);
}

static void web_task(void *arg)
{
    struct web *web = arg;
    int failed = net_task_start(0, NULL, &web->net);
    if (failed)
        fail("no network", failed);
    uint32_t tcp_conns = net_task_config(web->net)->tcp_conns;
    web->connections_max = connections_max(tcp_conns);
    failed = sock_listen(web->net, PORT, EXO_MAX(tcp_conns / 4, 1u), &web->listener);
    if (failed)
        fail("cannot listen", failed);
    net_task_wait_address(web->net, EXO_NS_NEVER);
    say_where(web->net);
    serve(web);
}

int main(void)
{
    static struct web web;
    event_init(&web.ended);
    return run_main("web", web_task, &web);
}
