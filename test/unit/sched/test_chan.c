// SPDX-License-Identifier: MIT
#include "exo/err.h"
#include "sched/chan.h"
#include "test/support/check_main.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 4u

struct post {
    struct chan chan;
    uint32_t wakes;
    void *mem; // of its own size, so that the address sanitizer watches its edges
};

static void count_wake(void *ctx)
{
    ((struct post *)ctx)->wakes++;
}

static void open_post(struct post *p, uint32_t msg_bytes)
{
    *p = (struct post){.mem = malloc(chan_bytes(SLOTS, msg_bytes))};
    ck_assert_ptr_nonnull(p->mem);
    chan_init(&p->chan, p->mem, SLOTS, msg_bytes, count_wake, p);
}

static void close_post(struct post *p)
{
    free(p->mem);
}

static int send(struct post *p, uint64_t value)
{
    return chan_send(&p->chan, &value);
}

static int64_t receive(struct post *p)
{
    uint64_t value;
    int err = chan_receive(&p->chan, &value);
    return err ? err : (int64_t)value;
}

START_TEST(messages_come_out_in_the_order_they_went_in)
{
    struct post p;
    open_post(&p, sizeof(uint64_t));
    for (uint64_t i = 0; i < 100; i++) {
        ck_assert_int_eq(send(&p, 2 * i), 0);
        ck_assert_int_eq(send(&p, 2 * i + 1), 0);
        ck_assert_int_eq(receive(&p), (int64_t)(2 * i));
        ck_assert_int_eq(receive(&p), (int64_t)(2 * i + 1));
    }
    ck_assert_int_eq(receive(&p), -EXO_EAGAIN);
    close_post(&p);
}
END_TEST

START_TEST(a_full_channel_refuses_and_keeps_what_it_has)
{
    struct post p;
    open_post(&p, sizeof(uint64_t));
    for (uint64_t i = 0; i < SLOTS; i++)
        ck_assert_int_eq(send(&p, i), 0);
    ck_assert_int_eq(send(&p, 99), -EXO_EAGAIN);
    ck_assert_int_eq(chan_send_any(&p.chan, &(uint64_t){99}), -EXO_EAGAIN);
    ck_assert_int_eq(receive(&p), 0);
    ck_assert_int_eq(send(&p, SLOTS), 0);
    for (uint64_t i = 1; i <= SLOTS; i++)
        ck_assert_int_eq(receive(&p), (int64_t)i);
    ck_assert_int_eq(receive(&p), -EXO_EAGAIN);
    close_post(&p);
}
END_TEST

START_TEST(messages_of_any_size_are_whole)
{
    for (uint32_t bytes = 0; bytes <= 40; bytes++) {
        struct post p;
        uint8_t in[40], out[41];
        open_post(&p, bytes);
        for (uint32_t i = 0; i < 3 * SLOTS; i++) {
            memset(in, (int)(i + bytes), sizeof in);
            memset(out, 0xee, sizeof out);
            ck_assert_int_eq(chan_send(&p.chan, in), 0);
            ck_assert_int_eq(chan_receive(&p.chan, out), 0);
            ck_assert_mem_eq(in, out, bytes);
            ck_assert_uint_eq(out[bytes], 0xee);
        }
        close_post(&p);
    }
}
END_TEST

START_TEST(only_a_receiver_that_asked_is_woken_and_once)
{
    struct post p;
    open_post(&p, sizeof(uint64_t));
    ck_assert_int_eq(send(&p, 1), 0);
    ck_assert_uint_eq(p.wakes, 0);
    ck_assert_int_eq(receive(&p), 1);

    ck_assert(!chan_arm(&p.chan));
    ck_assert_int_eq(send(&p, 2), 0);
    ck_assert_int_eq(send(&p, 3), 0);
    ck_assert_uint_eq(p.wakes, 1);

    ck_assert(chan_arm(&p.chan)); // there is something: no need to wait, nobody asked
    ck_assert_int_eq(receive(&p), 2);
    ck_assert_int_eq(receive(&p), 3);
    ck_assert_int_eq(send(&p, 4), 0);
    ck_assert_uint_eq(p.wakes, 1);

    ck_assert_int_eq(receive(&p), 4);
    ck_assert(!chan_arm(&p.chan));
    chan_disarm(&p.chan);
    ck_assert_int_eq(chan_send_any(&p.chan, &(uint64_t){5}), 0);
    ck_assert_uint_eq(p.wakes, 1);
    close_post(&p);
}
END_TEST

// As if 2^32 messages less two had passed.
START_TEST(counts_wrap)
{
    struct post p;
    open_post(&p, sizeof(uint64_t));
    uint32_t n = UINT32_MAX - 1;
    p.chan.head = p.chan.tail = n;
    for (uint32_t i = 0; i < SLOTS; i++, n++)
        memcpy(p.chan.slots + (size_t)(n & p.chan.mask) * p.chan.slot_bytes, &n, sizeof n);
    for (uint64_t i = 0; i < 3; i++) {
        for (uint64_t k = 0; k < SLOTS; k++)
            ck_assert_int_eq(k % 2 ? send(&p, i + k) : chan_send_any(&p.chan, &(uint64_t){i + k}),
                             0);
        ck_assert_int_eq(send(&p, 99), -EXO_EAGAIN);
        ck_assert_int_eq(chan_send_any(&p.chan, &(uint64_t){99}), -EXO_EAGAIN);
        for (uint64_t k = 0; k < SLOTS; k++)
            ck_assert_int_eq(receive(&p), (int64_t)(i + k));
        ck_assert_int_eq(receive(&p), -EXO_EAGAIN);
        ck_assert(!chan_arm(&p.chan));
        chan_disarm(&p.chan);
    }
    close_post(&p);
}
END_TEST

CHECK_MAIN("sched.chan", messages_come_out_in_the_order_they_went_in,
           a_full_channel_refuses_and_keeps_what_it_has, messages_of_any_size_are_whole,
           only_a_receiver_that_asked_is_woken_and_once, counts_wrap)
