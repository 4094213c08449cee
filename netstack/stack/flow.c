// SPDX-License-Identifier: MIT
// flow.c - the life of connections in the tables of a stack.
#include "netstack/stack/stack.h"

#include "exo/err.h"

static struct flow *of_queue(struct list *node)
{
    return EXO_CONTAINER(node, struct flow, queue);
}

// --- tables --------------------------------------------------------------------------

static void leave_listener(struct net *net, struct flow *f)
{
    struct listener *l = f->listener;
    if (!l)
        return;
    if (!list_is_empty(&f->age)) {
        l->half_open_count--;
        net->half_open_count--;
        list_remove(&f->age);
    } else {
        l->waiting_count--;
    }
    list_remove(&f->queue);
    f->listener = NULL;
    ready_update(&l->socket);
}

static void unlist(struct net *net, struct flow *f)
{
    if (!f->listed)
        return;
    f->listed = false;
    demux_remove(&net->demux, &f->entry);
    timers_set(&net->timers, &f->timer, EXO_NS_NEVER);
    list_remove(&f->dirty);
    list_remove(&f->starved);
}

static void flow_free(struct net *net, struct flow *f)
{
    leave_listener(net, f);
    unlist(net, f);
    list_remove(&f->socket.ready);
    tcp_fini(&f->conn);
    f->socket.kind = SOCKET_NONE;
    list_push_front(&net->free_flows, &f->queue);
}

// A half-open connection gives way to one that is proven real, silently: should its own
// peer be real, that one's next segment finds nobody, and it tries again.
static void evict(struct net *net, struct flow *f)
{
    net->stats.tcp_half_open_evicted++;
    flow_free(net, f);
}

static struct flow *oldest_half_open(const struct net *net)
{
    struct list *first = list_first(&net->half_open);
    return first ? EXO_CONTAINER(first, struct flow, age) : NULL;
}

// One that was let go of, whose memory is warm; else one that was never used; or null.
static struct flow *take_place(struct net *net)
{
    struct list *node = list_pop_front(&net->free_flows);
    if (node)
        return of_queue(node);
    if (!flow_has_place(net))
        return NULL;
    const uint32_t n = net->flows_touched++;
    if (n % NET_FLOW_CHUNK == 0)
        net->flow_chunks[n / NET_FLOW_CHUNK] =
            carve_take(&net->carve, NET_FLOW_CHUNK * sizeof(struct flow));
    return flow_at(net, n);
}

struct flow *flow_alloc(struct net *net)
{
    if (!flow_has_place(net) && oldest_half_open(net))
        evict(net, oldest_half_open(net));
    struct flow *f = take_place(net);
    if (!f)
        return NULL;
    *f = (struct flow){.socket = {.net = net, .kind = SOCKET_TCP}};
    list_init(&f->socket.ready);
    list_init(&f->dirty);
    list_init(&f->starved);
    list_init(&f->queue);
    list_init(&f->age);
    timer_init(&f->timer);
    return f;
}

void flow_open(struct net *net, struct flow *f)
{
    f->entry = (struct demux_entry){.tuple = f->conn.tuple};
    f->listed = true;
    demux_add(&net->demux, &f->entry);
    flow_settle(net, f);
}

// --- what a change of state means ------------------------------------------------------

void flow_reset_peer(struct net *net, const struct flow *f)
{
    struct wire_tcp rst;
    tcp_reset_now(&rst, &f->conn);
    net_send_segment(net, &f->conn.tuple, &rst);
}

// From here on a line in the table of TIME-WAIT speaks for the connection. If the ACK of
// the peer's FIN is still owed, it goes out now. A call, so that flow_settle, which runs for
// every segment, holds no header on its stack.
__attribute__((noinline)) static void enter_time_wait(struct net *net, struct flow *f)
{
    const struct time_wait *w = time_wait_add(&net->time_wait, &f->conn, net->now);
    struct wire_tcp ack;
    if (f->conn.acks_owed == 0)
        return;
    time_wait_ack(&ack, w);
    net_send_segment(net, &f->conn.tuple, &ack);
}

static void established(struct net *net, struct flow *f)
{
    struct listener *l = f->listener;
    l->half_open_count--;
    net->half_open_count--;
    list_remove(&f->age);
    list_remove(&f->queue);
    list_push_back(&l->waiting, &f->queue);
    l->waiting_count++;
    net->stats.tcp_accepted++;
    ready_update(&l->socket);
}

void flow_settle(struct net *net, struct flow *f)
{
    const struct tcp_conn *c = &f->conn;
    if (c->state == TCP_CLOSED || c->state == TCP_TIME_WAIT) {
        if (f->listed && !c->error)
            net->stats.tcp_closed++;
        if (f->listed && c->state == TCP_TIME_WAIT)
            enter_time_wait(net, f);
        unlist(net, f);
        if (!f->socket.held) {
            flow_free(net, f);
            return;
        }
    } else {
        if (!list_is_empty(&f->age) && c->state != TCP_SYN_RCVD)
            established(net, f);
        if (list_is_empty(&f->dirty))
            list_push_back(&net->dirty, &f->dirty);
        timers_set(&net->timers, &f->timer, tcp_deadline(c));
    }
    ready_update(&f->socket);
}

void flow_release(struct net *net, struct flow *f)
{
    f->socket.held = false;
    list_remove(&f->socket.ready);
    list_remove(&f->starved);
    if (tcp_release(&f->conn, net->now))
        flow_reset_peer(net, f);
    flow_settle(net, f);
}

void flow_abort(struct net *net, struct flow *f)
{
    f->socket.held = false;
    list_remove(&f->socket.ready);
    if (f->listed && f->conn.state != TCP_SYN_SENT)
        flow_reset_peer(net, f);
    if (f->listed)
        tcp_kill(&f->conn, -EXO_ECONNRESET);
    flow_settle(net, f);
}

void flow_neighbour_silent(struct net *net, struct ip4 next_hop)
{
    for (uint32_t i = 0; i < net->flows_touched; i++) {
        struct flow *f = flow_at(net, i);
        if (!f->listed || !ip4_eq(route_lookup(&net->route, f->conn.tuple.peer).next_hop, next_hop))
            continue;
        tcp_neighbour_silent(&f->conn);
        flow_settle(net, f);
    }
}

void flow_kill_all(struct net *net, int error)
{
    for (uint32_t i = 0; i < net->flows_touched; i++) {
        struct flow *f = flow_at(net, i);
        if (f->socket.kind != SOCKET_TCP || !f->listed)
            continue;
        tcp_kill(&f->conn, error);
        flow_settle(net, f);
    }
    time_wait_clear(&net->time_wait);
}

void flow_drop_stalled(struct net *net)
{
    struct flow *worst = NULL;
    for (uint32_t i = 0; i < net->flows_touched; i++) {
        struct flow *f = flow_at(net, i);
        if (f->listed && f->conn.probes >= NET_STALLED_PROBES &&
            (!worst || f->conn.snd_pkts > worst->conn.snd_pkts))
            worst = f;
    }
    if (!worst)
        return;
    flow_reset_peer(net, worst);
    tcp_kill(&worst->conn, -EXO_ETIMEDOUT);
    net->stats.tcp_timed_out++;
    flow_settle(net, worst);
}

void flow_tick_all(struct net *net)
{
    struct timer *timer;
    while ((timer = timers_pop(&net->timers, net->now))) {
        struct flow *f = EXO_CONTAINER(timer, struct flow, timer);
        tcp_tick(&f->conn, net->now);
        flow_settle(net, f);
    }
    time_wait_tick(&net->time_wait, net->now);
}
