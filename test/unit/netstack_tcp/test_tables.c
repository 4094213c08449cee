// SPDX-License-Identifier: MIT
// test_tables.c - timers, the demultiplexer and initial sequence numbers.
#include "netstack/base/chains.h"
#include "netstack/stack/demux.h"
#include "netstack/stack/timers.h"
#include "test/support/check_main.h"
#include "test/support/twins.h"

#define TIMERS 200u

static exo_ns earliest(const struct timer *timers)
{
    exo_ns at = EXO_NS_NEVER;
    for (uint32_t i = 0; i < TIMERS; i++)
        at = timers[i].at < at ? timers[i].at : at;
    return at;
}

START_TEST(timers_agree_with_a_plain_search)
{
    static struct timer timer[TIMERS];
    static struct timer *heap[TIMERS];
    struct timers t;
    uint64_t rng = 7;
    timers_init(&t, heap, TIMERS);
    for (uint32_t i = 0; i < TIMERS; i++)
        timer_init(&timer[i]);
    ck_assert_uint_eq(timers_deadline(&t), EXO_NS_NEVER);
    for (uint32_t turn = 0; turn < 50000; turn++) {
        struct timer *x = &timer[test_random(&rng) % TIMERS];
        const uint64_t r = test_random(&rng) % 1000;
        timers_set(&t, x, r < 300 ? EXO_NS_NEVER : r);
        REQUIRE(timers_deadline(&t) == earliest(timer), "turn %u", turn);
        if (turn % 10)
            continue;
        const exo_ns first = earliest(timer);
        struct timer *due = timers_pop(&t, 500);
        REQUIRE((due != NULL) == (first <= 500), "turn %u", turn);
        REQUIRE(!due || due->at == EXO_NS_NEVER, "a timer that was popped is not set");
    }
    while (timers_pop(&t, EXO_NS_NEVER - 1))
        ;
    ck_assert_uint_eq(t.count, 0);
}
END_TEST

START_TEST(demux_finds_what_is_in_it_and_nothing_else)
{
    static struct demux_entry entries[500];
    static struct demux_entry *chains[512];
    struct demux d;
    ck_assert_uint_eq(chains_for(500), 512);
    demux_init(&d, chains, 512, (struct siphash_key){{1, 2}});
    for (uint16_t i = 0; i < 500; i++) {
        entries[i].tuple = (struct tcp_tuple){
            ip4_of(10, 0, 0, 1), ip4_of(10, 0, (uint8_t)(i % 5), 2), (uint16_t)(i % 7), i};
        demux_add(&d, &entries[i]);
    }
    for (uint32_t i = 0; i < 500; i += 2)
        demux_remove(&d, &entries[i]);
    for (uint32_t i = 0; i < 500; i++) {
        struct tcp_tuple other = entries[i].tuple;
        ck_assert_ptr_eq(demux_find(&d, &other), i % 2 ? &entries[i] : NULL);
        other.local = ip4_of(10, 0, 0, 9);
        ck_assert_ptr_null(demux_find(&d, &other));
    }
    ck_assert_uint_eq(d.count, 250);
}
END_TEST

// RFC 6528: along one tuple a 4 µs clock; from tuple to tuple, and from boot to boot,
// nothing that can be computed outside.
START_TEST(initial_numbers_are_a_clock_and_a_secret)
{
    struct tcp a = {.isn = {{1, 2}}}, b = {.isn = {{1, 3}}};
    struct tcp_tuple t = {ip4_of(10, 0, 0, 1), ip4_of(10, 0, 0, 2), 80, 4000};
    ck_assert_uint_eq(tcp_isn(&a, &t, EXO_US(400)) - tcp_isn(&a, &t, 0), 100);
    ck_assert_uint_ne(tcp_isn(&a, &t, 0), tcp_isn(&b, &t, 0));
    uint32_t bits = 0;
    for (uint16_t port = 0; port < 4096; port++) {
        t.peer_port = port;
        const uint32_t x = tcp_isn(&a, &t, 0);
        t.peer_port = (uint16_t)(port + 1);
        bits += (uint32_t)__builtin_popcount(x ^ tcp_isn(&a, &t, 0));
    }
    ck_assert_uint_gt(bits, 4096u * 16 - 2000); // half of the 32 bits differ, on the average
    ck_assert_uint_lt(bits, 4096u * 16 + 2000);
}
END_TEST

CHECK_MAIN("stack.tables", timers_agree_with_a_plain_search,
           demux_finds_what_is_in_it_and_nothing_else, initial_numbers_are_a_clock_and_a_secret)
