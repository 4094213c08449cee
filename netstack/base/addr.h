// SPDX-License-Identifier: MIT
// addr.h - hardware and IPv4 addresses as they stand on the wire.
#ifndef NETSTACK_BASE_ADDR_H
#define NETSTACK_BASE_ADDR_H

#include "exo/endian.h"
#include <stdbool.h>
#include <string.h>

struct mac {
    uint8_t b[6];
};

struct ip4 { // network byte order
    uint8_t b[4];
};

// By two words that make one decision; of six bytes, memcmp makes two.
static inline bool mac_eq(struct mac x, struct mac y)
{
    uint32_t x_head, y_head;
    uint16_t x_tail, y_tail;
    memcpy(&x_head, &x.b[0], sizeof x_head);
    memcpy(&y_head, &y.b[0], sizeof y_head);
    memcpy(&x_tail, &x.b[4], sizeof x_tail);
    memcpy(&y_tail, &y.b[4], sizeof y_tail);
    return ((x_head ^ y_head) | (uint32_t)(x_tail ^ y_tail)) == 0;
}

// Group bit: multicast or broadcast.
static inline bool mac_is_group(struct mac m)
{
    return m.b[0] & 1;
}

static inline struct ip4 ip4_of(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct ip4){{a, b, c, d}};
}

static inline uint32_t ip4_get(struct ip4 a) // host byte order, for arithmetic
{
    return (uint32_t)a.b[0] << 24 | (uint32_t)a.b[1] << 16 | (uint32_t)a.b[2] << 8 | a.b[3];
}

static inline struct ip4 ip4_from(uint32_t v)
{
    return ip4_of((uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v);
}

static inline bool ip4_eq(struct ip4 x, struct ip4 y)
{
    return ip4_get(x) == ip4_get(y);
}

static inline bool ip4_is_any(struct ip4 a) // 0.0.0.0
{
    return ip4_get(a) == 0;
}

static inline bool ip4_is_multicast(struct ip4 a) // 224.0.0.0/4
{
    return (a.b[0] & 0xf0) == 0xe0;
}

static inline bool ip4_is_broadcast(struct ip4 a) // the limited broadcast
{
    return ip4_get(a) == 0xffffffffu;
}

static inline bool ip4_is_loopback(struct ip4 a) // 127.0.0.0/8
{
    return a.b[0] == 127;
}

// One host's, as far as the address alone says it: not 0/8, 127/8, multicast or class E.
static inline bool ip4_is_unicast(struct ip4 a)
{
    return (a.b[0] - 1u < 223u) & !ip4_is_loopback(a);
}

#endif
