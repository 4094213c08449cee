// SPDX-License-Identifier: MIT
// dhcp.h - a DHCP client: it gets this host an address and keeps it.
//
//            ┌────────────── NAK, or the lease ran out ◄───────────────┐
//            ▼                                                         │
//     SELECTING ──offer──► REQUESTING ──ACK──► BOUND ──T1──► RENEWING ─┤
//       ▲                      │                 ▲              │ T2   │
//       └── NAK, 5 in vain ────┘                 └──── ACK ─────┤      │
//                                                               ▼      │
//                                                          REBINDING ──┘
//
// The caller moves the bytes: dhcp_output gives a payload for UDP port 67 from port 68,
// dhcp_input takes what came to port 68 (addressed to us or broadcast), dhcp_tick is due
// at dhcp_deadline, dhcp_take_change says when the address changed.
//
// Deviations from RFC 2131, on purpose:
//  - The first DISCOVER goes out at once, not after a random 1 … 10 s (§4.4.1): that wait
//    spreads a whole site that powers on together, and would be most of a boot here.
//  - The first usable offer is taken; others are not collected.
//  - The offered address is not probed by ARP before use (§4.4.1, a SHOULD).
// Spec: RFC 2131; RFC 2132; RFC 3396. Message format: wire/dhcp.h.
#ifndef NETSTACK_APP_DHCP_H
#define NETSTACK_APP_DHCP_H

#include "netstack/base/net_env.h"
#include "netstack/base/pkt.h"
#include "netstack/wire/dhcp.h"

#define DHCP_REQUESTS 5u // to one server before the search begins anew

enum dhcp_state {
    DHCP_SELECTING,  // DISCOVER is repeated until somebody offers
    DHCP_REQUESTING, // the offer is accepted, its ACK is awaited
    DHCP_BOUND,
    DHCP_RENEWING,  // past T1: asking the server that gave the lease
    DHCP_REBINDING, // past T2: asking everybody
};

struct dhcp_lease {
    struct ip4 addr; // 0.0.0.0: there is none
    uint8_t prefix_len;
    struct ip4 router;             // 0.0.0.0: none named
    struct ip4 dns[WIRE_DHCP_DNS]; // 0.0.0.0 behind the last
    struct ip4 server;             // who gave it
    uint16_t mtu_bytes;            // 0: not named
};

struct dhcp {
    struct net_env env;
    struct mac mac;
    uint8_t state;           // enum dhcp_state
    uint8_t tries;           // messages sent in this state
    bool send_due;           // dhcp_output has a message to fill
    bool changed;            // `lease` is news
    uint32_t xid;            // of the exchange under way
    exo_ns began_at;         // when the exchange began: the `secs` field
    exo_ns sent_at;          // the last message: a lease counts from its request
    exo_ns send_at;          // the next message; EXO_NS_NEVER while BOUND
    exo_ns t1_at;            // BOUND → RENEWING; EXO_NS_NEVER once it is past
    exo_ns t2_at;            // RENEWING → REBINDING; the same
    exo_ns expires_at;       // the address must not be used any more
    struct ip4 asked;        // the address that was offered, and then is ours
    struct ip4 server;       // who offered it, or gave it last
    struct dhcp_lease lease; // in use; addr is 0.0.0.0 without one
    uint64_t ignored;        // messages that were malformed, not for us or not asked for
};

// Starts at once: a DISCOVER is ready for dhcp_output. `env` is copied.
void dhcp_init(struct dhcp *dhcp, const struct net_env *env, struct mac mac, exo_ns now);

// Takes in the payload of one UDP datagram. True: it was an answer to what was asked.
bool dhcp_input(struct dhcp *dhcp, exo_ns now, const void *bytes, size_t len);

struct dhcp_route { // how a message travels; ports are 68 → 67
    struct ip4 src; // ours, or 0.0.0.0
    struct ip4 dst; // a server, or 255.255.255.255
};

// True if dhcp_output would fill a message: ask before spending a packet on it.
static inline bool dhcp_wants_output(const struct dhcp *dhcp)
{
    return dhcp->send_due;
}

// Appends the message that is due to `payload` (an empty view) and says how it travels.
// False: none is due, nothing is written.
bool dhcp_output(struct dhcp *dhcp, exo_ns now, struct pkt *payload, struct dhcp_route *route);

// Runs what is due. Then see dhcp_output and dhcp_take_change.
void dhcp_tick(struct dhcp *dhcp, exo_ns now);

exo_ns dhcp_deadline(const struct dhcp *dhcp);

// True once after each change: `out` is the lease now in use. An address of 0.0.0.0
// says that the old one must not be used any more, connections over it included.
bool dhcp_take_change(struct dhcp *dhcp, struct dhcp_lease *out);

#endif
