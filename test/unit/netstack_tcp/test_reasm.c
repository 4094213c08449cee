// SPDX-License-Identifier: MIT
// test_reasm.c - the out-of-order queue against a map of bytes.
#include "netstack/tcp/tcp_reasm.h"

#include "netstack/base/seq.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"
#include "test/support/twins.h"

#include <string.h>

#define PKTS  64u
#define SPACE 4000u

static struct pkt_pool pool;

static void open_pool(void)
{
    fixture_pool_init(&pool, PKTS);
}

static void close_pool(void)
{
    ck_assert(fixture_pool_fini(&pool));
}

static uint8_t byte_at(uint32_t seq)
{
    return (uint8_t)(seq * 37 + (seq >> 8));
}

static struct pkt *make(uint32_t seq, uint32_t len)
{
    struct pkt *pkt = pkt_alloc(&pool, PKT_FOR_STACK);
    ck_assert_ptr_nonnull(pkt);
    uint8_t *at = pkt_put(pkt, len);
    for (uint32_t i = 0; i < len; i++)
        at[i] = byte_at(seq + i);
    pkt->seq = seq;
    return pkt;
}

// tcp_reasm_block against every number from `from` on, one by one.
static void check_blocks(const struct tcp_reasm *q, uint32_t from, uint32_t to)
{
    bool before = false;
    uint32_t left = 0, right = 0;
    const struct pkt *p = q->first;
    for (uint32_t seq = from; seq != to; seq++) {
        while (p && seq_le(p->seq + p->len, seq))
            p = p->next;
        const bool there = p && seq_le(p->seq, seq);
        uint32_t l = left, r = right;
        REQUIRE(tcp_reasm_block(q, seq, &l, &r) == there, "number %u", seq - from);
        if (there && !before)
            REQUIRE(l == seq, "a block begins at %u", seq - from);
        if (there && before)
            REQUIRE(l == left && r == right, "one block at %u", seq - from);
        if (!there && before)
            REQUIRE(right == seq, "a block ends at %u", seq - from);
        before = there;
        left = l;
        right = r;
    }
}

// Random segments from a random base (often across the wrap) until all bytes are there.
START_TEST(any_order_gives_the_stream)
{
    open_pool();
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t rng = seed;
        const uint32_t base =
            seed % 2 ? 0u - (uint32_t)(test_random(&rng) % SPACE) : (uint32_t)test_random(&rng);
        struct tcp_reasm q;
        uint32_t nxt = base;
        tcp_reasm_init(&q, 8 + (uint32_t)(seed % 24));
        while (nxt != base + SPACE) {
            const uint32_t at = nxt - base;
            uint32_t from = (uint32_t)(test_random(&rng) % (SPACE - at));
            uint32_t len = 1 + (uint32_t)(test_random(&rng) % 400);
            if (test_random(&rng) % 10 == 0)
                from = 0; // the next in turn
            if (len > SPACE - at - from)
                len = SPACE - at - from;
            tcp_reasm_insert(&q, make(nxt + from, len));
            REQUIRE(q.pkts <= q.max_pkts, "%u packets", q.pkts);
            check_blocks(&q, nxt, base + SPACE);
            struct pkt *pkt;
            while ((pkt = tcp_reasm_pop(&q, nxt))) {
                REQUIRE(pkt->seq == nxt && pkt->len, "seed %lu: a gap", seed);
                for (uint32_t i = 0; i < pkt->len; i++)
                    REQUIRE(pkt->data[i] == byte_at(nxt + i), "seed %lu: byte", seed);
                nxt += pkt->len;
                pkt_free(pkt);
            }
        }
        ck_assert_uint_eq(q.pkts, 0);
        ck_assert_uint_eq(pool.free_count, PKTS);
    }
    close_pool();
}
END_TEST

START_TEST(touching_segments_share_a_buffer)
{
    open_pool();
    struct tcp_reasm q;
    tcp_reasm_init(&q, 8);
    for (uint32_t seq = 100; seq < 400; seq++)
        ck_assert(tcp_reasm_insert(&q, make(seq, 1)));
    ck_assert_uint_eq(q.pkts, 1);
    ck_assert_uint_eq(q.first->len, 300);
    tcp_reasm_clear(&q);
    close_pool();
}
END_TEST

START_TEST(full_queue_refuses_and_keeps_what_it_has)
{
    open_pool();
    struct tcp_reasm q;
    tcp_reasm_init(&q, 4);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert(tcp_reasm_insert(&q, make(100 + i * 20, 10)));
    ck_assert(!tcp_reasm_insert(&q, make(300, 10)));
    ck_assert(tcp_reasm_insert(&q, make(100, 70))); // covers all four
    ck_assert_uint_eq(q.pkts, 1);
    ck_assert_ptr_null(tcp_reasm_pop(&q, 99));
    struct pkt *pkt = tcp_reasm_pop(&q, 120);
    ck_assert_uint_eq(pkt->seq, 120);
    ck_assert_uint_eq(pkt->len, 50);
    pkt_free(pkt);
    close_pool();
}
END_TEST

CHECK_MAIN("tcp.reasm", any_order_gives_the_stream, touching_segments_share_a_buffer,
           full_queue_refuses_and_keeps_what_it_has)
