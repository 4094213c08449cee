// SPDX-License-Identifier: MIT
// arp.h - neighbours on the link: address resolution for IPv4 (RFC 826).
//
// A table of ARP_ENTRIES neighbours. Each is
//
//              arp_resolve          answer               60 s, used since
//     FREE ───────────────► ASKING ────────► KNOWN ─────────────────────► CHECKING
//                              │               ▲          answer              │
//      ▲    3 requests in vain │ ▲             └──────────────────────────────┤
//      │              FAILED ◄─┘ │ arp_resolve again                          │
//      │                └────────┘                                            │
//      └──────────────────────────────────────────────────────────────────────┘
//          60 s unused in KNOWN, or 3 unicast requests in vain in CHECKING
//
// arp_unreachable reports each failure once. FAILED keeps its place until another wants it:
// arp_is_silent then knows for a while that it is no use to send there.
//
// What comes from the network can only do this: any valid message updates an entry that
// exists; a message whose target is us creates one, in a free place or in that of a
// neighbour that failed or that we never sent to; so strangers cannot push out those we talk to.
// Packets wait for an answer in their entry, the latest ARP_HELD of them.
//
// Time: arp_tick at arp_deadline. Frames: arp_output while it returns true, then
// arp_release while it returns packets, after each arp_input, arp_resolve and arp_tick.
// Spec: RFC 826; RFC 1122 §2.3.2; RFC 5227 §2.3, §2.4 (announcements, defence).
#ifndef NETSTACK_IP_ARP_H
#define NETSTACK_IP_ARP_H

#include "netstack/base/pkt.h"

#define ARP_ENTRIES    32u
#define ARP_ASKING_MAX 16u // of them: asking never takes the whole table
#define ARP_HELD       4u  // packets that wait in one entry
#define ARP_TRIES      3u  // requests, ARP_RETRY apart, before a neighbour is given up
#define ARP_RETRY      EXO_S(1)
#define ARP_AGE        EXO_S(60) // a confirmed entry is trusted so long
#define ARP_SILENT     EXO_S(20) // a neighbour that failed is not expected to answer so long
#define ARP_DEFEND     EXO_S(10) // between two defences of our address
#define ARP_ANNOUNCE   EXO_S(2)  // between the two announcements of a new address

enum arp_state {
    ARP_FREE,
    ARP_ASKING,   // broadcast requests are under way
    ARP_KNOWN,    // `mac` was confirmed less than ARP_AGE ago
    ARP_CHECKING, // `mac` is still used, unicast requests are under way
    ARP_FAILED,   // nobody answered
};

struct arp_entry {
    struct ip4 addr;
    struct mac mac; // KNOWN and CHECKING
    uint8_t state;  // enum arp_state
    uint8_t tries;  // requests sent in this state
    uint8_t held_count;
    bool used;                  // we sent to it since it was confirmed
    bool wanted;                // we ever sent to it, and it did not fail
    bool request_due;           // arp_output has a request to fill
    bool released;              // the held packets may go
    bool unreported;            // it failed, and arp_unreachable has not said so
    exo_ns timer;               // KNOWN: its age is over; ASKING, CHECKING: the next request
    exo_ns silent_until;        // it failed, and is not expected to answer before
    exo_ns touched;             // last use; the oldest makes room
    struct pkt *held[ARP_HELD]; // oldest first
};

struct arp_stats {
    uint64_t conflicts;    // somebody else used our address
    uint64_t dropped_held; // packets pushed out by later ones, or given up with their entry
    uint64_t dropped_full; // neighbours not remembered for lack of a free place
};

struct arp {
    struct mac mac;         // ours
    struct ip4 addr;        // ours, or 0.0.0.0: then nothing is answered and nothing asked
    exo_ns deadline;        // earliest time at which there is work; never late, may be early
    uint32_t recent;        // entry of the last lookup: most packets go where the last one went
    uint32_t announcements; // still to send
    exo_ns announce_at;     // when the next one is due
    exo_ns defend_from;     // our address is not defended again before
    bool any_released;      // some entry may be `released`
    bool any_failed;        // some entry may be `unreported`
    struct arp_stats stats;
    struct arp_entry entries[ARP_ENTRIES];
};

void arp_init(struct arp *arp, struct mac mac);

// Gives up every packet that waits (freed, not counted).
void arp_fini(struct arp *arp);

// Our address from now on, 0.0.0.0 for none. The neighbours are forgotten with their
// waiting packets, and a new address is announced twice (RFC 5227 §2.3).
void arp_set_addr(struct arp *arp, exo_ns now, struct ip4 addr);

enum arp_verdict {
    ARP_ANSWER, // the packet has become our reply, a whole frame: send it
    ARP_DONE,   // nothing to send; the packet is spent
    ARP_BAD,    // malformed, or from a sender that no host can be
};

// Takes in one ARP message: the view is what followed the Ethernet header.
//
// Owner: the packet stays the caller's. It is written to, so it must not be shared.
enum arp_verdict arp_input(struct arp *arp, exo_ns now, struct pkt *pkt);

// Finds the hardware address of an on-link neighbour.
//
// Returns 1 and fills `out` if it is known. Otherwise returns 0 and holds
// `waiting` until the answer comes; arp_output then has a request to send.
// `waiting` may be null: only ask. Packets are held by pointer, not through
// pkt.next, so that one may be in its sender's queue meanwhile.
//
// Owner:  takes `waiting` on 0.
// Errors: -EXO_ENOMEM  every entry is still in use; -EXO_ENETUNREACH  we have no address.
// Spec:   RFC 826 "Packet Generation"; RFC 1122 §2.3.2.2.
int arp_resolve(struct arp *arp, exo_ns now, struct ip4 addr, struct pkt *waiting, struct mac *out);

// Fills `frame` (an empty view) with the next request or announcement that is due, a
// whole Ethernet frame. False: none is due, `frame` is as it was. Before arp_deadline there is
// none, so that no packet need be spent on asking.
bool arp_output(struct arp *arp, exo_ns now, struct pkt *frame);

// The next held packet whose neighbour has answered, and the neighbour's address; or null.
//
// Owner: gives the packet.
struct pkt *arp_release(struct arp *arp, struct mac *out);

// The next neighbour that was given up; its packets are freed and counted. False: none.
// The caller tells the transports: host unreachable.
bool arp_unreachable(struct arp *arp, struct ip4 *out);

// True if `addr` failed not longer than ARP_SILENT ago and has not answered since. arp_resolve
// asks it anew all the same, and a neighbour that is back is known with its answer.
bool arp_is_silent(const struct arp *arp, exo_ns now, struct ip4 addr);

// Runs what is due. Then see arp_output and arp_unreachable.
void arp_tick(struct arp *arp, exo_ns now);

// When arp_tick or arp_output has work; EXO_NS_NEVER: not before somebody acts.
static inline exo_ns arp_deadline(const struct arp *arp)
{
    return arp->deadline;
}

#endif
