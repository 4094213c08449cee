// SPDX-License-Identifier: MIT
// answer.c - swap who asks with who is asked.
//
// An Internet checksum is a sum: exchanging two of its words does not change it. So only
// the echo reply's type costs an adjustment, and a request whose checksum was wrong
// becomes an answer whose checksum is wrong, which its sender will notice.
#include "answer.h"

#include "exo/endian.h"

#include <string.h>

struct eth {
    uint8_t to[6];
    uint8_t from[6];
    struct be16 type;
};

struct arp { // RFC 826, for Ethernet and IPv4
    struct be16 hardware;
    struct be16 protocol;
    uint8_t hardware_len;
    uint8_t protocol_len;
    struct be16 operation;
    uint8_t sender_mac[6];
    uint8_t sender[4];
    uint8_t target_mac[6];
    uint8_t target[4];
};

struct ip4 { // RFC 791 §3.1, without options
    uint8_t version_and_words;
    uint8_t service;
    struct be16 len;
    struct be16 id;
    struct be16 fragment;
    uint8_t ttl;
    uint8_t protocol;
    struct be16 checksum;
    uint8_t from[4];
    uint8_t to[4];
};

struct icmp { // RFC 792, echo
    uint8_t type;
    uint8_t code;
    struct be16 checksum;
    struct be32 id_and_sequence;
};

struct udp { // RFC 768
    struct be16 from;
    struct be16 to;
    struct be16 len;
    struct be16 checksum;
};

_Static_assert(sizeof(struct eth) == 14 && sizeof(struct arp) == 28 && sizeof(struct ip4) == 20,
               "wire formats have no padding");

enum { TYPE_IP4 = 0x0800, TYPE_ARP = 0x0806 };
enum { ARP_REQUEST = 1, ARP_REPLY = 2 };
enum { PROTOCOL_ICMP = 1, PROTOCOL_UDP = 17 };
enum { ICMP_ECHO_REPLY = 0, ICMP_ECHO = 8 };
enum { PORT_ECHO = 7 };

const uint8_t answer_addr[4] = {10, 0, 2, 15};

static bool is_ours(const uint8_t addr[4])
{
    return memcmp(addr, answer_addr, sizeof answer_addr) == 0;
}

static bool answer_arp(struct arp *arp, uint32_t len, const uint8_t mac[6])
{
    if (len < sizeof *arp || be16_get(arp->hardware) != 1 || be16_get(arp->protocol) != TYPE_IP4 ||
        arp->hardware_len != 6 || arp->protocol_len != 4)
        return false;
    if (be16_get(arp->operation) != ARP_REQUEST || !is_ours(arp->target))
        return false;
    arp->operation = be16_of(ARP_REPLY);
    memcpy(arp->target_mac, arp->sender_mac, sizeof arp->target_mac);
    memcpy(arp->target, arp->sender, sizeof arp->target);
    memcpy(arp->sender_mac, mac, sizeof arp->sender_mac);
    memcpy(arp->sender, answer_addr, sizeof arp->sender);
    return true;
}

static bool answer_icmp(struct icmp *icmp, uint32_t len)
{
    if (len < sizeof *icmp || icmp->type != ICMP_ECHO || icmp->code != 0)
        return false;
    icmp->type = ICMP_ECHO_REPLY;
    // RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m'), where the word m = 0x0800 became m' = 0.
    uint32_t sum = (uint16_t)~be16_get(icmp->checksum) + (uint16_t) ~(ICMP_ECHO << 8);
    icmp->checksum = be16_of((uint16_t) ~(sum + (sum >> 16)));
    return true;
}

static bool answer_udp(struct udp *udp, uint32_t len)
{
    if (len < sizeof *udp || be16_get(udp->len) < sizeof *udp || be16_get(udp->len) > len)
        return false;
    // Two echo ports that talk to each other never stop.
    if (be16_get(udp->to) != PORT_ECHO || be16_get(udp->from) == PORT_ECHO)
        return false;
    udp->to = udp->from;
    udp->from = be16_of(PORT_ECHO);
    return true;
}

static bool answer_ip4(struct ip4 *ip, uint32_t len)
{
    if (len < sizeof *ip || ip->version_and_words != 0x45 || be16_get(ip->fragment) & 0x3fff)
        return false;
    uint32_t ip_len = be16_get(ip->len); // what follows it in the frame is padding
    if (ip_len < sizeof *ip || ip_len > len || !is_ours(ip->to))
        return false;

    void *payload = ip + 1;
    uint32_t payload_len = ip_len - (uint32_t)sizeof *ip;
    bool answered = ip->protocol == PROTOCOL_ICMP  ? answer_icmp(payload, payload_len)
                    : ip->protocol == PROTOCOL_UDP ? answer_udp(payload, payload_len)
                                                   : false;
    if (answered) {
        memcpy(ip->to, ip->from, sizeof ip->to);
        memcpy(ip->from, answer_addr, sizeof ip->from);
    }
    return answered;
}

bool answer(uint8_t *frame, uint32_t len, const uint8_t mac[6])
{
    struct eth *eth = (void *)frame;
    if (len < sizeof *eth)
        return false;
    void *payload = eth + 1;
    uint32_t payload_len = len - (uint32_t)sizeof *eth;
    bool to_us = memcmp(eth->to, mac, sizeof eth->to) == 0; // an echo is never for a group
    bool answered = be16_get(eth->type) == TYPE_ARP   ? answer_arp(payload, payload_len, mac)
                    : be16_get(eth->type) == TYPE_IP4 ? to_us && answer_ip4(payload, payload_len)
                                                      : false;
    if (answered) {
        memcpy(eth->to, eth->from, sizeof eth->to);
        memcpy(eth->from, mac, sizeof eth->from);
    }
    return answered;
}
