// SPDX-License-Identifier: MIT
// socket.c - the public face of a stack: what an app asks for, checked and handed on.
#include "netstack/stack/stack.h"

#include "exo/err.h"

#define EPHEMERAL_FIRST  1024u // RFC 6056 §3.2: as large a range as can be
#define EPHEMERAL_COUNT  (65536u - EPHEMERAL_FIRST)
#define EPHEMERAL_RANDOM 16u // random tries before the rest of the range is walked

static struct listener *listener_of(const struct socket *s)
{
    return EXO_CONTAINER(s, struct listener, socket);
}

static struct udp_port *udp_of(const struct socket *s)
{
    return EXO_CONTAINER(s, struct udp_port, socket);
}

static const struct tcp_conn *conn_of(const struct socket *s)
{
    return &EXO_CONTAINER(s, struct flow, socket)->conn;
}

static void check_kind(const struct socket *s, enum socket_kind kind)
{
    exo_assert(s->held & (s->kind == kind));
}

// --- opening -------------------------------------------------------------------------

int socket_listen(struct net *net, uint16_t port, uint32_t backlog, struct socket **out)
{
    if (port == 0 || backlog == 0)
        return -EXO_EINVAL;
    if (listener_find(net, port))
        return -EXO_EADDRINUSE;
    struct listener *l = listener_open(net, port, backlog);
    if (!l)
        return -EXO_ENOSPC;
    *out = &l->socket;
    return 0;
}

int socket_accept(struct socket *s, struct socket **out)
{
    if (!s->held || s->kind != SOCKET_LISTENER)
        return -EXO_EINVAL;
    struct flow *f = listener_accept(listener_of(s));
    if (!f)
        return -EXO_EAGAIN;
    f->socket.held = true;
    ready_update(&f->socket);
    *out = &f->socket;
    return 0;
}

static bool is_free(const struct net *net, const struct tcp_tuple *tuple)
{
    return !listener_find(net, tuple->local_port) && !demux_find(&net->demux, tuple) &&
           !time_wait_find(&net->time_wait, tuple);
}

// RFC 6056 §3.3.1: random, so that a forger has 16 bits more to guess. A crowded range is
// walked from a random place on.
static int choose_port(struct net *net, struct tcp_tuple *tuple)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < EPHEMERAL_RANDOM + EPHEMERAL_COUNT; i++) {
        if (i < EPHEMERAL_RANDOM) {
            net->env.random(net->env.ctx, &at, sizeof at);
            at %= EPHEMERAL_COUNT;
        } else {
            at = (at + 1) % EPHEMERAL_COUNT;
        }
        tuple->local_port = (uint16_t)(EPHEMERAL_FIRST + at);
        if (is_free(net, tuple))
            return 0;
    }
    return -EXO_EADDRNOTAVAIL;
}

int socket_connect(struct net *net, struct endpoint to, exo_ns now, struct socket **out)
{
    // RFC 9293 MUST-46, SHLD: only an address that one host can have.
    if (to.port == 0 || ip4_is_any(to.addr) || ip4_is_multicast(to.addr) ||
        ip4_is_broadcast(to.addr) || route_is_broadcast(&net->route, to.addr))
        return -EXO_EINVAL;
    const enum route_kind kind = route_lookup(&net->route, to.addr).kind;
    if (ip4_is_any(net->route.addr) || kind != ROUTE_NEIGHBOUR)
        return -EXO_ENETUNREACH;
    struct tcp_tuple tuple = {.local = net->route.addr, .peer = to.addr, .peer_port = to.port};
    const int err = choose_port(net, &tuple);
    if (err)
        return err;
    struct flow *f = flow_alloc(net);
    if (!f)
        return -EXO_ENOMEM;
    net->now = EXO_MAX(net->now, now);
    tcp_connect(&f->conn, &net->tcp, &tuple, tcp_isn(&net->tcp, &tuple, net->now), net->now);
    f->socket.held = true;
    net->stats.tcp_opened++;
    flow_open(net, f);
    *out = &f->socket;
    return 0;
}

// --- TCP data ------------------------------------------------------------------------

int socket_reserve(struct socket *s, struct span *out)
{
    check_kind(s, SOCKET_TCP);
    struct flow *f = flow_of(s);
    const int err = tcp_reserve(&f->conn, out);
    if (f->conn.starved && list_is_empty(&f->starved))
        list_push_back(&s->net->starved, &f->starved);
    if (err)
        ready_update(s); // not writable now: the next time is news
    return err;
}

void socket_commit(struct socket *s, size_t len)
{
    check_kind(s, SOCKET_TCP);
    tcp_commit(&flow_of(s)->conn, len);
    flow_settle(s->net, flow_of(s));
}

int socket_send(struct socket *s, const void *data, size_t len)
{
    const uint8_t *from = data;
    size_t done = 0;
    while (done < len && done < INT32_MAX) {
        struct span room;
        const int err = socket_reserve(s, &room);
        if (err)
            return done ? (int)done : err;
        size_t n = EXO_MIN(room.len, len - done);
        n = EXO_MIN(n, (size_t)INT32_MAX - done);
        memcpy(room.ptr, from + done, n);
        socket_commit(s, n);
        done += n;
    }
    return (int)done;
}

int socket_peek(struct socket *s, struct cspan *out)
{
    check_kind(s, SOCKET_TCP);
    return tcp_peek(conn_of(s), out);
}

void socket_consume(struct socket *s, size_t len)
{
    check_kind(s, SOCKET_TCP);
    struct flow *f = flow_of(s);
    const bool owed = f->conn.acks_owed;
    tcp_consume(&f->conn, len);
    if (!owed && f->conn.acks_owed)
        flow_settle(s->net, f); // the window opened enough to say so
    else
        ready_update(s);
}

int socket_recv(struct socket *s, void *data, size_t len)
{
    uint8_t *to = data;
    size_t done = 0;
    while (done < len && done < INT32_MAX) {
        struct cspan bytes;
        const int got = socket_peek(s, &bytes);
        if (got <= 0)
            return done ? (int)done : got;
        size_t n = EXO_MIN(bytes.len, len - done);
        n = EXO_MIN(n, (size_t)INT32_MAX - done);
        memcpy(to + done, bytes.ptr, n);
        socket_consume(s, n);
        done += n;
    }
    return (int)done;
}

int socket_shutdown(struct socket *s)
{
    check_kind(s, SOCKET_TCP);
    struct flow *f = flow_of(s);
    if (f->conn.state < TCP_ESTABLISHED)
        return f->conn.error ? f->conn.error : -EXO_ENOTCONN;
    tcp_shutdown(&f->conn, s->net->now);
    flow_settle(s->net, f);
    return 0;
}

void socket_set_nagle(struct socket *s, bool on)
{
    check_kind(s, SOCKET_TCP);
    flow_of(s)->conn.nagle = on;
    flow_settle(s->net, flow_of(s));
}

// --- UDP -----------------------------------------------------------------------------

int socket_udp(struct net *net, uint16_t port, struct socket **out)
{
    if (net->config.dhcp && port == WIRE_DHCP_CLIENT_PORT)
        return -EXO_EADDRINUSE;
    struct udp_port *u;
    const int err = udp_port_open(net, port, &u);
    if (err)
        return err;
    ready_update(&u->socket);
    *out = &u->socket;
    return 0;
}

// A neighbour that did not answer lately gets no datagram, but is asked again.
static bool is_silent(struct net *net, struct ip4 next_hop)
{
    struct mac mac;
    return arp_is_silent(&net->arp, net->now, next_hop) &&
           arp_resolve(&net->arp, net->now, next_hop, NULL, &mac) <= 0;
}

int socket_sendto(struct socket *s, const void *data, size_t len, struct endpoint to, exo_ns now)
{
    check_kind(s, SOCKET_UDP);
    struct net *net = s->net;
    if (to.port == 0 || ip4_is_any(to.addr))
        return -EXO_EINVAL;
    if (len > net->mtu_bytes - WIRE_IP4_BYTES - WIRE_UDP_BYTES)
        return -EXO_EMSGSIZE;
    const struct route_hop hop = route_lookup(&net->route, to.addr);
    if (ip4_is_any(net->route.addr) || hop.kind == ROUTE_NONE || hop.kind == ROUTE_SELF)
        return -EXO_ENETUNREACH;
    net->now = EXO_MAX(net->now, now);
    if (hop.kind == ROUTE_NEIGHBOUR && is_silent(net, hop.next_hop))
        return -EXO_EHOSTUNREACH;
    if (net_out_room(net) == 0)
        net_flush(net);
    struct pkt *pkt = net_out_room(net) ? pkt_alloc(&net->pool, PKT_FOR_APP) : NULL;
    if (!pkt)
        return -EXO_ENOMEM;
    memcpy(pkt_put(pkt, (uint32_t)len), data, len);
    udp_emit(pkt, net->route.addr, udp_of(s)->sock->port, to.addr, to.port);
    net_send_ip(net, pkt, net->route.addr, to.addr, WIRE_IP4_UDP);
    return 0;
}

int socket_recvfrom(struct socket *s, void *data, size_t len, struct endpoint *from)
{
    check_kind(s, SOCKET_UDP);
    struct pkt *pkt = udp_recv(udp_of(s)->sock);
    if (!pkt)
        return -EXO_EAGAIN;
    const int whole = (int)pkt->len;
    memcpy(data, pkt->data, EXO_MIN(len, (size_t)pkt->len));
    *from = (struct endpoint){pkt->peer, pkt->peer_port};
    pkt_free(pkt);
    ready_update(s);
    return whole;
}

// --- both ----------------------------------------------------------------------------

int socket_error(const struct socket *s)
{
    return s->kind == SOCKET_TCP ? conn_of(s)->error : 0;
}

struct endpoint socket_local(const struct socket *s)
{
    switch (s->kind) {
    case SOCKET_TCP:
        return (struct endpoint){conn_of(s)->tuple.local, conn_of(s)->tuple.local_port};
    case SOCKET_LISTENER:
        return (struct endpoint){s->net->route.addr, listener_of(s)->port};
    default:
        return (struct endpoint){s->net->route.addr, udp_of(s)->sock->port};
    }
}

struct endpoint socket_peer(const struct socket *s)
{
    if (s->kind != SOCKET_TCP)
        return (struct endpoint){0};
    return (struct endpoint){conn_of(s)->tuple.peer, conn_of(s)->tuple.peer_port};
}

void socket_set_user(struct socket *s, void *user)
{
    s->user = user;
}

void *socket_user(const struct socket *s)
{
    return s->user;
}

void socket_close(struct socket *s)
{
    exo_assert(s->held);
    switch (s->kind) {
    case SOCKET_TCP:
        flow_release(s->net, flow_of(s));
        return;
    case SOCKET_LISTENER:
        listener_release(s->net, listener_of(s));
        return;
    default:
        udp_port_release(s->net, udp_of(s));
        return;
    }
}

void socket_abort(struct socket *s)
{
    exo_assert(s->held);
    if (s->kind == SOCKET_TCP)
        flow_abort(s->net, flow_of(s));
    else
        socket_close(s);
}
