// SPDX-License-Identifier: MIT
//
// The link between a packet pool and a NIC that is two queues of buffers.
#include "core/frame.h"
#include "core/log.h"
#include "dev/nic.h"
#include "exo/bits.h"
#include "sdk/glue/link_nic.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

#define POOL  128u
#define SLOTS 48u

struct queue {
    struct nic_buf bufs[SLOTS];
    uint32_t count;
    uint32_t room; // takes no more than this
};

static struct world {
    struct nic nic;
    struct queue rx;  // lent to the device, empty
    struct queue tx;  // lent to the device, full
    uint32_t arrived; // of rx: the first so many hold a frame
    uint32_t sent;    // of tx: the first so many are done
    uint32_t closed;
    struct pkt_pool pool;
    struct link_nic l;
    struct net_link link;
} w;

struct pa core_phys_of(const void *ptr)
{
    return (struct pa){(uintptr_t)ptr ^ 0x5a};
}

void core_log(const char *format, ...)
{
    (void)format;
}

static uint32_t put(struct queue *q, const struct nic_buf *bufs, uint32_t n)
{
    n = EXO_MIN(n, q->room - q->count);
    for (uint32_t i = 0; i < n; i++) {
        ck_assert_uint_eq(bufs[i].pa.v, core_phys_of(bufs[i].data).v);
        q->bufs[q->count++] = bufs[i];
    }
    return n;
}

static uint32_t take(struct queue *q, struct nic_buf *bufs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        bufs[i] = q->bufs[i];
    q->count -= n;
    for (uint32_t i = 0; i < q->count; i++)
        q->bufs[i] = q->bufs[i + n];
    return n;
}

static uint32_t rx_post(struct nic *nic, const struct nic_buf *bufs, uint32_t n)
{
    (void)nic;
    for (uint32_t i = 0; i < n; i++)
        ck_assert_uint_ge(bufs[i].len, 1514);
    return put(&w.rx, bufs, n);
}

static uint32_t rx_burst(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    (void)nic;
    n = take(&w.rx, bufs, EXO_MIN(n, w.arrived));
    for (uint32_t i = 0; i < n; i++)
        bufs[i].len = 60 + i;
    w.arrived -= n;
    return n;
}

static uint32_t tx_burst(struct nic *nic, const struct nic_buf *bufs, uint32_t n)
{
    (void)nic;
    return put(&w.tx, bufs, n);
}

static uint32_t tx_reap(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    (void)nic;
    n = take(&w.tx, bufs, EXO_MIN(n, w.sent));
    w.sent -= n;
    return n;
}

static void close_nic(struct nic *nic)
{
    (void)nic;
    w.closed++;
}

void nic_close(struct nic *nic)
{
    nic->ops->close(nic);
}

static void setup(void)
{
    static const struct nic_ops ops = {.rx_post = rx_post,
                                       .rx_burst = rx_burst,
                                       .tx_burst = tx_burst,
                                       .tx_reap = tx_reap,
                                       .close = close_nic};
    w = (struct world){0};
    w.nic = (struct nic){.ops = &ops,
                         .driver = "fake",
                         .mac = {2, 0, 0, 0, 0, 1},
                         .mtu_bytes = 1500,
                         .headroom_bytes = 12,
                         .rx_slots = SLOTS,
                         .tx_slots = SLOTS};
    w.rx.room = w.tx.room = SLOTS;
    fixture_pool_init(&w.pool, POOL);
    w.pool.reserve = 8;
    link_nic_init(&w.l, &w.nic, &w.link);
    link_nic_attach(&w.l, &w.pool);
}

static uint32_t receive(struct pkt **pkts, uint32_t n)
{
    return w.link.rx(w.link.ctx, pkts, n);
}

static uint32_t send(struct pkt **pkts, uint32_t n)
{
    return w.link.tx(w.link.ctx, pkts, n);
}

START_TEST(the_ring_is_filled_and_frames_come_up_in_their_own_buffers)
{
    struct pkt *pkts[64];
    setup();
    ck_assert_uint_eq(w.rx.count, SLOTS);
    ck_assert_uint_eq(w.pool.free_count, POOL - SLOTS);
    ck_assert_mem_eq(w.link.mac.b, w.nic.mac, 6);

    w.arrived = 3;
    ck_assert_uint_eq(receive(pkts, 2), 2);
    ck_assert_uint_eq(receive(pkts + 2, 62), 1);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_ge(pkts[i]->len, 60);
        ck_assert_uint_eq(pkt_headroom(pkts[i]), PKT_HEADROOM);
        pkt_free(pkts[i]);
    }
    ck_assert_uint_eq(receive(pkts, 64), 0);
    free(w.pool.from);
}
END_TEST

START_TEST(the_ring_stays_filled_however_much_is_received)
{
    struct pkt *pkts[64];
    setup();
    for (int i = 0; i < 1000; i++) {
        w.arrived = EXO_MIN(7u, w.rx.count);
        uint32_t n = receive(pkts, 64);
        ck_assert_uint_eq(n, 7);
        while (n != 0)
            pkt_free(pkts[--n]);
        ck_assert_uint_ge(w.rx.count, SLOTS / 2);
        ck_assert_uint_eq(w.l.rx_posted, w.rx.count);
    }
    ck_assert_uint_eq(w.pool.free_count, POOL - w.rx.count);
    free(w.pool.from);
}
END_TEST

START_TEST(an_empty_pool_thins_the_ring_and_a_full_one_fills_it_again)
{
    struct pkt *held[POOL];
    uint32_t n = 0;
    setup();
    for (int i = 0; i < 100; i++) {
        w.arrived = w.rx.count;
        n += receive(held + n, POOL - n);
    }
    ck_assert_uint_eq(w.rx.count, 0);
    ck_assert_uint_eq(w.pool.free_count, 8); // the reserve is not for the ring
    ck_assert_uint_eq(n, POOL - 8);
    while (n != 0)
        pkt_free(held[--n]);
    receive(held, POOL);
    ck_assert_uint_eq(w.rx.count, SLOTS);
    free(w.pool.from);
}
END_TEST

START_TEST(a_sent_frame_is_referenced_until_the_device_is_done)
{
    setup();
    struct pkt *pkt = pkt_alloc(&w.pool, PKT_FOR_APP);
    uint32_t free_before = w.pool.free_count;
    pkt_put(pkt, 100);
    pkt_ref(pkt); // TCP keeps one
    ck_assert_uint_eq(send(&pkt, 1), 1);
    ck_assert_uint_eq(w.tx.bufs[0].len, 100);
    ck_assert_ptr_eq(w.tx.bufs[0].data, pkt->data);
    pkt_free(pkt); // acknowledged before it was reaped
    ck_assert_uint_eq(w.pool.free_count, free_before);
    w.sent = 1;
    ck_assert_uint_eq(receive(&pkt, 1), 0); // receiving reaps too
    ck_assert_uint_eq(w.pool.free_count, free_before + 1);
    free(w.pool.from);
}
END_TEST

START_TEST(what_does_not_fit_stays_with_the_stack)
{
    struct pkt *pkts[60];
    setup();
    for (uint32_t i = 0; i < 60; i++) {
        pkts[i] = pkt_alloc(&w.pool, PKT_FOR_STACK);
        pkt_put(pkts[i], 60);
    }
    ck_assert_uint_eq(send(pkts, 60), SLOTS);
    ck_assert(w.l.tx_full);
    ck_assert_uint_eq(send(pkts + SLOTS, 60 - SLOTS), 0);
    w.sent = 5;
    ck_assert_uint_eq(send(pkts + SLOTS, 60 - SLOTS), 5);
    ck_assert(w.l.tx_full);
    w.sent = w.tx.count;
    ck_assert_uint_eq(send(pkts + SLOTS + 5, 60 - SLOTS - 5), 60 - SLOTS - 5);
    ck_assert(!w.l.tx_full);
    free(w.pool.from);
}
END_TEST

START_TEST(a_device_that_lies_is_closed_and_the_link_goes_dead)
{
    struct pkt *pkts[4];
    setup();
    w.nic.broken = true;
    ck_assert_uint_eq(receive(pkts, 4), 0);
    ck_assert_uint_eq(w.closed, 1);
    uint32_t free_before = w.pool.free_count;
    pkts[0] = pkt_alloc(&w.pool, PKT_FOR_STACK);
    ck_assert_uint_eq(send(pkts, 1), 1); // gone, as into a cable that nobody holds
    ck_assert_uint_eq(w.pool.free_count, free_before);
    ck_assert_uint_eq(receive(pkts, 4), 0);
    link_nic_fini(&w.l);
    ck_assert_uint_eq(w.closed, 1);
    free(w.pool.from);
}
END_TEST

CHECK_MAIN("sdk.link_nic", the_ring_is_filled_and_frames_come_up_in_their_own_buffers,
           the_ring_stays_filled_however_much_is_received,
           an_empty_pool_thins_the_ring_and_a_full_one_fills_it_again,
           a_sent_frame_is_referenced_until_the_device_is_done,
           what_does_not_fit_stays_with_the_stack,
           a_device_that_lies_is_closed_and_the_link_goes_dead)
