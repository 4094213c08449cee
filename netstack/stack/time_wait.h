// SPDX-License-Identifier: MIT
// time_wait.h - connections that are over, remembered for 2 MSL (RFC 9293 §3.6.1).
//
// What is left of a connection there fits a line: its tuple and two numbers. A table of
// its own keeps that from occupying a whole connection for a minute; when it is full the
// oldest makes room, which shortens its wait and loses nothing else.
#ifndef NETSTACK_STACK_TIME_WAIT_H
#define NETSTACK_STACK_TIME_WAIT_H

#include "exo/list.h"
#include "netstack/base/carve.h"
#include "netstack/stack/demux.h"

struct time_wait {
    struct demux_entry entry;
    struct list order; // of expiry; or in the free list
    exo_ns expires_at; // end of 2 MSL
    uint32_t snd_nxt;  // our next number: a new incarnation must begin above it
    uint32_t rcv_nxt;  // the peer's
    uint16_t window;   // as it was last announced
};

struct time_wait_table {
    struct demux demux;
    struct list order;  // oldest first: all wait equally long
    struct list free;   // of the places that have been used
    struct carve *from; // where the others are
    uint32_t places_count;
    uint32_t touched; // so many have been used; the others are not carved yet
    uint32_t count;
};

// Carves a place when it is first needed, `count` at most: one sizeof(struct time_wait) each.
// `chains` (chains_for(count) of them) stay the table's.
void time_wait_init(struct time_wait_table *t, struct carve *from, uint32_t count,
                    struct demux_entry **chains, struct siphash_key key);

// Remembers a connection that has reached TIME-WAIT.
struct time_wait *time_wait_add(struct time_wait_table *t, const struct tcp_conn *c, exo_ns now);

struct time_wait *time_wait_find(const struct time_wait_table *t, const struct tcp_tuple *tuple);

void time_wait_remove(struct time_wait_table *t, struct time_wait *w);

void time_wait_clear(struct time_wait_table *t);

enum time_wait_verdict {
    TIME_WAIT_IGNORE, // nothing comes of it
    TIME_WAIT_ACK,    // send time_wait_ack
    TIME_WAIT_REOPEN, // a SYN of a new incarnation: forget this one and treat it as new
};

// A segment with `len` bytes of payload arrives for `w` (RFC 9293 §3.10.7.4, RFC 1337).
enum time_wait_verdict time_wait_input(struct time_wait_table *t, struct time_wait *w,
                                       const struct wire_tcp *seg, uint32_t len, exo_ns now);

// The ACK that tells the peer's FIN has arrived.
void time_wait_ack(struct wire_tcp *ack, const struct time_wait *w);

// Forgets whose time is over.
void time_wait_tick(struct time_wait_table *t, exo_ns now);

exo_ns time_wait_deadline(const struct time_wait_table *t);

#endif
