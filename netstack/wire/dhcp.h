// SPDX-License-Identifier: MIT
// dhcp.h - DHCP messages: the BOOTP form and the options we know. Contract: wire/README.md.
//
// Options may stand in the options field and, where option 52 says so, in `file` and
// `sname`; pieces of one option are joined in that order (RFC 3396). Options that are
// not named here, 121 (classless routes) among them, are skipped: a server cannot take
// our traffic elsewhere with them (CVE-2024-3661).
// Spec: RFC 2131 §2; RFC 2132; RFC 3396.
#ifndef NETSTACK_WIRE_DHCP_H
#define NETSTACK_WIRE_DHCP_H

#include "netstack/base/addr.h"
#include <stddef.h>

#define WIRE_DHCP_FIXED_BYTES 240u // up to and with the magic cookie
#define WIRE_DHCP_MIN_BYTES   300u // emit pads to this: BOOTP relays expect it
#define WIRE_DHCP_MAX_BYTES   384u // the longest that emit writes
#define WIRE_DHCP_DNS         3u   // servers kept of option 6

enum {
    WIRE_DHCP_SERVER_PORT = 67,
    WIRE_DHCP_CLIENT_PORT = 68,
};

enum { // wire_dhcp.op
    WIRE_DHCP_BOOTREQUEST = 1,
    WIRE_DHCP_BOOTREPLY = 2,
};

enum wire_dhcp_type { // option 53
    WIRE_DHCP_DISCOVER = 1,
    WIRE_DHCP_OFFER = 2,
    WIRE_DHCP_REQUEST = 3,
    WIRE_DHCP_DECLINE = 4,
    WIRE_DHCP_ACK = 5,
    WIRE_DHCP_NAK = 6,
    WIRE_DHCP_RELEASE = 7,
    WIRE_DHCP_INFORM = 8,
};

enum { // wire_dhcp.options: which of the option fields are there and well formed
    WIRE_DHCP_SUBNET_MASK = 1u << 0,    // option 1
    WIRE_DHCP_ROUTER = 1u << 1,         // 3
    WIRE_DHCP_DNS_SERVERS = 1u << 2,    // 6
    WIRE_DHCP_MTU = 1u << 3,            // 26
    WIRE_DHCP_REQUESTED_ADDR = 1u << 4, // 50
    WIRE_DHCP_LEASE = 1u << 5,          // 51
    WIRE_DHCP_SERVER_ID = 1u << 6,      // 54
    WIRE_DHCP_PARAMETERS = 1u << 7,     // 55; emit only: asks for 1, 3, 6, 26, 51, 58 and 59
    WIRE_DHCP_MAX_SIZE = 1u << 8,       // 57
    WIRE_DHCP_T1 = 1u << 9,             // 58
    WIRE_DHCP_T2 = 1u << 10,            // 59
};

struct wire_dhcp {
    uint8_t op;
    uint8_t type;   // enum wire_dhcp_type; 1 … 8
    bool broadcast; // the client cannot receive unicast yet
    uint16_t secs;  // since the client began
    uint32_t xid;
    struct ip4 ciaddr; // the client's, if it has one
    struct ip4 yiaddr; // "your" address: the offer
    struct ip4 siaddr;
    struct ip4 giaddr; // the relay
    struct mac chaddr;
    uint32_t options;
    struct ip4 subnet_mask;
    struct ip4 router; // the first one named
    uint32_t dns_count;
    struct ip4 dns[WIRE_DHCP_DNS];
    uint16_t mtu_bytes;
    struct ip4 requested_addr;
    uint32_t lease_s; // 0xffffffff: for ever
    struct ip4 server_id;
    uint16_t max_size_bytes;
    uint32_t t1_s;
    uint32_t t2_s;
};

// Checks op, hardware type and length, the magic cookie, that options stay inside their
// fields, and that there is one message type. A missing end option is forgiven. An
// option of a wrong size counts as absent.
bool wire_dhcp_parse(struct wire_dhcp *out, const void *bytes, size_t len);

size_t wire_dhcp_length(const struct wire_dhcp *dhcp);
size_t wire_dhcp_emit(void *out, const struct wire_dhcp *dhcp);

#endif
