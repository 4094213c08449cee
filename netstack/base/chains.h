// SPDX-License-Identifier: MIT
// chains.h - how many chains a hash table gets.
#ifndef NETSTACK_BASE_CHAINS_H
#define NETSTACK_BASE_CHAINS_H

#include <stdint.h>

// Chains that serve `entries` entries (at least one) well: a power of two, at least as many.
static inline uint32_t chains_for(uint32_t entries)
{
    return UINT32_C(2) << (31 - __builtin_clz((entries - 1) | 1));
}

#endif
