// SPDX-License-Identifier: MIT
// udp_port.c - places of UDP sockets: one for each port that is bound.
#include "netstack/stack/stack.h"

// One that was let go of, else one that was never used.
static struct udp_port *take_udp_port(struct net *net)
{
    struct list *node = list_pop_front(&net->free_udp);
    if (node)
        return EXO_CONTAINER(node, struct udp_port, chain);
    exo_assert(net->udp_touched < net->config.udp_sockets);
    net->udp_touched++;
    return carve_take(&net->carve, sizeof(struct udp_port));
}

int udp_port_open(struct net *net, uint16_t port, struct udp_port **out)
{
    struct udp_sock *sock;
    const int err = udp_bind(&net->udp, port, &sock);
    if (err)
        return err;
    struct udp_port *u = take_udp_port(net);
    *u = (struct udp_port){
        .socket = {.net = net, .kind = SOCKET_UDP, .held = true},
        .sock = sock,
    };
    list_init(&u->socket.ready);
    list_init(&u->chain);
    sock->user = u;
    *out = u;
    return 0;
}

void udp_port_release(struct net *net, struct udp_port *u)
{
    list_remove(&u->socket.ready);
    udp_unbind(&net->udp, u->sock);
    u->socket.kind = SOCKET_NONE;
    u->socket.held = false;
    list_push_front(&net->free_udp, &u->chain);
}
