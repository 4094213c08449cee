// SPDX-License-Identifier: MIT
// tcp_sack.h - telling the peer what came before its turn, and what came twice.
//
//     rcv_nxt            ┌ reported last           ┌ reported first
//        ├──── gap ──────┤███████├───── gap ───────┤█████████│
//
// The block that the latest segment fell into comes first, then those reported before it,
// newest first: so each block travels in several ACKs, and a lost ACK loses nothing. What came
// twice goes in front of them all, once.
//
// Spec: RFC 2018 §4; RFC 2883 §4.
#ifndef NETSTACK_TCP_TCP_SACK_H
#define NETSTACK_TCP_TCP_SACK_H

#include "netstack/tcp/tcp_reasm.h"
#include "netstack/wire/tcp.h"

struct tcp_sack {
    bool on;                                     // both sides offered it
    bool has_dup;                                // `dup` is still to be told
    uint8_t count;                               // of blocks
    struct wire_tcp_sack blocks[WIRE_TCP_SACKS]; // apart from one another, newest first
    struct wire_tcp_sack dup;                    // numbers that came again (D-SACK)
};

// A segment that begins at `seq` is in `q` now.
void tcp_sack_note(struct tcp_sack *sack, const struct tcp_reasm *q, uint32_t seq);

// The numbers from `left` up to `right` had come before.
void tcp_sack_note_dup(struct tcp_sack *sack, uint32_t left, uint32_t right);

// What was out of order is no longer kept.
void tcp_sack_forget(struct tcp_sack *sack);

// Fills in `h`'s blocks for an ACK of `rcv_nxt`, into `room` bytes of options. False: there
// are more than went in.
bool tcp_sack_tell(struct tcp_sack *sack, struct wire_tcp *h, uint32_t rcv_nxt, uint32_t room);

// The first block of an ACK reports a segment that came twice (RFC 2883 §4): it lies below
// what is acknowledged, or inside of the second block.
bool tcp_sack_is_dup(const struct wire_tcp *seg);

#endif
