// SPDX-License-Identifier: MIT
// arp.h - ARP messages for IPv4 over Ethernet. Contract: wire/README.md.
// Spec: RFC 826.
#ifndef NETSTACK_WIRE_ARP_H
#define NETSTACK_WIRE_ARP_H

#include "netstack/base/addr.h"
#include <stddef.h>

#define WIRE_ARP_BYTES 28u

enum { // wire_arp.op
    WIRE_ARP_REQUEST = 1,
    WIRE_ARP_REPLY = 2,
};

struct wire_arp {
    uint16_t op;
    struct mac sender_mac;
    struct ip4 sender_addr; // 0.0.0.0 in a probe (RFC 5227)
    struct mac target_mac;  // unset in a request
    struct ip4 target_addr;
};

struct wire_arp_raw {
    struct be16 hardware; // 1: Ethernet
    struct be16 protocol; // 0x0800: IPv4
    uint8_t hardware_len; // 6
    uint8_t protocol_len; // 4
    struct be16 op;
    struct mac sender_mac;
    struct ip4 sender_addr;
    struct mac target_mac;
    struct ip4 target_addr;
};

_Static_assert(sizeof(struct wire_arp_raw) == WIRE_ARP_BYTES, "as on the wire");

// Refuses other hardware, other protocols, other lengths and other operations.
bool wire_arp_parse(struct wire_arp *out, const void *bytes, size_t len);

static inline size_t wire_arp_length(const struct wire_arp *arp)
{
    (void)arp;
    return WIRE_ARP_BYTES;
}

size_t wire_arp_emit(void *out, const struct wire_arp *arp);

#endif
