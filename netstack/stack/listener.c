// SPDX-License-Identifier: MIT
// listener.c - ports that connections come to: from a SYN to a place in the app's queue.
#include "netstack/stack/stack.h"

struct listener *listener_find(const struct net *net, uint16_t port)
{
    const struct list *chain = &net->listeners[port & net->listener_mask];
    for (struct list *node = chain->next; node != chain; node = node->next) {
        struct listener *l = EXO_CONTAINER(node, struct listener, chain);
        if (l->port == port)
            return l;
    }
    return NULL;
}

// One that was let go of, else one that was never used, else null.
static struct listener *take_listener(struct net *net)
{
    struct list *node = list_pop_front(&net->free_listeners);
    if (node)
        return EXO_CONTAINER(node, struct listener, chain);
    if (net->listeners_touched == net->config.listeners)
        return NULL;
    net->listeners_touched++;
    return carve_take(&net->carve, sizeof(struct listener));
}

struct listener *listener_open(struct net *net, uint16_t port, uint32_t backlog)
{
    struct listener *l = take_listener(net);
    if (!l)
        return NULL;
    *l = (struct listener){
        .socket = {.net = net, .kind = SOCKET_LISTENER, .held = true},
        .port = port,
        .backlog = backlog,
    };
    list_init(&l->socket.ready);
    list_init(&l->half_open);
    list_init(&l->waiting);
    list_push_back(&net->listeners[port & net->listener_mask], &l->chain);
    return l;
}

struct flow *listener_accept(struct listener *l)
{
    struct list *node = list_pop_front(&l->waiting);
    if (!node)
        return NULL;
    struct flow *f = EXO_CONTAINER(node, struct flow, queue);
    l->waiting_count--;
    f->listener = NULL;
    ready_update(&l->socket);
    return f;
}

void listener_release(struct net *net, struct listener *l)
{
    l->socket.held = false;
    list_remove(&l->socket.ready);
    struct list *node;
    while ((node = list_first(&l->half_open)) || (node = list_first(&l->waiting)))
        flow_abort(net, EXO_CONTAINER(node, struct flow, queue));
    list_remove(&l->chain);
    l->socket.kind = SOCKET_NONE;
    list_push_front(&net->free_listeners, &l->chain);
}

// --- who comes -------------------------------------------------------------------------

// Nothing but half-open connections is in the way: then cookies serve the rest.
static bool is_crowded(const struct net *net, const struct listener *l)
{
    return (l->half_open_count + l->waiting_count >= l->backlog) |
           (net->half_open_count >= net->half_open_max) | !flow_has_place(net);
}

static void join_half_open(struct net *net, struct listener *l, struct flow *f)
{
    f->listener = l;
    list_push_back(&l->half_open, &f->queue);
    list_push_back(&net->half_open, &f->age);
    l->half_open_count++;
    net->half_open_count++;
    flow_open(net, f);
}

void listener_syn(struct net *net, struct listener *l, const struct tcp_tuple *tuple,
                  const struct wire_tcp *syn, uint32_t iss)
{
    struct wire_tcp answer;
    // The app is behind, or every connection is a real one: the peer tries again.
    const bool full = !flow_has_place(net) & list_is_empty(&net->half_open);
    if ((l->waiting_count >= l->backlog) | full) {
        net->stats.drop_tcp_state++;
        return;
    }
    if (is_crowded(net, l)) {
        l->cookies_until = net->now + TCP_COOKIE_TICKS * TCP_COOKIE_TICK_NS;
        net->stats.tcp_cookies_sent++;
        tcp_cookie_answer(&answer, &net->tcp, tuple, syn, net->now);
        net_send_segment(net, tuple, &answer);
        return;
    }
    struct flow *f = flow_alloc(net);
    tcp_accept_syn(&f->conn, &net->tcp, tuple, syn, iss, net->now);
    join_half_open(net, l, f);
}

bool listener_cookie(struct net *net, struct listener *l, const struct tcp_tuple *tuple,
                     const struct wire_tcp *ack, struct flow **out)
{
    struct wire_tcp syn;
    // Outside of a flood a guess at 24 bits does not even get its one chance.
    if (net->now >= l->cookies_until || !tcp_cookie_check(&syn, &net->tcp, tuple, ack, net->now))
        return false;
    struct flow *f = l->waiting_count < l->backlog ? flow_alloc(net) : NULL;
    *out = f;
    if (!f)
        return true;
    tcp_accept_cookie(&f->conn, &net->tcp, tuple, &syn, ack->ack - 1, net->now);
    join_half_open(net, l, f);
    net->stats.tcp_cookies_taken++;
    return true;
}
