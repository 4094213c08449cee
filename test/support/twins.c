// SPDX-License-Identifier: MIT
// twins.c - see twins.h.
#include "test/support/twins.h"

#include "test/support/net_fixture.h"

#include <stdlib.h>
#include <string.h>

#define AIR_PKTS 600u

uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u; // splitmix64
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void fill_random(void *ctx, void *out, size_t len)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)test_random(ctx);
}

struct net_config test_config(void)
{
    return (struct net_config){
        .pkts = 512,
        .tcp_conns = 64,
        .tcp_time_wait = 64,
        .udp_sockets = 4,
        .listeners = 4,
        .rx_window_bytes = 64 * 1024,
        .tx_buffer_bytes = 64 * 1024,
        .prefix_len = 24,
    };
}

static void pcap_write(void *ctx, const void *bytes, size_t len)
{
    fwrite(bytes, 1, len, ctx);
}

static void twin_init(struct twins *w, uint32_t i, const struct net_config *config,
                      const struct link_fault_knobs *knobs, uint64_t seed)
{
    static const struct link_fault_knobs good = {0};
    struct twin *t = &w->t[i];
    struct net_config c = *config;
    c.addr = ip4_of(10, 0, 0, (uint8_t)(i + 1));
    t->rng = seed * 2 + i;
    fixture_pool_init(&t->air, AIR_PKTS);
    const struct mac mac = {{2, 0, 0, 0, 0, (uint8_t)(i + 1)}};
    struct net_link link = link_loop_link(&w->loop, i, mac, 1500);
    link_fault_init(&t->fault, &link, knobs ? knobs : &good, &t->air, seed ^ (i + 77));
    link_fault_set_time(&t->fault, w->now);
    link = link_fault_link(&t->fault);
    if (w->pcap && i == 0) {
        const struct link_pcap_sink sink = {pcap_write, w->pcap};
        link_pcap_init(&t->pcap, &link, &sink);
        link = link_pcap_link(&t->pcap);
    }
    const struct net_env env = {fill_random, &t->rng};
    t->mem = aligned_alloc(64, net_bytes(&c));
    memset(t->mem, 0xa5, net_bytes(&c)); // nothing may rely on zeroed memory
    ck_assert_int_eq(net_init(&t->net, t->mem, &c, &env, &link, w->now), 0);
    link_loop_attach(&w->loop, i, net_pkts(t->net));
    t->full = net_stats(t->net).pkts_free;
}

void twins_init(struct twins *w, const struct net_config *config,
                const struct link_fault_knobs *knobs, uint64_t seed, exo_ns start)
{
    const char *pcap = getenv("TWINS_PCAP");
    memset(w, 0, sizeof *w);
    w->now = start;
    w->pcap = pcap ? fopen(pcap, "wb") : NULL;
    link_loop_init(&w->loop);
    for (uint32_t i = 0; i < 2; i++)
        twin_init(w, i, config, knobs, seed);
}

void twins_fini(struct twins *w)
{
    link_loop_fini(&w->loop);
    for (uint32_t i = 0; i < 2; i++) {
        link_fault_fini(&w->t[i].fault);
        free(w->t[i].mem);
        free(w->t[i].air.from);
    }
    if (w->pcap)
        fclose(w->pcap);
}

void twins_poll(struct twins *w)
{
    uint32_t moved = 1;
    if (w->pcap)
        link_pcap_set_time(&w->t[0].pcap, w->now);
    for (uint32_t turns = 0; moved; turns++) {
        REQUIRE(turns < 100000, "the stacks keep each other busy for ever");
        moved = 0;
        for (uint32_t i = 0; i < 2; i++) // what is due on either side, before anybody looks
            link_fault_set_time(&w->t[i].fault, w->now);
        for (uint32_t i = 0; i < 2; i++)
            moved += net_poll(w->t[i].net, w->now, 64);
    }
}

void twins_advance(struct twins *w, exo_ns until)
{
    exo_ns next = until;
    for (uint32_t i = 0; i < 2; i++) {
        const exo_ns due[2] = {net_deadline(w->t[i].net), link_fault_deadline(&w->t[i].fault)};
        for (uint32_t k = 0; k < 2; k++)
            next = due[k] < next ? due[k] : next;
    }
    // A deadline that is not in the future would be asked for again for ever.
    w->now = next > w->now ? next : w->now + 1;
}
