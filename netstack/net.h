// SPDX-License-Identifier: MIT
// net.h - a network stack: one struct, one link, one address, any number in a process.
//
// The caller drives it. Each turn: net_poll(now) moves received frames in, runs what
// is due and sends what is ready, with a budget; net_ready names the sockets to look
// at; net_deadline says when to call again if nothing arrives. Nothing happens between
// calls, nothing calls back, and the same inputs give the same outputs.
#ifndef NETSTACK_NET_H
#define NETSTACK_NET_H

#include "exo/types.h"
#include "netstack/base/addr.h"
#include "netstack/base/net_env.h"
#include "netstack/link/net_link.h"

struct net;
struct socket;

struct net_config {
    uint32_t pkts;          // packet buffers, at least 64
    uint32_t tcp_conns;     // TCP connections at one time, half-open ones included
    uint32_t tcp_time_wait; // connections remembered in TIME-WAIT; the oldest makes room
    uint32_t udp_sockets;
    uint32_t listeners;
    uint32_t rx_window_bytes; // TCP receive window of each connection, 2920 … 1 MiB
    uint32_t tx_buffer_bytes; // TCP data queued to send per connection, at least 2920
    bool dhcp;                // ask for the address (RFC 2131); else the three below
    struct ip4 addr;
    uint8_t prefix_len; // 0 … 32
    struct ip4 router;  // on the link, even outside of that prefix; 0.0.0.0: none
};

// A configuration that serves well in `memory_bytes` of memory for the stack, DHCP on.
struct net_config net_config_for(size_t memory_bytes);

// Bytes of memory, aligned to 64, that a stack of this configuration takes: all it
// will ever use. 0 if the configuration is out of the ranges above.
size_t net_bytes(const struct net_config *config);

// Builds a stack in `mem` (net_bytes of it). `link` and `env` are copied; their ctx
// stay the caller's and must outlive the stack.
//
// Errors: -EXO_EINVAL  the configuration is out of the ranges above; nothing was built.
int net_init(struct net **out, void *mem, const struct net_config *config,
             const struct net_env *env, const struct net_link *link, exo_ns now);

// The pool that received frames must come from: a link's receive ring is filled from it.
struct pkt_pool *net_pkts(struct net *net);

// One turn. Handles at most `budget` received frames, then timers, then sending.
// Returns how many frames moved in and out: 0 means there is nothing to do now.
uint32_t net_poll(struct net *net, exo_ns now, uint32_t budget);

// When net_poll must run again even if no frame arrives; EXO_NS_NEVER if never.
// A value in the past means at once.
exo_ns net_deadline(const struct net *net);

// The next socket whose events changed since it was last returned, or null.
// A closed socket is never returned.
struct socket *net_ready(struct net *net);

struct net_addr {
    struct ip4 addr; // 0.0.0.0 until DHCP is bound
    uint8_t prefix_len;
    struct ip4 router;
    struct ip4 dns;     // first server that DHCP named, or 0.0.0.0
    uint16_t mtu_bytes; // of what we send: the link's, or less if DHCP says so (option 26)
};

// The address now in use, and what came with it. `changes` in net_stats counts its changes.
struct net_addr net_addr(const struct net *net);

// Counters, each named for its reason; a frame that is dropped is in exactly one of the drops.
struct net_stats {
    uint64_t rx_frames, tx_frames;
    uint64_t addr_changes;
    uint64_t drop_eth;        // too short, not for us, unknown type
    uint64_t drop_arp;        // malformed
    uint64_t drop_ip;         // header, checksum, length, source or destination
    uint64_t drop_fragment;   // fragments are not reassembled (docs/caveats.md)
    uint64_t drop_icmp;       // malformed, or a type that is ignored
    uint64_t drop_udp;        // malformed, nobody bound, queue full
    uint64_t drop_tcp;        // malformed or bad checksum
    uint64_t drop_tcp_state;  // unacceptable to the connection it names
    uint64_t drop_no_pkt;     // the pool was empty
    uint64_t drop_neighbour;  // the next hop did not answer, or too many waited for it
    uint64_t tcp_opened, tcp_accepted, tcp_closed, tcp_reset, tcp_refused, tcp_timed_out;
    uint64_t tcp_retransmits, tcp_rto, tcp_fast_retransmits, tcp_out_of_order;
    uint64_t tcp_tail_probes; // one segment after silence, before a timeout (RFC 8985 §7)
    uint64_t tcp_challenge_acks;
    uint64_t tcp_path_mtu; // connections' segments made smaller for a link on their way
    uint64_t tcp_cookies_sent, tcp_cookies_taken; // SYN cookies: during a flood, and back
    uint64_t tcp_half_open_evicted; // half-open connections that made room for proven ones
    uint32_t tcp_conns;       // now, every state but TIME-WAIT and LISTEN
    uint32_t tcp_time_wait;   // now
    uint32_t pkts_total, pkts_free; // now
};

struct net_stats net_stats(const struct net *net);

#endif
