// SPDX-License-Identifier: MIT
// eth.h - Ethernet II framing. The contract of every codec is wire/README.md.
// Spec: RFC 894; IEEE 802.3 §3.
#ifndef NETSTACK_WIRE_ETH_H
#define NETSTACK_WIRE_ETH_H

#include "netstack/base/pkt.h"

#define WIRE_ETH_BYTES     14u
#define WIRE_ETH_MIN_BYTES 60u // shortest frame, without FCS

enum { // wire_eth.type
    WIRE_ETH_IP4 = 0x0800,
    WIRE_ETH_ARP = 0x0806,
    WIRE_ETH_IP6 = 0x86dd,
};

struct wire_eth {
    struct mac dst;
    struct mac src;
    uint16_t type; // below 0x600 it is an 802.3 length, which nobody here speaks
};

struct wire_eth_raw {
    struct mac dst;
    struct mac src;
    struct be16 type;
};

_Static_assert(sizeof(struct wire_eth_raw) == WIRE_ETH_BYTES, "as on the wire");

static const struct mac wire_eth_broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static inline bool wire_eth_parse(struct wire_eth *out, const void *bytes, size_t len)
{
    if (len < WIRE_ETH_BYTES)
        return false;
    const struct wire_eth_raw *raw = bytes;
    *out = (struct wire_eth){.dst = raw->dst, .src = raw->src, .type = be16_get(raw->type)};
    return true;
}

static inline size_t wire_eth_length(const struct wire_eth *eth)
{
    (void)eth;
    return WIRE_ETH_BYTES;
}

static inline size_t wire_eth_emit(void *out, const struct wire_eth *eth)
{
    struct wire_eth_raw *raw = out;
    *raw = (struct wire_eth_raw){.dst = eth->dst, .src = eth->src, .type = be16_of(eth->type)};
    return WIRE_ETH_BYTES;
}

// Fills a frame up to the shortest legal one. The pad is zeros, never what an older
// packet left in the buffer (RFC 1042; the "Etherleak" of CVE-2003-0001).
static inline void wire_eth_pad(struct pkt *frame)
{
    if (frame->len >= WIRE_ETH_MIN_BYTES)
        return;
    const uint32_t pad = WIRE_ETH_MIN_BYTES - frame->len;
    memset(pkt_put(frame, pad), 0, pad);
}

#endif
