// SPDX-License-Identifier: MIT
// test_nic_share_cpus.c - a shared NIC whose second face belongs to the second CPU.
//
// machine.cpu says who calls; core asserts that each takes its own lines, and the driver takes
// the device's wherever it touches it.
#include "core/irq.h"
#include "exo/err.h"
#include "test/support/check_main.h"
#include "test/unit/dev/nic_share_lab.h"

START_TEST(a_face_of_another_cpu_leaves_the_device_to_the_first)
{
    struct lab lab = lab_open_far_echo();
    face_post(lab.echo, 2, 64);
    ck_assert(!nic_irq_arm(lab.echo));
    device_receives_udp(ECHO, 1);
    machine.cpu = 0;
    ck_assert_int_eq(face_receive(lab.rest), -1);
    machine.cpu = 1;
    ck_assert(core_irq_take(lab.echo->irq));
    nic_irq_disarm(lab.echo);
    ck_assert_int_eq(face_receive(lab.echo), 1);

    ck_assert_uint_eq(machine.calls, 0);
    ck_assert_uint_eq(face_send_udp(lab.echo, ECHO, 2) + face_send_udp(lab.echo, ECHO, 3), 2);
    ck_assert_uint_eq(machine.calls, 1); // home is called once, until it looks
    ck_assert_int_eq(device_takes(), -1);
    ck_assert_uint_eq(face_reap_all(lab.echo), 0);
    machine.cpu = 0;
    ck_assert(!nic_irq_arm(lab.rest));
    ck_assert_uint_eq(device_sends_all(), 2);
    nic_irq_disarm(lab.rest);
    machine.cpu = 1;
    ck_assert_uint_eq(face_reap_all(lab.echo), 2);

    device_receives_udp(ECHO, 4);
    machine.cpu = 0;
    ck_assert_int_eq(face_receive(lab.rest), -1);
    machine.cpu = 1;
    ck_assert_int_eq(face_receive(lab.echo), 4);
    nic_close(lab.echo);
    machine.cpu = 0;
    nic_close(lab.rest);
    nic_share_close(lab.share);
    machine_expect_nothing_claimed();
}
END_TEST

START_TEST(another_cpu_that_waits_for_room_gets_it_from_the_first)
{
    struct lab lab = lab_open_far_echo();
    for (uint32_t i = 0; i < 8; i++)
        ck_assert_uint_eq(face_send_udp(lab.echo, ECHO, 1), 1);
    ck_assert_uint_eq(face_send_udp(lab.echo, ECHO, 1), 0);
    ck_assert(!nic_irq_arm(lab.echo));
    machine.cpu = 0;
    ck_assert(!nic_irq_arm(lab.rest));
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(machine.queue[TX].interrupts, 0);
        device_has_sent(device_takes());
    }
    ck_assert_uint_eq(machine.queue[TX].interrupts, 1);
    nic_irq_disarm(lab.rest);
    machine.cpu = 1;
    ck_assert(core_irq_take(lab.echo->irq));
    ck_assert_uint_eq(face_reap_all(lab.echo), 4);

    struct nic_buf unsent = buf_new(FRAME_BYTES); // home has not looked when the face closes
    frame_out(unsent.data, ECHO, 9);
    machine.cpu = 0;
    device_sends_all();
    ck_assert_int_eq(face_receive(lab.rest), -1);
    machine.cpu = 1;
    ck_assert_uint_eq(face_reap_all(lab.echo), 4);
    ck_assert_uint_eq(nic_tx_burst(lab.echo, &unsent, 1), 1);
    nic_close(lab.echo);
    buf_free(unsent);
    machine.cpu = 0;
    ck_assert_int_eq(face_receive(lab.rest), -1);
    ck_assert_int_eq(device_takes(), -1);
    nic_close(lab.rest);
    nic_share_close(lab.share);
    machine_expect_nothing_claimed();
}
END_TEST

// The first CPU, while the second waits for what its face has with the device.
static struct nic_share *closing_of;
static struct nic *closing_rest;

static void open_a_third_face(void)
{
    struct nic *third;
    struct core_flow_filter filter = ports(80, 0);
    machine.cpu = 0;
    ck_assert_int_eq(nic_share_face(closing_of, &filter, "third", &third), -EXO_ENOSPC);
    ck_assert_uint_eq(device_sends_all(), 16);
    ck_assert_int_eq(face_receive(closing_rest), -1);
    machine.cpu = 1;
}

START_TEST(a_face_keeps_its_part_of_the_ring_until_its_last_frame_is_sent)
{
    struct lab lab = lab_open_far_echo();
    struct nic_buf sent[8];
    for (uint32_t i = 0; i < 8; i++) {
        sent[i] = buf_new(FRAME_BYTES);
        frame_out(sent[i].data, ECHO, 1);
    }
    ck_assert_uint_eq(nic_tx_burst(lab.echo, sent, 8), 8);
    machine.cpu = 0;
    for (uint32_t i = 0; i < 8; i++)
        ck_assert_uint_eq(face_send_udp(lab.rest, 80, 2), 1);
    ck_assert_int_eq(face_receive(lab.rest), -1); // home gives the device what waits
    closing_of = lab.share;
    closing_rest = lab.rest;
    machine.cpu = 1;
    machine.meanwhile = open_a_third_face;
    nic_close(lab.echo);
    ck_assert_ptr_null(machine.meanwhile); // it did have to wait
    for (uint32_t i = 0; i < 8; i++)
        buf_free(sent[i]);
    machine.cpu = 0;
    ck_assert(!lab.rest->broken);
    ck_assert_uint_eq(face_reap_all(lab.rest), 8);
    lab.echo = face_open(lab.share, &echo_filter); // now there is a place
    lab_close(&lab);
}
END_TEST

// The first CPU has something else to do for two seconds. The device has long sent everything.
static void look_late(void)
{
    if (machine.now < EXO_S(2)) {
        machine.meanwhile = look_late;
        return;
    }
    machine.cpu = 0;
    ck_assert_int_eq(face_receive(closing_rest), -1);
    machine.cpu = 1;
}

START_TEST(a_device_is_not_blamed_for_a_cpu_that_looks_late)
{
    struct lab lab = lab_open_far_echo();
    struct nic_buf sent = buf_new(FRAME_BYTES);
    frame_out(sent.data, ECHO, 1);
    ck_assert_uint_eq(nic_tx_burst(lab.echo, &sent, 1), 1);
    machine.cpu = 0;
    ck_assert_int_eq(face_receive(lab.rest), -1); // home gives the device what waits
    ck_assert_uint_eq(device_sends_all(), 1);
    machine.cpu = 1;
    closing_rest = lab.rest;
    machine.now = 0;
    machine.meanwhile = look_late;
    nic_close(lab.echo);
    ck_assert_uint_ge(machine.now, EXO_S(2));
    buf_free(sent);
    machine.cpu = 0;
    ck_assert(!lab.rest->broken);
    lab.echo = face_open(lab.share, &echo_filter);
    lab_close(&lab);
}
END_TEST

CHECK_MAIN("dev.nic_share_cpus", a_face_of_another_cpu_leaves_the_device_to_the_first,
           another_cpu_that_waits_for_room_gets_it_from_the_first,
           a_face_keeps_its_part_of_the_ring_until_its_last_frame_is_sent,
           a_device_is_not_blamed_for_a_cpu_that_looks_late)
