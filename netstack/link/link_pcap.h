// SPDX-License-Identifier: MIT
// link_pcap.h - writes down every frame that passes, in a format that Wireshark reads.
//
// A link around a link. The bytes go to a sink in pieces: the file header first, then a
// record header and the frame for each frame that was really received or sent.
// Spec: the pcap file format (draft-ietf-opsawg-pcap), version 2.4, nanosecond times.
#ifndef NETSTACK_LINK_LINK_PCAP_H
#define NETSTACK_LINK_LINK_PCAP_H

#include "netstack/link/net_link.h"

struct link_pcap_sink {
    void (*write)(void *ctx, const void *bytes, size_t len);
    void *ctx;
};

struct link_pcap {
    struct net_link inner;
    struct link_pcap_sink sink;
    exo_ns now;
    uint64_t frames; // written
};

// Writes the file header.
void link_pcap_init(struct link_pcap *pcap, const struct net_link *inner,
                    const struct link_pcap_sink *sink);

// The link to hand to the stack. `pcap` must outlive it and not move.
struct net_link link_pcap_link(struct link_pcap *pcap);

// The time written beside the frames that follow.
static inline void link_pcap_set_time(struct link_pcap *pcap, exo_ns now)
{
    pcap->now = now;
}

#endif
