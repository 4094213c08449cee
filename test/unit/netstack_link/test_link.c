// SPDX-License-Identifier: MIT
// test_link.c - the cable, the bad cable and the record of what passed.
#include "netstack/link/link_fault.h"
#include "netstack/link/link_loop.h"
#include "netstack/link/link_pcap.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

static const struct mac mac_a = {{2, 0, 0, 0, 0, 0xa}};
static const struct mac mac_b = {{2, 0, 0, 0, 0, 0xb}};

struct bench { // two ends, a sender at a and a receiver at b
    struct link_loop loop;
    struct pkt_pool pool_a, pool_b, pool_fault;
    struct net_link a, b;
};

static void bench_init(struct bench *t)
{
    fixture_pool_init(&t->pool_a, 16);
    fixture_pool_init(&t->pool_b, 512);
    fixture_pool_init(&t->pool_fault, 512);
    link_loop_init(&t->loop);
    t->a = link_loop_link(&t->loop, 0, mac_a, 1500);
    t->b = link_loop_link(&t->loop, 1, mac_b, 1500);
    link_loop_attach(&t->loop, 0, &t->pool_a);
    link_loop_attach(&t->loop, 1, &t->pool_b);
}

static void bench_fini(struct bench *t)
{
    link_loop_fini(&t->loop);
    ck_assert(fixture_pool_fini(&t->pool_a));
    ck_assert(fixture_pool_fini(&t->pool_b));
    ck_assert(fixture_pool_fini(&t->pool_fault));
}

static void send(struct bench *t, const struct net_link *link, uint8_t number, uint32_t len)
{
    uint8_t bytes[1600];
    memset(bytes, number, len);
    struct pkt *pkt = fixture_pkt(&t->pool_a, bytes, len);
    ck_assert_uint_eq(link->tx(link->ctx, &pkt, 1), 1);
}

// What came out at b: the first bytes of the frames, in order. Returns how many.
static uint32_t receive(struct bench *t, uint8_t *numbers, uint32_t max)
{
    uint32_t n = 0;
    struct pkt *pkt;
    while (n < max && t->b.rx(t->b.ctx, &pkt, 1) == 1) {
        numbers[n++] = pkt->len ? pkt->data[0] : 0;
        pkt_free(pkt);
    }
    return n;
}

START_TEST(loop_carries_frames_in_order_into_the_receivers_pool)
{
    struct bench t;
    bench_init(&t);
    for (uint8_t i = 1; i <= 5; i++)
        send(&t, &t.a, i, 60);
    ck_assert_uint_eq(t.pool_a.free_count, t.pool_a.count); // copied, not lent
    ck_assert_uint_eq(t.pool_b.free_count, t.pool_b.count - 5);
    uint8_t got[8];
    ck_assert_uint_eq(receive(&t, got, 8), 5);
    ck_assert_mem_eq(got, "\1\2\3\4\5", 5);
    bench_fini(&t);
}
END_TEST

START_TEST(loop_drops_and_counts_what_cannot_arrive)
{
    struct bench t;
    bench_init(&t);
    send(&t, &t.a, 1, 1515); // longer than MTU and header
    ck_assert_uint_eq(t.loop.ends[1].dropped, 1);
    for (uint32_t i = 0; i < LINK_LOOP_FRAMES + 3; i++)
        send(&t, &t.a, 1, 60);
    ck_assert_uint_eq(t.loop.ends[1].dropped, 4);
    link_loop_attach(&t.loop, 1, NULL); // unplugged
    send(&t, &t.a, 1, 60);
    ck_assert_uint_eq(t.loop.ends[1].dropped, 5);
    bench_fini(&t);
}
END_TEST

START_TEST(fault_without_knobs_is_a_good_cable)
{
    struct bench t;
    bench_init(&t);
    struct link_fault fault;
    link_fault_init(&fault, &t.a, &(struct link_fault_knobs){0}, &t.pool_fault, 1);
    const struct net_link link = link_fault_link(&fault);
    for (uint8_t i = 1; i <= 5; i++)
        send(&t, &link, i, 60);
    uint8_t got[8];
    ck_assert_uint_eq(receive(&t, got, 8), 5);
    ck_assert_mem_eq(got, "\1\2\3\4\5", 5);
    ck_assert_uint_eq(link_fault_deadline(&fault), EXO_NS_NEVER);
    link_fault_fini(&fault);
    bench_fini(&t);
}
END_TEST

START_TEST(fault_delays_and_keeps_the_rate)
{
    struct bench t;
    bench_init(&t);
    struct link_fault fault;
    const struct link_fault_knobs knobs = {.delay = EXO_MS(20), .rate_bytes_per_s = 100000};
    link_fault_init(&fault, &t.a, &knobs, &t.pool_fault, 1);
    const struct net_link link = link_fault_link(&fault);
    link_fault_set_time(&fault, EXO_S(1));
    send(&t, &link, 1, 1000); // 10 ms on the line each
    send(&t, &link, 2, 1000);
    uint8_t got[8];
    ck_assert_uint_eq(link_fault_deadline(&fault), EXO_S(1) + EXO_MS(30));
    link_fault_set_time(&fault, EXO_S(1) + EXO_MS(30) - 1);
    ck_assert_uint_eq(receive(&t, got, 8), 0);
    link_fault_set_time(&fault, EXO_S(1) + EXO_MS(30));
    ck_assert_uint_eq(receive(&t, got, 8), 1);
    ck_assert_uint_eq(link_fault_deadline(&fault), EXO_S(1) + EXO_MS(40));
    link_fault_set_time(&fault, EXO_S(1) + EXO_MS(40));
    ck_assert_uint_eq(receive(&t, got, 8), 1);
    link_fault_fini(&fault);
    bench_fini(&t);
}
END_TEST

START_TEST(fault_delay_alone_keeps_the_order)
{
    struct bench t;
    bench_init(&t);
    struct link_fault fault;
    link_fault_init(&fault, &t.a, &(struct link_fault_knobs){.delay = EXO_MS(1)}, &t.pool_fault, 1);
    const struct net_link link = link_fault_link(&fault);
    for (uint8_t i = 1; i <= 5; i++)
        send(&t, &link, i, 60);
    link_fault_set_time(&fault, EXO_MS(1));
    uint8_t got[8];
    ck_assert_uint_eq(receive(&t, got, 8), 5);
    ck_assert_mem_eq(got, "\1\2\3\4\5", 5);
    link_fault_fini(&fault);
    bench_fini(&t);
}
END_TEST

// Sends 200 frames through a link with these knobs; what arrives within a second.
static uint32_t through(const struct link_fault_knobs *knobs, uint64_t seed, uint8_t *got,
                        uint32_t max, struct link_fault_stats *stats)
{
    struct bench t;
    bench_init(&t);
    struct link_fault fault;
    link_fault_init(&fault, &t.a, knobs, &t.pool_fault, seed);
    const struct net_link link = link_fault_link(&fault);
    for (uint8_t i = 0; i < 200; i++)
        send(&t, &link, i, 60);
    link_fault_set_time(&fault, EXO_S(1));
    const uint32_t n = receive(&t, got, max);
    *stats = fault.stats;
    link_fault_fini(&fault);
    bench_fini(&t);
    return n;
}

START_TEST(fault_loses_duplicates_and_limits_as_told)
{
    uint8_t got[512];
    struct link_fault_stats stats;
    ck_assert_uint_eq(through(&(struct link_fault_knobs){.lose = 65536}, 1, got, 512, &stats), 0);
    ck_assert_uint_eq(stats.lost, 200);
    const struct link_fault_knobs quarter = {.lose = 16384};
    const uint32_t left = through(&quarter, 1, got, 512, &stats);
    ck_assert(left > 100 && left < 190);
    ck_assert_uint_eq(left + stats.lost, 200);

    // The loop holds 256 at a time, so not every frame may come twice.
    const struct link_fault_knobs doubled = {.duplicate = 8192};
    ck_assert_uint_eq(through(&doubled, 1, got, 512, &stats), 200 + stats.duplicated);
    ck_assert(stats.duplicated > 5);

    const struct link_fault_knobs narrow = {.delay = EXO_MS(1), .queue_frames = 10};
    ck_assert_uint_eq(through(&narrow, 1, got, 512, &stats), 10);
    ck_assert_uint_eq(stats.queue_full, 190);
}
END_TEST

START_TEST(fault_reorders_damages_and_replays_from_its_seed)
{
    const struct link_fault_knobs knobs = {.reorder = 16384,
                                           .reorder_max = EXO_MS(50),
                                           .delay = EXO_MS(1),
                                           .corrupt = 16384,
                                           .truncate = 8192};
    uint8_t first[512];
    uint8_t again[512];
    uint8_t other[512];
    struct link_fault_stats stats;
    const uint32_t n = through(&knobs, 7, first, 512, &stats);
    ck_assert_uint_eq(n, 200);
    ck_assert(stats.reordered > 20 && stats.corrupted > 20 && stats.truncated > 5);
    ck_assert_uint_eq(through(&knobs, 7, again, 512, &stats), n);
    ck_assert_mem_eq(first, again, n);
    through(&knobs, 8, other, 512, &stats);
    ck_assert_mem_ne(first, other, n);
}
END_TEST

struct memory_sink {
    uint8_t bytes[512];
    size_t len;
};

static void memory_write(void *ctx, const void *bytes, size_t len)
{
    struct memory_sink *sink = ctx;
    ck_assert(sink->len + len <= sizeof sink->bytes);
    memcpy(sink->bytes + sink->len, bytes, len);
    sink->len += len;
}

START_TEST(pcap_writes_what_passed_and_nothing_else)
{
    struct bench t;
    bench_init(&t);
    struct memory_sink memory = {0};
    const struct link_pcap_sink sink = {.write = memory_write, .ctx = &memory};
    struct link_pcap pcap;
    link_pcap_init(&pcap, &t.a, &sink);
    ck_assert_uint_eq(memory.len, 24);
    ck_assert_mem_eq(memory.bytes, "\x4d\x3c\xb2\xa1\2\0\4\0", 8);

    const struct net_link link = link_pcap_link(&pcap);
    link_pcap_set_time(&pcap, EXO_S(3) + 5);
    send(&t, &link, 9, 60);
    ck_assert_uint_eq(memory.len, 24 + 16 + 60);
    ck_assert_mem_eq(memory.bytes + 24, "\3\0\0\0\5\0\0\0\x3c\0\0\0\x3c\0\0\0\x9", 17);

    send(&t, &t.b, 8, 60); // the other way
    struct pkt *pkt;
    ck_assert_uint_eq(link.rx(link.ctx, &pkt, 1), 1);
    pkt_free(pkt);
    ck_assert_uint_eq(link.rx(link.ctx, &pkt, 1), 0);
    ck_assert_uint_eq(pcap.frames, 2);
    bench_fini(&t);
}
END_TEST

CHECK_MAIN("netstack.link", loop_carries_frames_in_order_into_the_receivers_pool,
           loop_drops_and_counts_what_cannot_arrive, fault_without_knobs_is_a_good_cable,
           fault_delays_and_keeps_the_rate, fault_delay_alone_keeps_the_order,
           fault_loses_duplicates_and_limits_as_told,
           fault_reorders_damages_and_replays_from_its_seed,
           pcap_writes_what_passed_and_nothing_else)
