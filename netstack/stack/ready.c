// SPDX-License-Identifier: MIT
// ready.c - what may be done with a socket, and who hears of it: the list behind net_ready.
#include "netstack/stack/stack.h"

uint32_t socket_events(const struct socket *s)
{
    switch (s->kind) {
    case SOCKET_TCP:
        return tcp_events(&EXO_CONTAINER(s, struct flow, socket)->conn);
    case SOCKET_LISTENER:
        return EXO_CONTAINER(s, struct listener, socket)->waiting_count ? SOCKET_READABLE : 0;
    case SOCKET_UDP: {
        const struct udp_sock *sock = EXO_CONTAINER(s, struct udp_port, socket)->sock;
        return SOCKET_WRITABLE | (sock->rx.count ? SOCKET_READABLE : 0);
    }
    default:
        return 0;
    }
}

void ready_update(struct socket *s)
{
    if (!s->held)
        return;
    const uint32_t events = socket_events(s);
    s->told &= events; // what ended may begin anew, and is news then
    if (events & ~s->told && list_is_empty(&s->ready))
        list_push_back(&s->net->ready, &s->ready);
}

struct socket *net_ready(struct net *net)
{
    struct list *node = list_pop_front(&net->ready);
    if (!node)
        return NULL;
    struct socket *s = EXO_CONTAINER(node, struct socket, ready);
    s->told = socket_events(s);
    return s;
}
