// SPDX-License-Identifier: MIT
// test_virtio_net.c - the driver above the machine of net_machine.h.
#include "dev/ring/virtio_net_frame.h"
#include "dev/virtio_net.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"
#include "test/unit/dev/net_machine.h"

#include <string.h>

#define F_MAC 5 // virtio 1.2 §5.1.3

static struct nic *open_nic(void)
{
    struct nic *nic;
    ck_assert_int_eq(virtio_net_open(&machine.function, 0, "test", &nic), 0);
    return nic;
}

static void close_nic(struct nic *nic)
{
    nic->ops->close(nic);
    machine_expect_nothing_claimed();
}

struct memory { // a buffer in exactly its size: header, 64 bytes of frame
    uint8_t *start;
    struct nic_buf buf;
};

static struct memory memory_new(uint8_t tag)
{
    struct memory m = {.start = malloc(VIRTIO_NET_HDR_BYTES + 64)};
    memset(m.start, tag, VIRTIO_NET_HDR_BYTES + 64);
    uint8_t *data = m.start + VIRTIO_NET_HDR_BYTES;
    m.buf = (struct nic_buf){.data = data, .pa = {(uintptr_t)data}, .len = 64, .cookie = m.start};
    return m;
}

START_TEST(received_frames_come_without_their_header)
{
    machine_init();
    struct nic *nic = open_nic();
    struct memory m = memory_new(0);
    ck_assert_uint_eq(nic_rx_post(nic, &m.buf, 1), 1);

    int32_t head = virtq_device_take(&machine.queue[RX]);
    const struct virtq_desc *desc = &machine.queue[RX].desc[head];
    ck_assert_uint_eq(desc->addr, (uintptr_t)m.start);
    ck_assert_uint_eq(desc->len, 64 + 12);
    ck_assert_uint_eq(desc->flags, VIRTQ_DESC_WRITE);
    struct nic_buf got;
    ck_assert_uint_eq(nic_rx_burst(nic, &got, 1), 0);
    virtq_device_complete(&machine.queue[RX], (uint32_t)head, 12 + 42);
    ck_assert_uint_eq(nic_rx_burst(nic, &got, 1), 1);
    ck_assert_ptr_eq(got.data, m.buf.data);
    ck_assert_ptr_eq(got.cookie, m.start);
    ck_assert_uint_eq(got.len, 42);
    ck_assert_uint_eq(nic->stats.rx_frames, 1);
    ck_assert_uint_eq(nic->stats.rx_bytes, 42);
    free(m.start);
    close_nic(nic);
}
END_TEST

START_TEST(sent_frames_carry_a_header_of_zeros)
{
    machine_init();
    struct nic *nic = open_nic();
    virtq_device_sleep(&machine.queue[TX]);
    machine.doorbell[TX] = 99;
    struct memory m = memory_new(0xee);
    ck_assert_uint_eq(nic_tx_burst(nic, &m.buf, 1), 1);
    ck_assert_uint_eq(machine.doorbell[TX], 1); // the queue's number was written
    for (uint32_t i = 0; i < VIRTIO_NET_HDR_BYTES + 64; i++)
        ck_assert_uint_eq(m.start[i], i < VIRTIO_NET_HDR_BYTES ? 0 : 0xee);

    int32_t head = virtq_device_take(&machine.queue[TX]);
    ck_assert_uint_eq(machine.queue[TX].desc[head].addr, (uintptr_t)m.start);
    ck_assert_uint_eq(machine.queue[TX].desc[head].flags, 0);
    struct nic_buf got;
    ck_assert_uint_eq(nic_tx_reap(nic, &got, 1), 0);
    virtq_device_complete(&machine.queue[TX], (uint32_t)head, 0);
    ck_assert_uint_eq(nic_tx_reap(nic, &got, 1), 1);
    ck_assert_mem_eq(&got, &m.buf, sizeof got);
    ck_assert_uint_eq(nic->stats.tx_bytes, 64);
    free(m.start);
    close_nic(nic);
}
END_TEST

START_TEST(a_legacy_devices_header_is_two_bytes_shorter)
{
    static const struct virtio_mmio_place somewhere;
    machine_init();
    machine.offered = UINT32_MAX;
    struct nic *nic;
    ck_assert_int_eq(virtio_net_open_mmio(&somewhere, 0, "test", &nic), 0);
    struct memory in = memory_new(0xee), out = memory_new(0xee);
    ck_assert_uint_eq(nic_rx_post(nic, &in.buf, 1), 1);
    ck_assert_uint_eq(nic_tx_burst(nic, &out.buf, 1), 1);

    struct nic_buf got;
    int32_t head = virtq_device_take(&machine.queue[RX]);
    ck_assert_uint_eq(machine.queue[RX].desc[head].addr, (uintptr_t)in.start + 2);
    ck_assert_uint_eq(machine.queue[RX].desc[head].len, 64 + 10);
    virtq_device_complete(&machine.queue[RX], (uint32_t)head, 10 + 42);
    ck_assert_uint_eq(nic_rx_burst(nic, &got, 1), 1);
    ck_assert_ptr_eq(got.data, in.buf.data);
    ck_assert_uint_eq(got.len, 42);

    head = virtq_device_take(&machine.queue[TX]);
    ck_assert_uint_eq(machine.queue[TX].desc[head].addr, (uintptr_t)out.start + 2);
    ck_assert_uint_eq(machine.queue[TX].desc[head].len, 64 + 10);
    for (uint32_t i = 2; i < 12; i++)
        ck_assert_uint_eq(out.start[i], 0);
    ck_assert_uint_eq(out.start[12], 0xee);
    free(in.start);
    free(out.start);
    close_nic(nic);
}
END_TEST

START_TEST(a_full_ring_takes_no_more)
{
    machine_init();
    machine.queue_size = 8;
    struct nic *nic = open_nic();
    struct memory m = memory_new(0);
    struct nic_buf bufs[20];
    for (size_t i = 0; i < EXO_COUNT(bufs); i++)
        bufs[i] = m.buf;
    ck_assert_uint_eq(nic_rx_post(nic, bufs, 5), 5);
    ck_assert_uint_eq(nic_rx_post(nic, bufs, 20), 3);
    ck_assert_uint_eq(nic_tx_burst(nic, bufs, 20), 8);
    ck_assert_uint_eq(nic_tx_burst(nic, bufs, 1), 0);
    free(m.start);
    close_nic(nic);
}
END_TEST

START_TEST(an_impossible_length_is_counted_and_the_buffer_lent_again)
{
    static const uint32_t lengths[] = {0, 11, 12, 64 + 13, 65536, UINT32_MAX};
    machine_init();
    struct nic *nic = open_nic();
    struct memory m = memory_new(0);
    struct nic_buf got;
    nic_rx_post(nic, &m.buf, 1);
    for (size_t i = 0; i < EXO_COUNT(lengths); i++) {
        int32_t head = virtq_device_take(&machine.queue[RX]);
        ck_assert_int_ge(head, 0);
        virtq_device_complete(&machine.queue[RX], (uint32_t)head, lengths[i]);
        ck_assert_uint_eq(nic_rx_burst(nic, &got, 1), 0);
        ck_assert_uint_eq(nic->stats.rx_bad, i + 1);
    }
    ck_assert(!nic->broken);
    int32_t head = virtq_device_take(&machine.queue[RX]);
    virtq_device_complete(&machine.queue[RX], (uint32_t)head, 64 + 12);
    ck_assert_uint_eq(nic_rx_burst(nic, &got, 1), 1);
    ck_assert_uint_eq(got.len, 64);
    ck_assert_ptr_eq(got.data, m.buf.data);
    free(m.start);
    close_nic(nic);
}
END_TEST

START_TEST(a_device_that_lies_breaks_the_nic)
{
    for (int side = RX; side <= TX; side++) {
        for (int lie = 0; lie < 2; lie++) {
            machine_init();
            struct nic *nic = open_nic();
            struct memory m = memory_new(0);
            struct nic_buf got[4];
            nic_rx_post(nic, &m.buf, 1);
            nic_tx_burst(nic, &m.buf, 1);
            struct virtq_device *queue = &machine.queue[side];
            virtq_device_write_used(queue, 0, lie ? 77 : 0, 60, lie ? 1 : 2);
            ck_assert_uint_eq(nic_rx_burst(nic, got, 4) + nic_tx_reap(nic, got, 4), 0);
            ck_assert(nic->broken);
            ck_assert_uint_eq(nic->stats.rx_bad, side == RX);

            // Whatever it says from now on, and of the other queue, it is not believed.
            virtq_device_write_used(&machine.queue[RX], 0, 0, 60, 1);
            virtq_device_write_used(&machine.queue[TX], 0, 0, 60, 1);
            ck_assert_uint_eq(nic_rx_post(nic, &m.buf, 1), 0);
            ck_assert_uint_eq(nic_tx_burst(nic, &m.buf, 1), 0);
            ck_assert_uint_eq(nic_rx_burst(nic, got, 4), 0);
            ck_assert_uint_eq(nic_tx_reap(nic, got, 4), 0);
            ck_assert(!nic_irq_arm(nic));
            free(m.start);
            close_nic(nic);
        }
    }
}
END_TEST

START_TEST(sent_frames_interrupt_only_who_waits_for_room)
{
    for (uint32_t count = 4; count <= 8; count++) {
        machine_init();
        machine.queue_size = 8;
        struct nic *nic = open_nic();
        struct memory m = memory_new(0);
        for (uint32_t i = 0; i < count; i++)
            nic_tx_burst(nic, &m.buf, 1);
        ck_assert(!nic_irq_arm(nic));
        for (uint32_t i = 1; i <= count; i++) {
            int32_t head = virtq_device_take(&machine.queue[TX]);
            virtq_device_complete(&machine.queue[TX], (uint32_t)head, 0);
            bool half_is_free = count > 4 && count - i <= 4;
            ck_assert_uint_eq(machine.queue[TX].interrupts, half_is_free);
        }
        free(m.start);
        close_nic(nic);
    }
}
END_TEST

START_TEST(an_open_that_fails_leaves_nothing_claimed)
{
    int failures = 0;
    for (;; failures++) {
        machine_init();
        machine.calls_left = failures;
        struct nic *nic;
        int err = virtio_net_open(&machine.function, 0, "test", &nic);
        if (err == 0) {
            close_nic(nic);
            break;
        }
        ck_assert_int_lt(err, 0);
        machine_expect_nothing_claimed();
    }
    ck_assert_int_ge(failures, 9); // every call that can fail has failed once
}
END_TEST

START_TEST(what_the_device_is_decides_what_the_nic_is)
{
    machine_init();
    machine.queue_size = 1000; // not even a power of two
    struct nic *nic = open_nic();
    ck_assert_uint_eq(nic->rx_slots, 256);
    ck_assert_mem_eq(nic->mac, "\x52\x54\x00\x12\x34\x56", 6);
    ck_assert_uint_eq(nic->mtu_bytes, 1400);
    close_nic(nic);

    machine.queue_size = 100;
    machine.offered = UINT64_C(1) << VIRTIO_F_VERSION_1; // and nothing else
    nic = open_nic();
    ck_assert_uint_eq(nic->tx_slots, 64);
    ck_assert_mem_eq(nic->mac, "\xfe\xff\xff\xff\xff\xff", 6); // local, unicast
    ck_assert_uint_eq(nic->mtu_bytes, 1500);
    close_nic(nic);
}
END_TEST

START_TEST(devices_that_cannot_work_are_refused)
{
    struct nic *nic;
    machine_init();
    machine.queue_size = 0;
    ck_assert_int_eq(virtio_net_open(&machine.function, 0, "test", &nic), -EXO_EIO);
    machine_init();
    machine.mtu = 67;
    ck_assert_int_eq(virtio_net_open(&machine.function, 0, "test", &nic), -EXO_EIO);
    machine_init();
    machine.offered = UINT32_MAX; // an old device
    ck_assert_int_eq(virtio_net_open(&machine.function, 0, "test", &nic), -EXO_ENOTSUP);
    machine_init();
    machine.offered &= ~(UINT64_C(1) << F_MAC);
    machine.entropy_bits = 0;
    ck_assert_int_eq(virtio_net_open(&machine.function, 0, "test", &nic), -EXO_ENOTSUP);
    ck_assert_int_eq(virtio_net_open(&machine.function, 1, "test", &nic), -EXO_ENOTSUP);
    machine_expect_nothing_claimed();
}
END_TEST

CHECK_MAIN("dev.virtio_net", received_frames_come_without_their_header,
           sent_frames_carry_a_header_of_zeros, a_legacy_devices_header_is_two_bytes_shorter,
           a_full_ring_takes_no_more, an_impossible_length_is_counted_and_the_buffer_lent_again,
           a_device_that_lies_breaks_the_nic, sent_frames_interrupt_only_who_waits_for_room,
           an_open_that_fails_leaves_nothing_claimed, what_the_device_is_decides_what_the_nic_is,
           devices_that_cannot_work_are_refused)
