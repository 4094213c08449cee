// SPDX-License-Identifier: MIT
// sock.c - tries, and waits for the socket's event as long as the answer is "not now".
#include "sdk/glue/sock.h"

#include "core/clock.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "sched/event.h"
#include "sdk/glue/run.h"

#include <stdlib.h>

struct sock {
    struct event event; // socket_user points here; net_task signals it
    struct socket *socket;
    struct net_task *nt;
};

static struct sock *sock_new(struct net_task *nt)
{
    struct sock *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    event_init(&s->event);
    s->nt = nt;
    return s;
}

// Ends every creation: ties sock and socket, or gives the memory back.
static int finish(struct sock *s, int failed, struct sock **out)
{
    if (failed) {
        free(s);
        return failed;
    }
    socket_set_user(s->socket, &s->event);
    net_task_kick(s->nt);
    *out = s;
    return 0;
}

// The pattern of every call that waits. `attempt` is an expression that is tried until it
// is something else than "not now"; it may use `s`. No signal is lost between the attempt
// and the wait: only the network task signals, and it cannot run there.
#define RETRY(s, deadline, attempt)                                                                \
    ({                                                                                             \
        int result_;                                                                               \
        for (;;) {                                                                                 \
            uint32_t mark_ = event_mark(&(s)->event);                                              \
            result_ = (attempt);                                                                   \
            if (result_ != -EXO_EAGAIN ||                                                          \
                !event_wait(run_sched(), &(s)->event, mark_, (deadline)))                          \
                break;                                                                             \
        }                                                                                          \
        result_;                                                                                   \
    })

int sock_listen(struct net_task *nt, uint16_t port, uint32_t backlog, struct sock **out)
{
    struct sock *s = sock_new(nt);
    if (!s)
        return -EXO_ENOMEM;
    return finish(s, socket_listen(net_task_net(nt), port, backlog, &s->socket), out);
}

int sock_accept(struct sock *listener, exo_ns deadline, struct sock **out)
{
    struct sock *s = sock_new(listener->nt);
    if (!s)
        return -EXO_ENOMEM;
    int failed = RETRY(listener, deadline, socket_accept(listener->socket, &s->socket));
    return finish(s, failed, out);
}

static int connected(const struct sock *s)
{
    uint32_t events = socket_events(s->socket);
    if (events & SOCKET_ERROR)
        return socket_error(s->socket);
    return events & SOCKET_WRITABLE ? 0 : -EXO_EAGAIN;
}

int sock_connect(struct net_task *nt, struct endpoint to, exo_ns deadline, struct sock **out)
{
    struct sock *s = sock_new(nt);
    if (!s)
        return -EXO_ENOMEM;
    struct sock *tied;
    int failed =
        finish(s, socket_connect(net_task_net(nt), to, core_clock_now(), &s->socket), &tied);
    if (failed)
        return failed;
    failed = RETRY(s, deadline, connected(s));
    if (failed) {
        sock_abort(s);
        return failed;
    }
    *out = s;
    return 0;
}

int sock_reserve(struct sock *s, exo_ns deadline, struct span *out)
{
    return RETRY(s, deadline, socket_reserve(s->socket, out));
}

void sock_commit(struct sock *s, size_t len)
{
    socket_commit(s->socket, len);
    net_task_kick(s->nt);
}

int sock_send(struct sock *s, const void *data, size_t len, exo_ns deadline)
{
    const uint8_t *from = data;
    while (len != 0) {
        int sent = RETRY(s, deadline, socket_send(s->socket, from, len));
        if (sent < 0)
            return sent;
        from += sent;
        len -= (size_t)sent;
        net_task_kick(s->nt);
    }
    return 0;
}

int sock_peek(struct sock *s, exo_ns deadline, struct cspan *out)
{
    return RETRY(s, deadline, socket_peek(s->socket, out));
}

void sock_consume(struct sock *s, size_t len)
{
    socket_consume(s->socket, len);
    net_task_kick(s->nt);
}

int sock_recv(struct sock *s, void *data, size_t len, exo_ns deadline)
{
    int got = RETRY(s, deadline, socket_recv(s->socket, data, len));
    net_task_kick(s->nt);
    return got;
}

int sock_shutdown(struct sock *s)
{
    int failed = socket_shutdown(s->socket);
    net_task_kick(s->nt);
    return failed;
}

int sock_udp(struct net_task *nt, uint16_t port, struct sock **out)
{
    struct sock *s = sock_new(nt);
    if (!s)
        return -EXO_ENOMEM;
    return finish(s, socket_udp(net_task_net(nt), port, &s->socket), out);
}

int sock_sendto(struct sock *s, const void *data, size_t len, struct endpoint to)
{
    int failed = socket_sendto(s->socket, data, len, to, core_clock_now());
    net_task_kick(s->nt);
    return failed;
}

int sock_recvfrom(struct sock *s, void *data, size_t len, struct endpoint *from, exo_ns deadline)
{
    return RETRY(s, deadline, socket_recvfrom(s->socket, data, len, from));
}

struct endpoint sock_local(const struct sock *s)
{
    return socket_local(s->socket);
}

struct endpoint sock_peer(const struct sock *s)
{
    return socket_peer(s->socket);
}

struct socket *sock_socket(struct sock *s)
{
    return s->socket;
}

void sock_close(struct sock *s)
{
    socket_close(s->socket);
    net_task_kick(s->nt);
    free(s);
}

void sock_abort(struct sock *s)
{
    socket_abort(s->socket);
    net_task_kick(s->nt);
    free(s);
}
