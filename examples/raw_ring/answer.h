// SPDX-License-Identifier: MIT
// answer.h - an Ethernet frame in, the answer in its place: a host in three protocols.
//
// It answers ARP requests for its address (RFC 826), ICMP echo requests (RFC 792) and
// datagrams to the UDP echo port (RFC 862), and nothing else.
#ifndef RAW_RING_ANSWER_H
#define RAW_RING_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

extern const uint8_t answer_addr[4]; // 10.0.2.15: what QEMU's user network gives a guest

// Turns the request in frame[0 .. len) into its answer, of the same length, for a host
// with hardware address `mac`. Returns false, and leaves it alone, if it wants none.
bool answer(uint8_t *frame, uint32_t len, const uint8_t mac[6]);

#endif
