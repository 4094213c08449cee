// SPDX-License-Identifier: MIT
// icmp.h - echo, errors to send and errors received, for IPv4.
//
// Nothing that ICMP says changes our configuration: redirects, router advertisements,
// address masks, timestamps and source quench are dropped (RFC 6633, RFC 6918).
// Spec: RFC 792; RFC 1122 §3.2.2; RFC 1812 §4.3.2.
#ifndef NETSTACK_IP_ICMP_H
#define NETSTACK_IP_ICMP_H

#include "netstack/base/bucket.h"
#include "netstack/base/net_env.h"
#include "netstack/base/pkt.h"
#include "netstack/base/siphash.h"
#include "netstack/wire/icmp4.h"
#include "netstack/wire/ip4.h"

#define ICMP_BUCKETS     32u
#define ICMP_BURST       8u          // errors in a row to one peer, at most
#define ICMP_PER_TOKEN   EXO_MS(100) // then one in this time
#define ICMP_QUOTE_BYTES 548u        // so that the error's datagram is at most 576 bytes

struct icmp {
    struct net_env env;
    struct siphash_key key; // which bucket a peer falls into is nobody's guess
    // Errors are limited per group of peers and with jitter: a global or an exact limit
    // is a side channel that tells open ports (CVE-2020-25705).
    struct bucket buckets[ICMP_BUCKETS];
    uint64_t errors_sent;
    uint64_t errors_limited; // not sent: their bucket was empty
};

// `env` is copied; its ctx must outlive the icmp.
void icmp_init(struct icmp *icmp, const struct net_env *env);

// An error that a host or a router reports about a datagram of ours. Whether one of our
// flows is really meant (addresses, ports, a sequence number in flight: RFC 5927) is
// for the transport to judge: anybody can send one.
struct icmp_error {
    uint8_t type; // unreachable, time exceeded, parameter problem
    uint8_t code;
    uint16_t mtu_bytes;   // of "fragmentation needed"; 0 from an old router
    uint16_t len_bytes;   // of the quoted datagram, header and all
    uint8_t proto;        // of the quoted datagram
    struct ip4 src;       // of the quoted datagram: our address
    struct ip4 dst;       // its destination
    uint16_t src_port;    // TCP and UDP: our port
    uint16_t dst_port;    // the peer's
    uint32_t seq;         // TCP: sequence number of the quoted segment
    uint8_t transport[8]; // the quoted first eight bytes behind the IP header
};

enum icmp_verdict {
    ICMP_ANSWER, // the packet's view has become the reply: send it from ip->dst to ip->src
    ICMP_ERROR,  // `error` is filled
    ICMP_DROP,   // malformed, or of a type that we ignore
};

// Takes in one ICMP message, the view of `pkt`, which came in a datagram with header `ip`
// to our own address. An echo request is answered in place with all its data.
// Broadcasts must not come here: nobody answers those.
//
// Owner: the packet stays the caller's. It is written to, so it must not be shared.
enum icmp_verdict icmp_input(const struct wire_ip4 *ip, struct pkt *pkt, struct icmp_error *error);

// Fills `out` (an empty view) with "destination unreachable" about a datagram that was
// received: `ip` is its parsed header, datagram[0..ip->total_len) its bytes, `group` says
// that it came by broadcast or multicast on either layer. Send it from ip->dst to ip->src.
//
// False, and `out` is as it was: no error may be sent about it (RFC 1122 §3.2.2: not
// about errors, groups, later fragments, senders that are no host), or too many were.
bool icmp_unreachable(struct icmp *icmp, exo_ns now, uint8_t code, const struct wire_ip4 *ip,
                      const void *datagram, bool group, struct pkt *out);

#endif
