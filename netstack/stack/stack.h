// SPDX-License-Identifier: MIT
// stack.h - the inside of a stack: the only room that knows all protocols.
//
//     rx   link ──► ingress: eth ─┬─ arp
//                                 └─ ip4 ─┬─ icmp
//                                         ├─ udp ──► socket ready
//                                         └─ tcp ──► flow_settle ──► socket ready, dirty
//     tx   dirty flows ──► tcp_output ──► net_send_ip: route, arp ──► out[] ──► link
//
// Protocol machines never call one another; after each call into one, this room looks at
// what became of it and carries the consequences to the others.
#ifndef NETSTACK_STACK_STACK_H
#define NETSTACK_STACK_STACK_H

#include "exo/bits.h"
#include "exo/list.h"
#include "netstack/app/dhcp.h"
#include "netstack/ip/arp.h"
#include "netstack/ip/icmp.h"
#include "netstack/ip/ip4.h"
#include "netstack/ip/route.h"
#include "netstack/socket.h"
#include "netstack/stack/time_wait.h"
#include "netstack/stack/timers.h"
#include "netstack/tcp/tcp.h"
#include "netstack/tcp/tcp_cookie.h"
#include "netstack/udp/udp.h"

#define NET_OUT_FRAMES 128u      // frames on their way to the link
#define NET_RX_BURST   32u       // frames taken from the link at once
#define NET_FLOW_BURST 16u       // segments of one connection before the next has its turn
#define NET_FLOW_CHUNK 16u       // connections' places carved at once
#define NET_STARVED_NS EXO_MS(1) // until another look, when there was no buffer to send with

#define NET_RECLAIM_NS     EXO_S(1) // between two connections given up for want of buffers
#define NET_STALLED_PROBES 3u       // tcp_conn.probes that make a connection a stalled one

enum socket_kind {
    SOCKET_NONE, // let go of, or never opened: a place in a free list
    SOCKET_TCP,
    SOCKET_LISTENER,
    SOCKET_UDP,
};

struct socket { // the part that all kinds share; first member of each
    struct net *net;
    uint8_t kind;      // enum socket_kind
    bool held;         // by the app; only then is it ever ready
    uint32_t told;     // events that net_ready has told and that still hold
    struct list ready; // in net->ready
    void *user;        // the app's word
};

struct flow { // a TCP connection with its places in the tables
    struct socket socket;
    struct tcp_conn conn;
    struct demux_entry entry;
    struct timer timer;        // tcp_deadline
    struct list dirty;         // in net->dirty: tcp_output may have something
    struct list starved;       // in net->starved: the app waits for a buffer
    struct list queue;         // free list; or its listener's half_open or waiting
    struct list age;           // in net->half_open
    struct listener *listener; // until it is accepted
    bool listed;               // the demultiplexer and the timers know it
};

struct listener {
    struct socket socket;
    uint16_t port;
    uint32_t backlog; // at most so many half open and waiting together
    uint32_t half_open_count;
    uint32_t waiting_count;
    exo_ns cookies_until;  // ACKs that bring cookies are believed so long
    struct list half_open; // oldest first
    struct list waiting;   // established, to be accepted, oldest first
    struct list chain;     // in net->listeners or the free list
};

struct udp_port {
    struct socket socket;
    struct udp_sock *sock;
    struct list chain; // in the free list
};

struct net {
    struct net_config config;
    struct net_env env;
    struct net_link link;
    exo_ns now; // of the last call that named a time
    struct net_stats stats;
    struct pkt_pool pool;

    struct route route;
    struct ip4 dns;
    uint16_t mtu_bytes; // of what we send: the link's, or less if DHCP says so
    struct arp arp;
    struct icmp icmp;
    struct udp udp;
    struct dhcp dhcp; // if config.dhcp
    struct tcp tcp;

    struct carve carve;        // what is first touched when it is needed: buffers and places
    struct flow **flow_chunks; // of NET_FLOW_CHUNK places each
    uint32_t flows_touched;    // the first so many have been used; no more chunks are carved
    uint32_t listeners_touched;
    uint32_t udp_touched;
    struct list free_flows; // of those that have been used
    struct list free_listeners;
    struct list free_udp;
    struct list *listeners; // chains by port
    uint32_t listener_mask;
    struct list half_open; // flows in SYN-RECEIVED of listeners, oldest first
    uint32_t half_open_count;
    uint32_t half_open_max; // the share of the table that they may take

    struct demux demux;
    struct timers timers;
    struct time_wait_table time_wait;
    struct list dirty;
    struct list ready;
    struct list starved;
    bool short_of_buffers; // egress stopped for want of a buffer
    exo_ns reclaim_at;     // not before: the next look for stalled connections

    struct pkt *out[NET_OUT_FRAMES]; // whole frames, oldest first; what the link has not taken
    uint32_t out_count;
};

// --- egress.c ---

// Sends the view of `pkt` as the payload of an IPv4 datagram from our address. What
// cannot be sent is counted and freed: IP promises nothing.
//
// Owner: takes pkt.
void net_send_ip(struct net *net, struct pkt *pkt, struct ip4 src, struct ip4 dst, uint8_t proto);

// Sends a segment that no connection owns. Without a buffer it is counted and not sent.
void net_send_segment(struct net *net, const struct tcp_tuple *tuple, struct wire_tcp *segment);

// Sends what ARP has to say: requests, announcements, packets whose neighbour answered.
void net_arp_output(struct net *net);

// Queues a whole frame for the link. There is room: see net_out_room.
//
// Owner: takes frame.
void net_send_frame(struct net *net, struct pkt *frame);

static inline uint32_t net_out_room(const struct net *net)
{
    return NET_OUT_FRAMES - net->out_count;
}

// Hands queued frames to the link; returns how many it took.
uint32_t net_flush(struct net *net);

// Drains everything dirty as far as the link takes it. Returns the frames sent.
uint32_t net_egress(struct net *net);

// --- ingress.c ---

// Takes in at most `budget` frames. Returns how many came.
uint32_t net_ingress(struct net *net, uint32_t budget);

// --- flow.c ---

// The nth place of those that have been used.
static inline struct flow *flow_at(const struct net *net, uint32_t n)
{
    return &net->flow_chunks[n / NET_FLOW_CHUNK][n % NET_FLOW_CHUNK];
}

static inline bool flow_has_place(const struct net *net)
{
    return !list_is_empty(&net->free_flows) | (net->flows_touched < net->config.tcp_conns);
}

// A free connection, at the cost of the oldest half-open one if need be; or null.
struct flow *flow_alloc(struct net *net);

// Begins the life of a flow whose conn was opened: demultiplexer, timer, first segment.
void flow_open(struct net *net, struct flow *f);

// Carries on whatever a call into the connection has changed: call it after each.
void flow_settle(struct net *net, struct flow *f);

// The app lets go, in order or at once.
void flow_release(struct net *net, struct flow *f);
void flow_abort(struct net *net, struct flow *f);

// Sends the RST that a connection owes its peer as it ends.
void flow_reset_peer(struct net *net, const struct flow *f);

// Tells the connections that wait for this next hop that it does not answer.
void flow_neighbour_silent(struct net *net, struct ip4 next_hop);

// Ends every connection: the address they live on is gone.
void flow_kill_all(struct net *net, int error);

// Resets the connection that holds most data for a peer whose window is shut, or opens and
// takes nothing, if there is any.
void flow_drop_stalled(struct net *net);

// Runs what is due.
void flow_tick_all(struct net *net);

// --- listener.c ---

struct listener *listener_find(const struct net *net, uint16_t port);

// One that the app holds, on a port that has none; or null: all are in use.
struct listener *listener_open(struct net *net, uint16_t port, uint32_t backlog);

// The connection that has waited longest, which now is the caller's; or null.
struct flow *listener_accept(struct listener *l);

// The app lets go, also of whoever was not accepted yet.
void listener_release(struct net *net, struct listener *l);

// A SYN for a listener becomes a half-open connection; is answered with a cookie when there
// are too many of those; or is dropped and counted when the app accepts too slowly.
void listener_syn(struct net *net, struct listener *l, const struct tcp_tuple *tuple,
                  const struct wire_tcp *syn, uint32_t iss);

// True if an ACK for a listener brings a cookie back. `out` is then its connection, to which
// the ACK must be given next; or null: there is no room, and the peer will try again.
bool listener_cookie(struct net *net, struct listener *l, const struct tcp_tuple *tuple,
                     const struct wire_tcp *ack, struct flow **out);

// --- udp_port.c ---

// Binds `port`, 0 for a random free one, to a socket that the app holds. Errors: udp_bind's.
int udp_port_open(struct net *net, uint16_t port, struct udp_port **out);
void udp_port_release(struct net *net, struct udp_port *u);

// --- ready.c ---

// Puts the socket into the ready list if it has events that were not told yet.
void ready_update(struct socket *s);

static inline struct flow *flow_of(struct socket *s)
{
    return EXO_CONTAINER(s, struct flow, socket);
}

#endif
