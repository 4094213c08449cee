// SPDX-License-Identifier: MIT
// net_env.h - what a stack is given instead of reaching for it: unpredictable bytes.
// (Time is an argument of each call, memory and the link are arguments of net_init.)
#ifndef NETSTACK_BASE_NET_ENV_H
#define NETSTACK_BASE_NET_ENV_H

#include <stddef.h>

struct net_env {
    // Fills out[0..len) with bytes that nobody outside can predict. Never fails.
    void (*random)(void *ctx, void *out, size_t len);
    void *ctx;
};

#endif
