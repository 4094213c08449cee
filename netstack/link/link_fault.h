// SPDX-License-Identifier: MIT
// link_fault.h - a bad cable in front of a good link: loses, repeats, reorders, damages.
//
//     stack ── tx ──► faults, delay, rate, queue ──► tx ── inner link
//     stack ◄───────────────── rx ◄───────────────── rx ── inner link
//
// Faults happen to what is sent; wrap both ends of a link_loop to have them both ways.
// Everything follows from the seed and the times handed in, so a failure replays.
// Frames are copied into a pool of the fault's own while they are under way.
#ifndef NETSTACK_LINK_LINK_FAULT_H
#define NETSTACK_LINK_LINK_FAULT_H

#include "netstack/link/net_link.h"

struct link_fault_knobs { // chances are out of 65536, which is always; all zero: a good cable
    uint32_t lose;
    uint32_t duplicate;
    uint32_t corrupt;  // one random bit flips
    uint32_t truncate; // a random tail is cut off
    uint32_t reorder;  // held back for a random time up to reorder_max
    exo_ns reorder_max;
    exo_ns delay;              // every frame
    uint64_t rate_bytes_per_s; // 0: unlimited
    uint32_t queue_frames;     // under way at one time; 0: as many as the pool has
};

struct link_fault_stats {
    uint64_t sent; // frames given to the inner link
    uint64_t lost, duplicated, corrupted, truncated, reordered;
    uint64_t queue_full; // dropped: queue_frames, or no buffer
};

struct link_fault {
    struct net_link inner;
    struct link_fault_knobs knobs; // may be changed at any time
    struct link_fault_stats stats;
    struct pkt_pool *pool;
    struct pkt *waiting; // by pkt.stamp, the time at which they are due; ties as they came
    uint32_t waiting_count;
    exo_ns now;
    exo_ns line_free_at; // when the last byte accepted so far has left, at the limited rate
    uint64_t rng;
};

// `pool` is for frames under way and must be nobody else's.
void link_fault_init(struct link_fault *fault, const struct net_link *inner,
                     const struct link_fault_knobs *knobs, struct pkt_pool *pool, uint64_t seed);

// Frees what is under way.
void link_fault_fini(struct link_fault *fault);

// The link to hand to the stack. `fault` must outlive it and not move.
struct net_link link_fault_link(struct link_fault *fault);

// Time for all that follows; sends what became due. Never goes back.
void link_fault_set_time(struct link_fault *fault, exo_ns now);

// When the next frame under way is due; EXO_NS_NEVER: none is.
exo_ns link_fault_deadline(const struct link_fault *fault);

#endif
