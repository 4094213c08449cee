// SPDX-License-Identifier: MIT
// test_storm.c - two ends that no longer agree on their numbers, because a stranger has put bytes
// between them, must not answer one another's ACKs for ever (Joncheray 1995; RFC 5961 §7).
#include "test/sim/sim.h"

#include "exo/err.h"

static struct tcp_conn *conn(struct socket *s)
{
    return &flow_of(s)->conn;
}

// Both ends of one connection, open and idle.
static void join(struct twins *w, struct socket *ends[2])
{
    const struct net_config config = test_config();
    struct socket *listener;
    const struct endpoint to = {ip4_of(10, 0, 0, 2), 80};
    twins_init(w, &config, NULL, 1, EXO_S(1));
    ck_assert_int_eq(socket_listen(w->t[1].net, 80, 1, &listener), 0);
    ck_assert_int_eq(socket_connect(w->t[0].net, to, w->now, &ends[0]), 0);
    const exo_ns until = w->now + EXO_S(3);
    while (w->now < until) {
        twins_poll(w);
        twins_advance(w, until);
    }
    ck_assert_int_eq(socket_accept(listener, &ends[1]), 0);
    socket_close(listener);
}

// A thousand bytes that the other end never sent are taken as its.
static void inject(struct socket *s)
{
    struct tcp_conn *c = conn(s);
    c->rcv_nxt += 1000;
    c->rcv_adv += 1000;
}

static uint64_t frames(const struct twins *w)
{
    return net_stats(w->t[0].net).tx_frames + net_stats(w->t[1].net).tx_frames;
}

static void disagree(bool both)
{
    static struct twins w;
    struct socket *ends[2];
    join(&w, ends);
    inject(ends[0]);
    if (both)
        inject(ends[1]);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_int_eq(socket_send(ends[i], "hello", 5), 5);
    const uint64_t before = frames(&w);
    const exo_ns begin = w.now, until = begin + EXO_S(400);
    while (w.now < until) {
        twins_poll(&w);
        twins_advance(&w, until);
    }
    // Five answers a second from either end, as long as it lives, and its retransmissions.
    ck_assert_uint_lt(frames(&w) - before, 2 * 5 * 110 + 100);
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_int_ne(socket_error(ends[i]), 0);
        socket_abort(ends[i]);
    }
    twins_poll(&w);
    twins_fini(&w);
}

START_TEST(ends_that_disagree_fall_silent)
{
    disagree(false);
    disagree(true);
}
END_TEST

CHECK_MAIN("sim.storm", ends_that_disagree_fall_silent)
