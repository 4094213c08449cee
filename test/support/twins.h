// SPDX-License-Identifier: MIT
// twins.h - two whole stacks in one process, joined by a cable that may be bad.
//
//     stack 0  10.0.0.1 ── fault ── loop ── fault ── 10.0.0.2  stack 1
//
// Time is virtual and moves only in twins_advance, to the next thing that is due.
// Everything follows from the seed.
#ifndef TEST_SUPPORT_TWINS_H
#define TEST_SUPPORT_TWINS_H

#include "netstack/link/link_fault.h"
#include "netstack/link/link_loop.h"
#include "netstack/link/link_pcap.h"
#include "netstack/socket.h"
#include <check.h>
#include <stdio.h>

// Check notes every ck_assert that passes, which is slow where millions do. It also keeps what
// it is told for its own report, and a fuzzer makes none.
#define REQUIRE(cond, ...)                                                                         \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            ck_abort_msg(__VA_ARGS__);                                                             \
        }                                                                                          \
    } while (0)

struct twin {
    struct net *net;
    void *mem;
    uint64_t rng; // of its env
    struct link_fault fault;
    struct pkt_pool air; // frames under way
    uint32_t full;       // buffers of an untouched pool
    struct link_pcap pcap;
};

struct twins {
    struct link_loop loop;
    struct twin t[2];
    exo_ns now;
    FILE *pcap; // written if the environment names a file in TWINS_PCAP
};

// `knobs` may be null: a good cable. Both stacks get `config` with their own address.
void twins_init(struct twins *w, const struct net_config *config,
                const struct link_fault_knobs *knobs, uint64_t seed, exo_ns start);
void twins_fini(struct twins *w);

// Polls both until neither has anything to do at this moment.
void twins_poll(struct twins *w);

// Moves time to the next thing that is due, at most to `until`.
void twins_advance(struct twins *w, exo_ns until);

// A small good generator for tests; never 0.
uint64_t test_random(uint64_t *state);

// A configuration of medium size without DHCP; the address is filled in by twins_init.
struct net_config test_config(void);

#endif
