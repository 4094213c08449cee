// SPDX-License-Identifier: MIT
// test_nic_bufs.c - an app's own buffers on a virtio NIC, by what its device sees of them.
#include "core/frame.h"
#include "dev/nic_bufs.h"
#include "dev/ring/virtio_net_frame.h"
#include "dev/virtio_net.h"
#include "exo/err.h"
#include "test/support/check_main.h"
#include "test/unit/dev/net_machine.h"

static struct nic *open_nic(uint16_t slots)
{
    struct nic *nic;
    machine_init();
    machine.queue_size = slots;
    ck_assert_int_eq(virtio_net_open(&machine.function, 0, "test", &nic), 0);
    return nic;
}

// The device writes `len` bytes of a frame; false if the driver has given it no buffer.
static bool receive(uint32_t len)
{
    int32_t head = virtq_device_take(&machine.queue[RX]);
    if (head < 0)
        return false;
    const struct virtq_desc *desc = &machine.queue[RX].desc[head];
    ck_assert_uint_ge(desc->len, VIRTIO_NET_HDR_BYTES + len);
    memset((uint8_t *)(uintptr_t)desc->addr, 0x55, desc->len); // all of it is ours to write
    virtq_device_complete(&machine.queue[RX], (uint32_t)head, VIRTIO_NET_HDR_BYTES + len);
    return true;
}

START_TEST(every_slot_has_a_buffer_for_the_largest_frame)
{
    for (uint16_t slots = 16; slots <= 256; slots *= 4) {
        struct nic *nic = open_nic(slots);
        struct nic_bufs bufs;
        struct nic_buf got;
        ck_assert_int_eq(nic_bufs_init(&bufs, nic), 0);
        uint32_t count = 0;
        while (receive(machine.mtu + 18u)) // Ethernet's head and a VLAN tag are on top
            count++;
        ck_assert_uint_eq(count, slots);
        uintptr_t end = bufs.memory.v;
        for (uint32_t i = 0; i < count; i++) { // one behind the other
            ck_assert_uint_eq(nic_rx_burst(nic, &got, 1), 1);
            ck_assert_uint_ge(got.pa.v, end + nic->headroom_bytes);
            end = got.pa.v + bufs.space_bytes;
        }
        ck_assert_uint_le(end, bufs.memory.v + bufs.frames * CORE_FRAME_BYTES);
        nic->ops->close(nic);
        nic_bufs_fini(&bufs);
        machine_expect_nothing_claimed();
    }
}
END_TEST

START_TEST(a_buffer_that_was_answered_in_is_empty_again)
{
    struct nic *nic = open_nic(16);
    struct nic_bufs bufs;
    struct nic_buf buf;
    ck_assert_int_eq(nic_bufs_init(&bufs, nic), 0);
    for (uint32_t i = 0; i < 100; i++) {
        ck_assert(receive(60));
        ck_assert_uint_eq(nic_rx_burst(nic, &buf, 1), 1);
        ck_assert_uint_eq(buf.len, 60);
        ck_assert_uint_eq(nic_tx_burst(nic, &buf, 1), 1);
        virtq_device_complete(&machine.queue[TX], (uint32_t)virtq_device_take(&machine.queue[TX]),
                              0);
        ck_assert_uint_eq(nic_tx_reap(nic, &buf, 1), 1);
        nic_bufs_lend(&bufs, &buf, 1);
    }
    uint32_t there = 0;
    while (receive(machine.mtu + 18u))
        there++;
    ck_assert_uint_eq(there, 16);
    nic->ops->close(nic);
    nic_bufs_fini(&bufs);
    machine_expect_nothing_claimed();
}
END_TEST

START_TEST(a_buffer_is_never_longer_than_a_descriptor_says)
{
    machine_init();
    machine.queue_size = 16;
    machine.mtu = UINT16_MAX;
    struct nic *nic;
    struct nic_bufs bufs;
    ck_assert_int_eq(virtio_net_open(&machine.function, 0, "test", &nic), 0);
    ck_assert_int_eq(nic_bufs_init(&bufs, nic), 0);
    ck_assert_uint_eq(bufs.space_bytes, UINT16_MAX);
    nic->ops->close(nic);
    nic_bufs_fini(&bufs);
    machine_expect_nothing_claimed();
}
END_TEST

START_TEST(without_memory_nothing_is_lent)
{
    struct nic *nic = open_nic(16);
    struct nic_bufs bufs;
    machine.calls_left = 0;
    ck_assert_int_eq(nic_bufs_init(&bufs, nic), -EXO_ENOMEM);
    ck_assert(!receive(60));
    nic->ops->close(nic);
    machine_expect_nothing_claimed();
}
END_TEST

CHECK_MAIN("dev.nic_bufs", every_slot_has_a_buffer_for_the_largest_frame,
           a_buffer_that_was_answered_in_is_empty_again,
           a_buffer_is_never_longer_than_a_descriptor_says, without_memory_nothing_is_lent)
