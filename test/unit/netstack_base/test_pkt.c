// SPDX-License-Identifier: MIT
// test_pkt.c - packet buffers: views, owners, and who gets the last ones.
#include "netstack/base/bucket.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

START_TEST(pkt_view_moves_and_keeps_its_bounds)
{
    struct pkt_pool pool;
    fixture_pool_init(&pool, 1);
    struct pkt *pkt = pkt_alloc(&pool, PKT_FOR_STACK);
    ck_assert_uint_eq((uintptr_t)pkt->buf % 64, 0);
    ck_assert_uint_eq(pkt_headroom(pkt), PKT_HEADROOM);
    ck_assert_uint_eq(pkt_tailroom(pkt), PKT_BUF_BYTES - PKT_HEADROOM);

    memset(pkt_put(pkt, 1000), 'x', 1000);
    memset(pkt_push(pkt, 20), 'h', 20);
    ck_assert_uint_eq(pkt->len, 1020);
    pkt_pull(pkt, 20);
    pkt_trim(pkt, 10);
    ck_assert_uint_eq(pkt->len, 10);
    ck_assert_int_eq(pkt->data[0], 'x');
    pkt_free(pkt);
    ck_assert(fixture_pool_fini(&pool));
}
END_TEST

START_TEST(pkt_pool_keeps_its_reserves)
{
    struct pkt_pool pool;
    fixture_pool_init(&pool, 10);
    pool.reserve = 2;
    struct pkt *pkts[10];
    uint32_t n = 0;
    while ((pkts[n] = pkt_alloc(&pool, PKT_FOR_APP)) != NULL)
        n++;
    ck_assert_uint_eq(n, 6); // all but twice the reserve
    while ((pkts[n] = pkt_alloc(&pool, PKT_FOR_RX)) != NULL)
        n++;
    ck_assert_uint_eq(n, 8); // all but the reserve
    while (n < 10 && (pkts[n] = pkt_alloc(&pool, PKT_FOR_STACK)) != NULL)
        n++;
    ck_assert_uint_eq(n, 10);
    ck_assert_ptr_null(pkt_alloc(&pool, PKT_FOR_STACK));
    ck_assert_uint_eq(pool.failed, 3);
    ck_assert_uint_eq(pool.free_min, 0);
    while (n > 0)
        pkt_free(pkts[--n]);
    ck_assert(fixture_pool_fini(&pool));
}
END_TEST

START_TEST(pkt_pool_carves_what_it_needs_and_no_more)
{
    enum { COUNT = 70 }; // two chunks and a part of one
    struct pkt_pool pool;
    struct pkt *pkts[COUNT];
    fixture_pool_init(&pool, COUNT);
    const size_t all = pool.from->left;
    pkt_free(pkt_alloc(&pool, PKT_FOR_STACK));
    ck_assert_uint_eq(pool.from->left, all - 33 * PKT_BUF_BYTES); // one chunk, with its heads
    for (uint32_t i = 0; i < COUNT; i++) {
        pkts[i] = pkt_alloc(&pool, PKT_FOR_STACK);
        ck_assert_uint_eq((uintptr_t)pkts[i]->buf % 64, 0);
        memset(pkts[i]->buf, (int)i, PKT_BUF_BYTES);
    }
    ck_assert_uint_eq(pool.from->left, 0);
    for (uint32_t i = 0; i < COUNT; i++) // none lies over another, or over a head
        ck_assert(pkts[i]->buf[0] == i && pkts[i]->buf[PKT_BUF_BYTES - 1] == i &&
                  pkts[i]->pool == &pool);
    for (uint32_t i = 0; i < COUNT; i++)
        pkt_free(pkts[i]);
    ck_assert(fixture_pool_fini(&pool));
}
END_TEST

START_TEST(pkt_returns_with_its_last_owner)
{
    struct pkt_pool pool;
    fixture_pool_init(&pool, 1);
    struct pkt *pkt = pkt_alloc(&pool, PKT_FOR_STACK);
    pkt_ref(pkt);
    ck_assert(pkt_is_shared(pkt));
    pkt_free(pkt);
    ck_assert(!pkt_is_shared(pkt));
    ck_assert_uint_eq(pool.free_count, 0);
    pkt_free(pkt);
    ck_assert_uint_eq(pool.free_count, 1);
    pkt_free(NULL); // allowed
    ck_assert(fixture_pool_fini(&pool));
}
END_TEST

static void free_twice(void *pkt)
{
    pkt_free(pkt);
    pkt_free(pkt);
}

static void ref_after_free(void *pkt)
{
    pkt_free(pkt);
    pkt_ref(pkt);
}

static void push_too_far(void *pkt)
{
    pkt_push(pkt, PKT_HEADROOM + 1);
}

static void put_too_far(void *pkt)
{
    pkt_put(pkt, PKT_BUF_BYTES - PKT_HEADROOM + 1);
}

START_TEST(pkt_misuse_stops_the_machine)
{
    struct pkt_pool pool;
    fixture_pool_init(&pool, 2);
    struct pkt *pkt = pkt_alloc(&pool, PKT_FOR_STACK);
    ck_assert(fixture_dies(free_twice, pkt));
    ck_assert(fixture_dies(ref_after_free, pkt));
    ck_assert(fixture_dies(push_too_far, pkt));
    ck_assert(fixture_dies(put_too_far, pkt));
    pkt_free(pkt);
    ck_assert(fixture_pool_fini(&pool));
}
END_TEST

START_TEST(pkt_queue_is_first_in_first_out)
{
    struct pkt_pool pool;
    fixture_pool_init(&pool, 3);
    struct pkt_queue q = {0};
    for (uint32_t i = 1; i <= 3; i++)
        pkt_queue_push(&q, fixture_pkt(&pool, "abc", i));
    ck_assert_uint_eq(q.count, 3);
    ck_assert_uint_eq(q.bytes, 6);
    for (uint32_t i = 1; i <= 3; i++) {
        struct pkt *pkt = pkt_queue_pop(&q);
        ck_assert_uint_eq(pkt->len, i);
        pkt_free(pkt);
    }
    ck_assert_ptr_null(pkt_queue_pop(&q));
    ck_assert_uint_eq(q.bytes, 0);
    ck_assert(fixture_pool_fini(&pool));
}
END_TEST

START_TEST(bucket_gives_its_burst_then_its_rate)
{
    struct bucket b = {0};
    const exo_ns start = EXO_S(100);
    for (int i = 0; i < 5; i++)
        ck_assert(bucket_take(&b, start, EXO_MS(10), 5));
    ck_assert(!bucket_take(&b, start, EXO_MS(10), 5));
    ck_assert(!bucket_take(&b, start + EXO_MS(10) - 1, EXO_MS(10), 5));
    ck_assert(bucket_take(&b, start + EXO_MS(10), EXO_MS(10), 5));
    ck_assert(!bucket_take(&b, start + EXO_MS(10), EXO_MS(10), 5));
    int got = 0;
    while (bucket_take(&b, start + EXO_S(60), EXO_MS(10), 5))
        got++;
    ck_assert_int_eq(got, 5); // a long rest saves up the burst and no more
}
END_TEST

CHECK_MAIN("netstack.pkt", pkt_view_moves_and_keeps_its_bounds, pkt_pool_keeps_its_reserves,
           pkt_pool_carves_what_it_needs_and_no_more, pkt_returns_with_its_last_owner,
           pkt_misuse_stops_the_machine, pkt_queue_is_first_in_first_out,
           bucket_gives_its_burst_then_its_rate)
