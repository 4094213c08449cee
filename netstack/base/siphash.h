// SPDX-License-Identifier: MIT
// siphash.h - SipHash-2-4: a short keyed hash that nobody without the key can steer.
//
// For TCP's initial sequence numbers (RFC 6528) and for tables whose keys come from
// the network, where a plain hash would let a stranger pile everything on one chain.
// Spec: Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012.
#ifndef NETSTACK_BASE_SIPHASH_H
#define NETSTACK_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key { // 16 unpredictable bytes, read as two little-endian words
    uint64_t k[2];
};

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t len);

#endif
