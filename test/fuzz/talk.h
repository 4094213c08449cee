// SPDX-License-Identifier: MIT
// talk.h - the two halves of the target talk: the peer is talk_peer.c, all else talk.c.
#ifndef TEST_FUZZ_TALK_H
#define TEST_FUZZ_TALK_H

#include "netstack/stack/stack.h"
#include "test/support/net_fixture.h"

#define TALK_PEERS   3u // connections that the peer opens; one more is ours
#define TALK_SOCKETS 4u
#define TALK_HELD    64u
#define TALK_PORT    80u

struct talk {
    struct net *net;
    void *mem;
    exo_ns now;
    struct fixture_rng rng;
    struct pkt *in; // a frame on its way in
    bool arp_asked, deaf;
    uint32_t tx_room; // frames that the link takes still
    bool holds;       // it keeps what it takes
    struct pkt *held[TALK_HELD];
    uint32_t held_count;
    struct pkt *hoard; // buffers taken away, through next
    struct socket *listener;
    struct socket *sockets[TALK_SOCKETS];
    uint32_t heard[TALK_SOCKETS], said[TALK_SOCKETS];
    struct tcp_tuple ours; // of the connection that we opened last
    uint32_t next, wanted; // what the last segment of the stack's ended with, and acknowledged
};

static const struct ip4 talk_here = {{10, 0, 2, 15}};
static const struct ip4 talk_there = {{10, 0, 2, 2}};
static const struct mac talk_our_mac = {{2, 0, 0, 0, 0, 1}};
static const struct mac talk_peer_mac = {{2, 0, 0, 0, 0, 2}};

// Both streams: the byte that has this number.
static inline uint8_t talk_byte(uint32_t seq)
{
    return (uint8_t)(seq * 31 + (seq >> 8) * 17 + 7);
}

// What the peer sends is received in the next turn. The arguments are three bytes of the input.
void talk_segment(struct talk *t, uint8_t a, uint8_t b, uint8_t c);
void talk_syn(struct talk *t, uint8_t a, uint8_t b, uint8_t c);
void talk_icmp(struct talk *t, uint8_t a, uint8_t b, uint8_t c);
void talk_arp(struct talk *t);

#endif
