// SPDX-License-Identifier: MIT
// arp.c - ARP messages as bytes.
#include "netstack/wire/arp.h"

#include "exo/assert.h"

enum {
    HARDWARE_ETHERNET = 1,
    PROTOCOL_IP4 = 0x0800,
};

bool wire_arp_parse(struct wire_arp *out, const void *bytes, size_t len)
{
    if (len < WIRE_ARP_BYTES)
        return false;
    const struct wire_arp_raw *raw = bytes;
    const uint16_t op = be16_get(raw->op);
    if ((be16_get(raw->hardware) != HARDWARE_ETHERNET) | (be16_get(raw->protocol) != PROTOCOL_IP4) |
        (raw->hardware_len != sizeof(struct mac)) | (raw->protocol_len != sizeof(struct ip4)))
        return false;
    if (op != WIRE_ARP_REQUEST && op != WIRE_ARP_REPLY)
        return false;
    *out = (struct wire_arp){
        .op = op,
        .sender_mac = raw->sender_mac,
        .sender_addr = raw->sender_addr,
        .target_mac = raw->target_mac,
        .target_addr = raw->target_addr,
    };
    return true;
}

size_t wire_arp_emit(void *out, const struct wire_arp *arp)
{
    exo_assert(arp->op == WIRE_ARP_REQUEST || arp->op == WIRE_ARP_REPLY);
    struct wire_arp_raw *raw = out;
    *raw = (struct wire_arp_raw){
        .hardware = be16_of(HARDWARE_ETHERNET),
        .protocol = be16_of(PROTOCOL_IP4),
        .hardware_len = sizeof(struct mac),
        .protocol_len = sizeof(struct ip4),
        .op = be16_of(arp->op),
        .sender_mac = arp->sender_mac,
        .sender_addr = arp->sender_addr,
        .target_mac = arp->target_mac,
        .target_addr = arp->target_addr,
    };
    return WIRE_ARP_BYTES;
}
