// SPDX-License-Identifier: MIT
// net_fixture.h - what a pure network layer is handed, for tests: numbers from a seed, a
// pool of packets, and copies of bytes that end where the address sanitizer sees it.
#ifndef TEST_SUPPORT_NET_FIXTURE_H
#define TEST_SUPPORT_NET_FIXTURE_H

#include "netstack/base/net_env.h"
#include "netstack/base/pkt.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture_rng {
    uint64_t state;
};

static inline uint64_t fixture_draw(struct fixture_rng *rng)
{
    rng->state ^= rng->state << 13;
    rng->state ^= rng->state >> 7;
    rng->state ^= rng->state << 17;
    return rng->state;
}

static inline void fixture_random(void *ctx, void *out, size_t len)
{
    uint8_t *at = out;
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(fixture_draw(ctx) >> 32);
}

static inline struct net_env fixture_env(struct fixture_rng *rng, uint64_t seed)
{
    rng->state = seed * 2 + 1; // never 0, where xorshift would stay
    return (struct net_env){.random = fixture_random, .ctx = rng};
}

// Memory to carve from; free() takes it back.
static inline struct carve *fixture_carve(size_t bytes)
{
    struct carve *carve = aligned_alloc(CARVE_ALIGN, CARVE_ALIGN + carve_bytes(bytes));
    *carve = (struct carve){.at = (uint8_t *)carve + CARVE_ALIGN, .left = carve_bytes(bytes)};
    return carve;
}

// A pool of its own memory; fixture_pool_fini checks that every packet came home.
static inline void fixture_pool_init(struct pkt_pool *pool, uint32_t count)
{
    pkt_pool_init(pool, fixture_carve(pkt_pool_bytes(count)), count, 0);
}

static inline bool fixture_pool_fini(struct pkt_pool *pool)
{
    const bool all_home = pool->free_count == pool->count;
    free(pool->from);
    return all_home;
}

static inline struct pkt *fixture_pkt(struct pkt_pool *pool, const void *bytes, uint32_t len)
{
    struct pkt *pkt = pkt_alloc(pool, PKT_FOR_STACK);
    memcpy(pkt_put(pkt, len), bytes, len);
    return pkt;
}

// A copy of exactly `len` bytes, so that reading one more is caught. The caller frees it.
static inline uint8_t *fixture_exact(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    exo_assert(copy != NULL);
    if (len == 0) // malloc has no zero bytes to give; the one behind them may not be read
        *copy = 0xee;
    else
        memcpy(copy, bytes, len);
    return copy;
}

// The call ends in a failed assertion.
static inline bool fixture_dies(void (*call)(void *), void *arg)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        call(arg);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
