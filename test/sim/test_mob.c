// SPDX-License-Identifier: MIT
// test_mob.c - apps without manners on stacks without memory.
//
// Connections open, talk, stop reading, half-close, close and abort at random, over a bad
// cable, with so few buffers that nearly every call meets a refusal. What arrives must be a
// prefix of what was sent, and when the mob has gone, everything is back in its place.
#include "test/sim/sim.h"

#include "exo/err.h"

#define MOB 24u

struct member { // one end of a connection
    struct socket *socket;
    uint32_t sent; // bytes so far; byte k is always the same
    uint32_t read;
    bool deaf; // does not read for now
};

struct mob {
    struct twins w;
    struct socket *listeners[2];
    struct member members[2][MOB];
    uint64_t rng;
};

static uint32_t roll(struct mob *m, uint32_t sides)
{
    return (uint32_t)(test_random(&m->rng) % sides);
}

static uint8_t byte_at(uint32_t k)
{
    return (uint8_t)(k * 11 + (k >> 8) * 5 + (k >> 16));
}

static void speak(struct mob *m, struct member *e)
{
    uint8_t bytes[4000];
    const uint32_t len = 1 + roll(m, roll(m, 2) ? 20 : sizeof bytes);
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = byte_at(e->sent + i);
    const int sent = socket_send(e->socket, bytes, len);
    if (sent > 0)
        e->sent += (uint32_t)sent;
}

static void listen_to(struct mob *m, struct member *e)
{
    uint8_t bytes[4000];
    const int got = socket_recv(e->socket, bytes, 1 + roll(m, sizeof bytes));
    for (int i = 0; i < got; i++)
        REQUIRE(bytes[i] == byte_at(e->read + (uint32_t)i), "byte %u", e->read + (uint32_t)i);
    if (got > 0)
        e->read += (uint32_t)got;
}

static void leave(struct member *e, bool politely)
{
    if (politely)
        socket_close(e->socket);
    else
        socket_abort(e->socket);
    *e = (struct member){.socket = NULL};
}

static void act(struct mob *m, struct member *e)
{
    const uint32_t what = roll(m, 1000);
    if (what < 4)
        leave(e, what != 0);
    else if (what < 8)
        socket_shutdown(e->socket);
    else if (what < 10)
        socket_set_nagle(e->socket, what == 8);
    else if (what < 20)
        e->deaf = roll(m, 4); // most do not listen
    else if (what < 300)
        speak(m, e);
    else if (!e->deaf)
        listen_to(m, e);
}

// Fills an empty place: with somebody who waits at the door, or by knocking at the other's.
static void join(struct mob *m, uint32_t side, struct member *e)
{
    struct net *net = m->w.t[side].net;
    const struct endpoint other = {ip4_of(10, 0, 0, (uint8_t)(2 - side)), 80};
    if (socket_accept(m->listeners[side], &e->socket) != 0 &&
        (roll(m, 4) || socket_connect(net, other, m->w.now, &e->socket) != 0))
        e->socket = NULL;
}

static void riot(struct mob *m, uint32_t moments)
{
    for (uint32_t i = 0; i < moments; i++) {
        for (uint32_t side = 0; side < 2; side++) {
            for (uint32_t k = 0; k < 6; k++) {
                struct member *e = &m->members[side][roll(m, MOB)];
                if (e->socket)
                    act(m, e);
                else
                    join(m, side, e);
            }
            while (net_ready(m->w.t[side].net))
                ;
        }
        twins_poll(&m->w);
        sim_check_net(m->w.t[0].net, "0");
        sim_check_net(m->w.t[1].net, "1");
        if (roll(m, 4) == 0)
            twins_advance(&m->w, m->w.now + EXO_MS(roll(m, 50)));
    }
}

static void pass(struct twins *w, exo_ns time)
{
    const exo_ns until = w->now + time;
    while (w->now < until) {
        twins_poll(w);
        twins_advance(w, until);
    }
    twins_poll(w);
}

static void go_home(struct mob *m)
{
    for (uint32_t side = 0; side < 2; side++) {
        socket_close(m->listeners[side]);
        for (uint32_t i = 0; i < MOB; i++)
            if (m->members[side][i].socket)
                leave(&m->members[side][i], roll(m, 2));
    }
    pass(&m->w, EXO_S(500));
    for (uint32_t side = 0; side < 2; side++) {
        const struct net_stats stats = net_stats(m->w.t[side].net);
        REQUIRE(stats.pkts_free == stats.pkts_total, "%u buffers of %u came home", stats.pkts_free,
                stats.pkts_total);
        ck_assert_uint_eq(stats.tcp_conns + stats.tcp_time_wait, 0);
        ck_assert(list_is_empty(&m->w.t[side].net->starved));
        ck_assert_uint_eq(net_deadline(m->w.t[side].net), EXO_NS_NEVER);
    }
}

static void mob(uint64_t seed, uint32_t pkts, const struct link_fault_knobs *cable)
{
    static struct mob m;
    m = (struct mob){.rng = seed};
    struct net_config config = test_config();
    config.pkts = pkts;
    config.tcp_conns = MOB;
    config.tcp_time_wait = 8;
    config.rx_window_bytes = 16 * 1024;
    config.tx_buffer_bytes = 16 * 1024;
    twins_init(&m.w, &config, cable, seed, EXO_S(1));
    for (uint32_t side = 0; side < 2; side++)
        ck_assert_int_eq(socket_listen(m.w.t[side].net, 80, 8, &m.listeners[side]), 0);
    riot(&m, 20000);
    go_home(&m);
    twins_fini(&m.w);
}

START_TEST(a_mob_leaves_nothing_behind)
{
    static const struct link_fault_knobs bad = {.lose = 1500,
                                                .duplicate = 1500,
                                                .corrupt = 700,
                                                .reorder = 3000,
                                                .reorder_max = EXO_MS(20),
                                                .delay = EXO_MS(2)};
    const char *seeds = getenv("MOB_SEEDS");
    const uint64_t count = seeds ? strtoull(seeds, NULL, 10) : 4;
    for (uint64_t seed = 1; seed <= count; seed++) {
        mob(seed, 64, seed % 2 ? &bad : NULL);
        mob(seed, 200, seed % 2 ? NULL : &bad);
    }
}
END_TEST

CHECK_MAIN("sim.mob", a_mob_leaves_nothing_behind)
