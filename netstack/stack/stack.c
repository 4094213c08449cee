// SPDX-License-Identifier: MIT
// stack.c - building a stack in the memory it is given, and turning its crank.
#include "netstack/stack/stack.h"

#include "exo/err.h"
#include "netstack/base/chains.h"

#define TCP_IP_BYTES    40u // headers of a segment without options
#define HEADERS_MAX     94u // what the stack puts in front: Ethernet 14, IPv4 20, TCP 60
#define PKTS_MIN        64u
#define WINDOW_MIN      2920u
#define WINDOW_MAX      (1u << 20)
#define MTU_MIN         576u
#define RESERVE_SHARE   8u // one buffer in so many is kept from receiving, twice that from apps
#define STARVED_PER_RUN 32u

// --- configuration -------------------------------------------------------------------

static uint32_t clamp(uint64_t x, uint32_t low, uint32_t high)
{
    return x < low ? low : x > high ? high : (uint32_t)x;
}

struct net_config net_config_for(size_t memory_bytes)
{
    // Three quarters go to buffers, an eighth to connections. A window may take a
    // sixteenth of the buffers: a few busy connections fill the pool, none takes it all.
    const uint64_t pkts = memory_bytes / 4 * 3 / (PKT_BUF_BYTES + sizeof(struct pkt));
    const uint64_t per_conn = sizeof(struct flow) + 2 * sizeof(void *) + sizeof(void *);
    const uint64_t conns = memory_bytes / 8 / per_conn;
    const uint32_t window = clamp(pkts * 1460 / 16, 8 * 1460, 256 * 1024);
    return (struct net_config){
        .pkts = clamp(pkts, PKTS_MIN, 1u << 20),
        .tcp_conns = clamp(conns, 16, 1u << 20),
        .tcp_time_wait = clamp(conns / 2, 16, 1u << 16),
        .udp_sockets = clamp(conns / 8, 4, 1024),
        .listeners = clamp(conns / 8, 4, 256),
        .rx_window_bytes = window,
        .tx_buffer_bytes = window,
        .dhcp = true,
    };
}

static bool is_within(uint32_t x, uint32_t low, uint32_t high)
{
    return x - low <= high - low;
}

static bool config_is_valid(const struct net_config *c)
{
    return is_within(c->pkts, PKTS_MIN, 1u << 24) & is_within(c->tcp_conns, 1, 1u << 24) &
           is_within(c->tcp_time_wait, 1, 1u << 24) & is_within(c->udp_sockets, 1, UINT16_MAX) &
           is_within(c->listeners, 1, UINT16_MAX) &
           is_within(c->rx_window_bytes, WINDOW_MIN, WINDOW_MAX) &
           is_within(c->tx_buffer_bytes, WINDOW_MIN, 1u << 28) & (c->prefix_len <= 32);
}

// --- memory --------------------------------------------------------------------------

//     mem │ net │ tables │ flow_chunks │ carved when needed: pkts, flows, time_wait, …
//
// Lays the parts of a stack out one behind the other, from address `*at` on.
static void *take(uintptr_t *at, size_t bytes)
{
    const uintptr_t part = *at;
    *at += carve_bytes(bytes);
    return (void *)part;
}

struct parts {
    struct net *net;
    struct demux_entry **chains;
    struct demux_entry **time_wait_chains;
    struct list *listener_chains;
    struct timer **heap;
    void *udp;
    struct flow **flow_chunks;
    struct carve carve;
};

static size_t flow_chunks(const struct net_config *c)
{
    return (c->tcp_conns + NET_FLOW_CHUNK - 1) / NET_FLOW_CHUNK;
}

static size_t carved_bytes(const struct net_config *c)
{
    return pkt_pool_bytes(c->pkts) +
           flow_chunks(c) * carve_bytes(NET_FLOW_CHUNK * sizeof(struct flow)) +
           c->tcp_time_wait * carve_bytes(sizeof(struct time_wait)) +
           c->listeners * carve_bytes(sizeof(struct listener)) +
           c->udp_sockets * carve_bytes(sizeof(struct udp_port));
}

static struct parts lay_out(uintptr_t *at, const struct net_config *c)
{
    const size_t carved = carved_bytes(c);
    return (struct parts){
        .net = take(at, sizeof(struct net)),
        .chains = take(at, chains_for(c->tcp_conns) * sizeof(struct demux_entry *)),
        .time_wait_chains = take(at, chains_for(c->tcp_time_wait) * sizeof(struct demux_entry *)),
        .listener_chains = take(at, chains_for(c->listeners) * sizeof(struct list)),
        .heap = take(at, c->tcp_conns * sizeof(struct timer *)),
        .udp = take(at, udp_bytes(c->udp_sockets)),
        .flow_chunks = take(at, flow_chunks(c) * sizeof(struct flow *)),
        .carve = {.at = take(at, carved), .left = carved},
    };
}

size_t net_bytes(const struct net_config *config)
{
    uintptr_t end = 0;
    if (config_is_valid(config))
        lay_out(&end, config);
    return end;
}

// --- building ------------------------------------------------------------------------

static struct siphash_key new_key(const struct net_env *env)
{
    struct siphash_key key;
    env->random(env->ctx, &key, sizeof key);
    return key;
}

static void init_places(struct net *net, const struct parts *parts)
{
    const struct net_config *c = &net->config;
    list_init(&net->free_flows);
    list_init(&net->free_listeners);
    list_init(&net->free_udp);
    net->flow_chunks = parts->flow_chunks;
    net->listeners = parts->listener_chains;
    net->listener_mask = chains_for(c->listeners) - 1;
    for (uint32_t i = 0; i <= net->listener_mask; i++)
        list_init(&net->listeners[i]);
}

static void init_tables(struct net *net, const struct parts *parts)
{
    const struct net_config *c = &net->config;
    demux_init(&net->demux, parts->chains, chains_for(c->tcp_conns), new_key(&net->env));
    timers_init(&net->timers, parts->heap, c->tcp_conns);
    time_wait_init(&net->time_wait, &net->carve, c->tcp_time_wait, parts->time_wait_chains,
                   new_key(&net->env));
    list_init(&net->half_open);
    net->half_open_max = EXO_MAX(c->tcp_conns / 2, 1u);
    list_init(&net->dirty);
    list_init(&net->ready);
    list_init(&net->starved);
}

// RFC 2132 §5.1: a DHCP server may know of a link behind ours that takes less. What is more
// than ours takes (no jumbo frames: a buffer holds one of the usual size) or less than IPv4
// asks of any is not obeyed, 0 says nothing. Open connections keep the segments that they have.
static void set_mtu(struct net *net, uint16_t named_bytes)
{
    const uint32_t link_bytes = EXO_MIN((uint32_t)net->link.mtu_bytes, 1500u);
    const bool obeyed = named_bytes >= MTU_MIN && named_bytes <= link_bytes;
    net->mtu_bytes = (uint16_t)(obeyed ? named_bytes : link_bytes);
    net->tcp.mss = (uint16_t)(net->mtu_bytes - TCP_IP_BYTES);
}

static void init_protocols(struct net *net, const struct parts *parts)
{
    const struct net_config *c = &net->config;
    arp_init(&net->arp, net->link.mac);
    icmp_init(&net->icmp, &net->env);
    udp_init(&net->udp, parts->udp, c->udp_sockets, &net->env);
    net->tcp = (struct tcp){
        .pool = &net->pool,
        .stats = &net->stats,
        .isn = new_key(&net->env),
        .rx_window_bytes = c->rx_window_bytes,
        .tx_buffer_bytes = c->tx_buffer_bytes,
    };
    set_mtu(net, 0);
    if (c->dhcp) {
        dhcp_init(&net->dhcp, &net->env, net->link.mac, net->now);
        return;
    }
    net->route = (struct route){c->addr, c->prefix_len, c->router};
    if (!ip4_is_any(c->addr))
        arp_set_addr(&net->arp, net->now, c->addr);
}

int net_init(struct net **out, void *mem, const struct net_config *config,
             const struct net_env *env, const struct net_link *link, exo_ns now)
{
    if (!config_is_valid(config) || link->mtu_bytes < MTU_MIN ||
        link->headroom_bytes + HEADERS_MAX > PKT_HEADROOM)
        return -EXO_EINVAL;
    uintptr_t at = (uintptr_t)mem;
    exo_assert(exo_is_aligned(at, CARVE_ALIGN));
    const struct parts parts = lay_out(&at, config);
    struct net *net = parts.net;
    *net = (struct net){
        .config = *config, .env = *env, .link = *link, .now = now, .carve = parts.carve};
    const uint32_t reserve = config->pkts / RESERVE_SHARE;
    pkt_pool_init(&net->pool, &net->carve, config->pkts, reserve);
    init_places(net, &parts);
    init_tables(net, &parts);
    init_protocols(net, &parts);
    *out = net;
    return 0;
}

// --- running -------------------------------------------------------------------------

// The address came, changed or is gone. Connections over the old one can never be
// answered any more (RFC 2131 §4.4.5), so their owners hear of it now. A renewed lease
// for the same address disturbs nobody.
static void lease_changed(struct net *net, const struct dhcp_lease *lease)
{
    const bool moved = !ip4_eq(net->route.addr, lease->addr);
    if (moved)
        flow_kill_all(net, -EXO_EADDRNOTAVAIL);
    net->route = (struct route){lease->addr, lease->prefix_len, lease->router};
    net->dns = lease->dns[0];
    set_mtu(net, lease->mtu_bytes);
    if (!moved)
        return;
    arp_set_addr(&net->arp, net->now, lease->addr);
    net->stats.addr_changes++;
}

static void run_timers(struct net *net)
{
    struct dhcp_lease lease;
    struct ip4 gone;
    if (net->config.dhcp) {
        dhcp_tick(&net->dhcp, net->now);
        while (dhcp_take_change(&net->dhcp, &lease))
            lease_changed(net, &lease);
    }
    arp_tick(&net->arp, net->now);
    while (arp_unreachable(&net->arp, &gone)) {
        net->stats.drop_neighbour++; // its packets
        flow_neighbour_silent(net, gone);
    }
    flow_tick_all(net);
}

// Apps that were refused a buffer may try again when there are some for them. Those that
// hold too many already wait on, behind the others.
static void feed_starved(struct net *net)
{
    for (uint32_t i = 0; i < STARVED_PER_RUN; i++) {
        struct list *node = list_pop_front(&net->starved);
        if (!node)
            return;
        struct flow *f = EXO_CONTAINER(node, struct flow, starved);
        if (!tcp_finds_buffer(&f->conn)) {
            list_push_back(&net->starved, node);
            continue;
        }
        f->conn.starved = false;
        ready_update(&f->socket);
    }
}

// Peers that keep their windows shut must not keep others from sending: while apps wait
// for buffers, one such connection a second is given up (RFC 6429 §4).
static void reclaim_stalled(struct net *net)
{
    if (list_is_empty(&net->starved) || net->now < net->reclaim_at)
        return;
    net->reclaim_at = net->now + NET_RECLAIM_NS;
    flow_drop_stalled(net);
}

uint32_t net_poll(struct net *net, exo_ns now, uint32_t budget)
{
    net->now = EXO_MAX(net->now, now); // a caller may have named a later time meanwhile
    // All input before any output: ACKs cover everything that came (RFC 9293 MUST-58/59).
    const uint32_t received = net_ingress(net, budget);
    run_timers(net);
    const uint32_t sent = net_egress(net);
    feed_starved(net);
    reclaim_stalled(net);
    return received + sent;
}

exo_ns net_deadline(const struct net *net)
{
    if (net->out_count)
        return net->now;
    exo_ns at = EXO_MIN(timers_deadline(&net->timers), time_wait_deadline(&net->time_wait));
    at = EXO_MIN(at, arp_deadline(&net->arp));
    if (net->config.dhcp)
        at = EXO_MIN(at, dhcp_deadline(&net->dhcp));
    if (!list_is_empty(&net->dirty) || net->short_of_buffers)
        at = EXO_MIN(at, net->now + (net->short_of_buffers ? NET_STARVED_NS : 0));
    if (!list_is_empty(&net->starved))
        at = EXO_MIN(at, net->now + NET_STARVED_NS);
    return at;
}

// --- looking at it -------------------------------------------------------------------

struct pkt_pool *net_pkts(struct net *net)
{
    return &net->pool;
}

struct net_addr net_addr(const struct net *net)
{
    return (struct net_addr){
        .addr = net->route.addr,
        .prefix_len = net->route.prefix_len,
        .router = net->route.router,
        .dns = net->dns,
        .mtu_bytes = net->mtu_bytes,
    };
}

struct net_stats net_stats(const struct net *net)
{
    struct net_stats stats = net->stats;
    stats.tcp_conns = net->demux.count;
    stats.tcp_time_wait = net->time_wait.count;
    stats.pkts_total = net->pool.count;
    stats.pkts_free = net->pool.free_count;
    return stats;
}
