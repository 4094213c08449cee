// SPDX-License-Identifier: MIT
// udp.h - the table of bound UDP ports and the queues of what came for them.
//
// One local address, so a port names a socket. A queue is bounded: what does not fit is
// dropped at the tail and counted, as UDP promises nothing.
// Spec: RFC 768; RFC 1122 §4.1; RFC 6056 §3.3.1 (random local ports).
#ifndef NETSTACK_UDP_UDP_H
#define NETSTACK_UDP_UDP_H

#include "netstack/base/net_env.h"
#include "netstack/base/pkt.h"
#include "netstack/wire/ip4.h"
#include "netstack/wire/udp.h"

#define UDP_QUEUE_MAX    64u   // datagrams that wait in one socket
#define UDP_FIRST_RANDOM 1024u // random local ports are from here to 65535

struct udp_sock {
    uint16_t port;         // 0: the place is free
    struct udp_sock *next; // on its hash chain, or in the free list
    struct pkt_queue rx;   // views are payloads; pkt.peer and pkt.peer_port say from whom
    uint64_t dropped;      // datagrams that found the queue full
    void *user;            // the caller's word
};

struct udp {
    struct net_env env;
    struct udp_sock *socks;
    struct udp_sock **chains; // by port
    struct udp_sock *free;    // of those that have been used
    uint32_t count;           // places
    uint32_t touched;         // the first so many have been used; the others' memory is as it was
    uint32_t chain_count;     // a power of two
};

// Bytes of memory, aligned to 64, for `count` sockets.
size_t udp_bytes(uint32_t count);

// `env` is copied; `mem` (udp_bytes of it) stays the table's.
void udp_init(struct udp *udp, void *mem, uint32_t count, const struct net_env *env);

// Binds `port`, or a random free one if it is 0.
//
// Errors: -EXO_EADDRINUSE  it is bound, or no free one was found; -EXO_ENOSPC  no place left.
int udp_bind(struct udp *udp, uint16_t port, struct udp_sock **out);

// Lets go of the port and frees what waits. `sock` is dead.
void udp_unbind(struct udp *udp, struct udp_sock *sock);

struct udp_sock *udp_lookup(const struct udp *udp, uint16_t port);

enum udp_verdict {
    UDP_QUEUED,   // the packet is the queue's
    UDP_BAD,      // length or checksum
    UDP_UNBOUND,  // nobody there: icmp_unreachable
    UDP_OVERFLOW, // the queue is full
};

// Takes in one UDP datagram: the view of `pkt` is IP's payload, `ip` its header.
//
// Owner: takes the packet on UDP_QUEUED and fills `out`; otherwise its view is unchanged.
enum udp_verdict udp_input(struct udp *udp, const struct wire_ip4 *ip, struct pkt *pkt,
                           struct udp_sock **out);

// The oldest datagram that waits, or null.
//
// Owner: gives the packet.
static inline struct pkt *udp_recv(struct udp_sock *sock)
{
    return pkt_queue_pop(&sock->rx);
}

// Pushes the header in front of the payload that is the view of `pkt`, and seals it.
// The payload must fit a datagram.
void udp_emit(struct pkt *pkt, struct ip4 src, uint16_t src_port, struct ip4 dst,
              uint16_t dst_port);

#endif
