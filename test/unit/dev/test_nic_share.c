// SPDX-License-Identifier: MIT
// test_nic_share.c - several owners on one virtio NIC: who gets a frame, who sends, who is woken.
#include "core/irq.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"
#include "test/unit/dev/nic_share_lab.h"

// ---- receiving ----

START_TEST(frames_go_to_the_owner_of_their_flow)
{
    struct lab lab = lab_open();
    struct nic_buf at_rest = buf_new(64), at_echo = buf_new(64), got;
    nic_rx_post(lab.rest, &at_rest, 1);
    nic_rx_post(lab.echo, &at_echo, 1);
    ck_assert(device_receives_udp(ECHO, 1));
    ck_assert_uint_eq(nic_rx_burst(lab.rest, &got, 1), 0);
    for (uint32_t i = 0; i < 64; i++)
        ck_assert_uint_eq(at_rest.data[i], 0xee); // nobody else's frame was ever in it
    ck_assert_uint_eq(nic_rx_burst(lab.echo, &got, 1), 1);
    uint8_t expected[FRAME_BYTES];
    frame_in(expected, ECHO, 1);
    ck_assert_mem_eq(got.data, expected, FRAME_BYTES);
    ck_assert_ptr_eq(got.data, at_echo.data);
    ck_assert_uint_eq(got.len, FRAME_BYTES);
    buf_free(got);

    ck_assert(device_receives_udp(80, 2));
    ck_assert_int_eq(face_receive(lab.echo), -1);
    ck_assert_int_eq(face_receive(lab.rest), 2);
    ck_assert_uint_eq(lab.rest->stats.rx_frames, 1);
    ck_assert_uint_eq(lab.echo->stats.rx_bytes, FRAME_BYTES);
    lab_close(&lab);
}
END_TEST

START_TEST(what_has_no_key_is_the_rests)
{
    struct lab lab = lab_open();
    face_post(lab.rest, 2, 64);
    uint8_t frame[FRAME_BYTES];
    frame_in(frame, ECHO, 1);
    memset(frame, 0xff, 6); // to all
    device_receives(frame, sizeof frame);
    frame_in(frame, ECHO, 2);
    frame[20] = 0x20; // the first of several pieces
    device_receives(frame, sizeof frame);
    ck_assert_int_eq(face_receive(lab.echo), -1);
    ck_assert_int_eq(face_receive(lab.rest), 1);
    ck_assert_int_eq(face_receive(lab.rest), 2);
    ck_assert_uint_eq(nic_share_stats(lab.echo).rx_no_buffer, 0); // nor did it miss any
    lab_close(&lab);
}
END_TEST

START_TEST(the_innermost_filter_has_the_frame_whoever_came_first)
{
    static const uint8_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const struct core_flow_filter filters[] = {ports(7000, 7999), ports(7007, 0), ports(1, 9999)};
    for (size_t i = 0; i < EXO_COUNT(orders); i++) {
        struct nic_share *share;
        struct nic *faces[3], *other;
        machine_init();
        ck_assert_int_eq(nic_share_open(0, 0, 4, "test", &share), 0);
        for (int k = 0; k < 3; k++)
            faces[orders[i][k]] = face_open(share, &filters[orders[i][k]]);
        struct core_flow_filter crossing = ports(7500, 8500);
        ck_assert_int_eq(nic_share_face(share, &crossing, "test", &other), -EXO_EBUSY);
        for (int k = 0; k < 3; k++)
            face_post(faces[k], 1, 64);
        device_receives_udp(7007, 1);
        device_receives_udp(7008, 0);
        device_receives_udp(6999, 2);
        device_receives_udp(10000, 9); // nobody's
        ck_assert_int_eq(face_receive(faces[0]), 0);
        ck_assert_int_eq(face_receive(faces[1]), 1);
        ck_assert_int_eq(face_receive(faces[2]), 2);
        ck_assert_uint_eq(nic_share_nobodys(share), 1);
        for (int k = 0; k < 3; k++)
            nic_close(faces[k]);
        nic_share_close(share);
        machine_expect_nothing_claimed();
    }
}
END_TEST

// Many rings full for somebody who has no buffers: the other misses none of its own.
START_TEST(an_owner_that_does_not_read_starves_itself_alone)
{
    struct lab lab = lab_open_slots(8);
    face_post(lab.echo, 1, 64);
    for (uint32_t i = 0; i < 1000; i++) {
        for (uint32_t k = 0; k < 7; k++)
            ck_assert(device_receives_udp(80, 1));
        ck_assert(device_receives_udp(ECHO, (uint8_t)i));
        ck_assert_int_eq(face_receive(lab.echo), (uint8_t)i);
        face_post(lab.echo, 1, 64);
    }
    ck_assert_uint_eq(nic_share_stats(lab.rest).rx_no_buffer, 7000);
    ck_assert_uint_eq(nic_share_stats(lab.echo).rx_no_buffer, 0);
    ck_assert(device_receives_udp(ECHO, 1));
    face_receive(lab.echo);
    lab_close(&lab);
}
END_TEST

START_TEST(a_buffer_that_is_too_short_is_kept_for_a_shorter_frame)
{
    struct lab lab = lab_open();
    uint8_t frame[200];
    memset(frame, 3, sizeof frame);
    frame_in(frame, 80, 3);
    face_post(lab.rest, 1, FRAME_BYTES);
    device_receives(frame, sizeof frame);
    device_receives(frame, FRAME_BYTES + 1);
    ck_assert_int_eq(face_receive(lab.rest), -1);
    ck_assert_uint_eq(nic_share_stats(lab.rest).rx_too_long, 2);
    device_receives_udp(80, 4);
    ck_assert_int_eq(face_receive(lab.rest), 4);
    lab_close(&lab);
}
END_TEST

START_TEST(a_face_takes_as_many_buffers_as_it_says)
{
    struct lab lab = lab_open_slots(8);
    ck_assert_uint_eq(lab.rest->rx_slots, 8);
    face_post(lab.rest, 8, 64);
    struct nic_buf one_more = buf_new(64);
    ck_assert_uint_eq(nic_rx_post(lab.rest, &one_more, 1), 0);
    buf_free(one_more);
    for (uint8_t i = 0; i < 8; i++)
        device_receives_udp(80, i);
    for (uint8_t i = 0; i < 8; i++)
        ck_assert_int_eq(face_receive(lab.rest), i);
    lab_close(&lab);
}
END_TEST

// ---- sending ----

START_TEST(sent_frames_are_not_copied_and_come_back_to_their_sender)
{
    struct lab lab = lab_open();
    struct nic_buf buf = buf_new(FRAME_BYTES), got;
    frame_out(buf.data, 80, 7);
    ck_assert_uint_eq(nic_tx_burst(lab.rest, &buf, 1), 1);
    ck_assert_uint_eq(face_send_udp(lab.echo, ECHO, 8), 1);
    int32_t first = device_takes(), second = device_takes();
    ck_assert_ptr_eq(device_sees(first), buf.data);
    ck_assert_uint_eq(device_sees(second)[FRAME_BYTES - 1], 8);

    device_has_sent(second); // not in the order in which they were given
    ck_assert_uint_eq(nic_tx_reap(lab.rest, &got, 1), 0);
    ck_assert_uint_eq(face_reap_all(lab.echo), 1);
    device_has_sent(first);
    ck_assert_uint_eq(face_reap_all(lab.echo), 0);
    ck_assert_uint_eq(nic_tx_reap(lab.rest, &got, 1), 1);
    ck_assert_mem_eq(&got, &buf, sizeof got);
    ck_assert_uint_eq(lab.rest->stats.tx_frames, 1);
    ck_assert_uint_eq(lab.rest->stats.tx_bytes, FRAME_BYTES);
    buf_free(got);
    lab_close(&lab);
}
END_TEST

START_TEST(a_flow_sends_only_what_is_its_own)
{
    struct lab lab = lab_open();
    struct nic_buf buf = buf_new(FRAME_BYTES);
    frame_out(buf.data, ECHO, 1);
    buf.data[29] = 99; // from somebody else's address
    ck_assert_uint_eq(nic_tx_burst(lab.echo, &buf, 1), 1);
    ck_assert_uint_eq(face_send_udp(lab.echo, 80, 1), 1);
    ck_assert_uint_eq(face_send_udp(lab.echo, ECHO, 1), 1);
    ck_assert_uint_eq(device_sends_all(), 1);
    ck_assert_uint_eq(nic_share_stats(lab.echo).tx_not_ours, 2);
    ck_assert_uint_eq(face_reap_all(lab.echo), 3);
    ck_assert_uint_eq(lab.echo->stats.tx_frames, 1);

    ck_assert_uint_eq(face_send_udp(lab.rest, ECHO, 1), 1); // who has the rest speaks for the host
    ck_assert_uint_eq(device_sends_all(), 1);
    ck_assert_uint_eq(face_reap_all(lab.rest), 1);
    lab_close(&lab);
}
END_TEST

START_TEST(each_has_its_part_of_the_transmit_ring)
{
    struct lab lab = lab_open_slots(16);
    ck_assert_uint_eq(lab.rest->tx_slots, 8);
    uint32_t sent = 0;
    while (face_send_udp(lab.rest, 80, 1))
        sent++;
    ck_assert_uint_eq(sent, 8);
    for (sent = 0; face_send_udp(lab.echo, ECHO, 1); sent++) {
    }
    ck_assert_uint_eq(sent, 8);
    ck_assert_uint_eq(device_sends_all(), 16);
    ck_assert_uint_eq(face_reap_all(lab.rest) + face_reap_all(lab.echo), 16);
    lab_close(&lab);
}
END_TEST

// ---- waiting ----

START_TEST(whoever_polls_wakes_those_whose_frames_are_there)
{
    struct lab lab = lab_open();
    face_post(lab.rest, 2, 64);
    face_post(lab.echo, 2, 64);
    ck_assert(!nic_irq_arm(lab.echo));
    ck_assert(!nic_irq_arm(lab.rest));
    device_receives_udp(ECHO, 1);
    ck_assert_uint_eq(machine.queue[RX].interrupts, 1);
    nic_irq_disarm(lab.rest); // it was woken, for nothing
    ck_assert(!core_irq_take(lab.rest->irq));
    ck_assert(core_irq_take(lab.echo->irq));
    nic_irq_disarm(lab.echo);
    ck_assert_int_eq(face_receive(lab.echo), 1);

    device_receives_udp(80, 2); // before anybody asks to be woken
    ck_assert(!nic_irq_arm(lab.echo));
    ck_assert(nic_irq_arm(lab.rest));
    ck_assert_int_eq(face_receive(lab.rest), 2);
    device_receives_udp(80, 3);
    ck_assert_int_eq(face_receive(lab.rest), 3);
    ck_assert(!core_irq_take(lab.rest->irq)); // it did not wait
    face_post(lab.rest, 1, 64);
    device_receives_udp(80, 4);
    device_receives_udp(ECHO, 5);
    ck_assert_int_eq(face_receive(lab.rest), 4);
    ck_assert(core_irq_take(lab.echo->irq)); // it still did
    ck_assert_int_eq(face_receive(lab.echo), 5);
    lab_close(&lab);
}
END_TEST

START_TEST(who_waits_for_room_is_woken_when_half_of_its_part_is_sent)
{
    struct lab lab = lab_open_slots(16);
    for (uint32_t i = 0; i < 8; i++)
        face_send_udp(lab.echo, ECHO, 1);
    face_send_udp(lab.rest, 80, 1);
    ck_assert(!nic_irq_arm(lab.rest));
    ck_assert(!nic_irq_arm(lab.echo));
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(machine.queue[TX].interrupts, 0);
        device_has_sent(device_takes());
    }
    ck_assert_uint_eq(machine.queue[TX].interrupts, 1);
    nic_irq_disarm(lab.rest);
    ck_assert(!core_irq_take(lab.rest->irq));
    ck_assert(core_irq_take(lab.echo->irq));
    ck_assert_uint_eq(face_reap_all(lab.echo), 4);
    device_sends_all();
    ck_assert_uint_eq(face_reap_all(lab.echo) + face_reap_all(lab.rest), 5);
    lab_close(&lab);
}
END_TEST

CHECK_MAIN("dev.nic_share", frames_go_to_the_owner_of_their_flow, what_has_no_key_is_the_rests,
           the_innermost_filter_has_the_frame_whoever_came_first,
           an_owner_that_does_not_read_starves_itself_alone,
           a_buffer_that_is_too_short_is_kept_for_a_shorter_frame,
           a_face_takes_as_many_buffers_as_it_says,
           sent_frames_are_not_copied_and_come_back_to_their_sender,
           a_flow_sends_only_what_is_its_own, each_has_its_part_of_the_transmit_ring,
           whoever_polls_wakes_those_whose_frames_are_there,
           who_waits_for_room_is_woken_when_half_of_its_part_is_sent)
