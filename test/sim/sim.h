// SPDX-License-Identifier: MIT
// sim.h - conversations between two stacks over a bad cable, with every oracle watching.
//
// One seed is one run: the cable's faults, how much each side says, in what pieces, how
// lazily it reads, and who closes first. After each moment of virtual time the insides
// of both stacks are checked; at the end the byte streams must be equal, both ends
// closed, and every buffer home.
#ifndef TEST_SIM_SIM_H
#define TEST_SIM_SIM_H

#include "netstack/stack/stack.h"
#include "test/support/check_main.h"
#include "test/support/twins.h"

#define SIM_TALKS 4u

struct sim_knobs {
    const char *name;
    struct link_fault_knobs cable;
    uint32_t pkts; // 0: test_config's
    uint32_t window_bytes;
    uint32_t talks;       // connections at one time, 1 … SIM_TALKS
    uint32_t bytes_max;   // that one side says on one connection
    bool lazy_readers;    // pauses between reads
    bool near_wrap;       // sequence numbers of the first talk wrap on the way
    exo_ns finish_within; // virtual time for all of it
};

struct sim_result {
    exo_ns took;     // virtual time until all was said and closed
    uint64_t bytes;  // moved, both ways
    uint64_t frames; // sent, both ways
    uint64_t retransmits;
};

struct sim_result sim_run(const struct sim_knobs *knobs, uint64_t seed);

// Invariants of every connection of a stack (RFC 9293 §3.3.1, §3.8.6).
void sim_check_net(struct net *net, const char *where);

#endif
