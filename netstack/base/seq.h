// SPDX-License-Identifier: MIT
// seq.h - TCP sequence numbers: arithmetic modulo 2^32 (RFC 9293 §3.4).
//
// Comparisons hold while the two are less than 2^31 apart, which the largest
// window (2^30, RFC 7323) guarantees.
#ifndef NETSTACK_BASE_SEQ_H
#define NETSTACK_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool seq_lt(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static inline bool seq_le(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) <= 0;
}

// lo <= x < lo + len
static inline bool seq_in(uint32_t x, uint32_t lo, uint32_t len)
{
    return x - lo < len;
}

#endif
