// SPDX-License-Identifier: MIT
// test_nic_share_life.c - a shared NIC's faces come and go, its device lies, and a long life.
#include "core/irq.h"
#include "core/state.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"
#include "test/support/twins.h"
#include "test/unit/dev/nic_share_lab.h"

// ---- beginnings and ends ----

START_TEST(a_flow_that_ends_gives_its_frames_to_the_rest)
{
    struct lab lab = lab_open();
    face_post(lab.rest, 1, 64);
    for (int round = 0; round < 3; round++) {
        nic_close(lab.echo);
        device_receives_udp(ECHO, 1);
        ck_assert_int_eq(face_receive(lab.rest), 1);
        lab.echo = face_open(lab.share, &echo_filter);
        face_post(lab.echo, 1, 64);
        face_post(lab.rest, 1, 64);
        device_receives_udp(ECHO, 2);
        ck_assert_int_eq(face_receive(lab.echo), 2);
        ck_assert_int_eq(face_receive(lab.rest), -1);
    }
    device_receives_udp(80, 1);
    face_receive(lab.rest);
    lab_close(&lab);
}
END_TEST

START_TEST(what_is_taken_is_refused)
{
    struct lab lab = lab_open();
    struct nic *other;
    ck_assert_int_eq(nic_share_face(lab.share, NULL, "third", &other), -EXO_ENOSPC);
    nic_close(lab.echo);
    ck_assert_int_eq(nic_share_face(lab.share, NULL, "third", &other), -EXO_EBUSY);
    struct core_flow_filter senseless = {.ethertype = 0x0806};
    ck_assert_int_eq(nic_share_face(lab.share, &senseless, "third", &other), -EXO_EINVAL);
    lab.echo = face_open(lab.share, &echo_filter);
    lab_close(&lab);
    struct nic_share *share;
    ck_assert_int_eq(nic_share_open(0, 0, 0, "test", &share), -EXO_EINVAL);
    ck_assert_int_eq(nic_share_open(0, 0, NIC_SHARE_FACES_MAX + 1, "test", &share), -EXO_EINVAL);
    ck_assert_int_eq(nic_share_open(1, 0, 1, "test", &share), -EXO_ENODEV);
    machine_expect_nothing_claimed();
}
END_TEST

START_TEST(a_face_that_closes_gets_its_buffers_back_from_the_device)
{
    struct lab lab = lab_open();
    struct nic_buf buf = buf_new(FRAME_BYTES);
    frame_out(buf.data, ECHO, 1);
    nic_tx_burst(lab.echo, &buf, 1);
    device_sends_all();
    nic_close(lab.echo);
    buf_free(buf);
    ck_assert(!lab.rest->broken);

    lab.echo = face_open(lab.share, &echo_filter);
    buf = buf_new(FRAME_BYTES);
    frame_out(buf.data, ECHO, 1);
    nic_tx_burst(lab.echo, &buf, 1);
    ck_assert_int_ge(device_takes(), 0); // and does not send it
    nic_close(lab.echo);
    ck_assert_uint_eq(machine.functions, 0); // so it was stopped
    buf_free(buf);
    ck_assert(lab.rest->broken);
    nic_close(lab.rest);
    nic_share_close(lab.share);
    machine_expect_nothing_claimed();
}
END_TEST

START_TEST(a_device_that_lies_breaks_all_faces)
{
    for (int order = 0; order < 6; order++) {
        struct lab lab = lab_open();
        struct nic_buf buf = buf_new(64), got;
        nic_rx_post(lab.echo, &buf, 1);
        nic_irq_arm(lab.echo);
        virtq_device_write_used(&machine.queue[order % 2], 0, 777, 60, 1);
        ck_assert_uint_eq(nic_rx_burst(lab.rest, &got, 1), 0);
        ck_assert(lab.rest->broken && lab.echo->broken);
        ck_assert_uint_eq(machine.functions, 0); // nothing is written any more
        ck_assert(core_irq_take(lab.echo->irq)); // who sleeps hears of it
        ck_assert_uint_eq(nic_rx_post(lab.rest, &buf, 1) + nic_rx_burst(lab.echo, &got, 1) +
                              nic_tx_burst(lab.echo, &buf, 1) + nic_tx_reap(lab.echo, &got, 1),
                          0);
        ck_assert(!nic_irq_arm(lab.echo));
        nic_irq_disarm(lab.echo);
        struct nic *late;
        ck_assert_int_eq(nic_share_face(lab.share, &echo_filter, "late", &late), -EXO_EIO);
        for (int k = 0; k < 3; k++) { // in every order
            int who = (order % 3 + k * (order < 3 ? 1 : 2)) % 3;
            if (who == 0)
                nic_close(lab.echo);
            else if (who == 1)
                nic_close(lab.rest);
            else
                nic_share_close(lab.share);
        }
        buf_free(buf);
        machine_expect_nothing_claimed();
    }
}
END_TEST

START_TEST(an_open_that_fails_leaves_nothing_claimed)
{
    int failures = 0;
    for (;; failures++) {
        machine_init();
        machine.calls_left = failures;
        struct nic_share *share;
        struct nic *nic;
        int err = nic_share_open(0, 0, 2, "test", &share);
        if (err == 0) {
            err = nic_share_face(share, &echo_filter, "test", &nic);
            if (err == 0)
                nic_close(nic);
            nic_share_close(share);
        }
        machine_expect_nothing_claimed();
        ck_assert_ptr_null(core_state.flows);
        if (err == 0)
            break;
        ck_assert_int_lt(err, 0);
    }
    ck_assert_int_ge(failures, 13); // every call that can fail has failed once
}
END_TEST

// ---- a long life ----

#define STEPS 200000

// What one owner has lent and expects.
struct owner {
    struct nic *nic;
    uint16_t port;
    uint32_t posted, expected; // buffers there; frames sent to it and not taken
    uint8_t tag_in, tag_out;   // of the next frame to it; of the next it takes
    uint32_t lent;             // for sending
};

static void step_of(struct owner *o, uint64_t r)
{
    switch (r % 4) {
    case 0:
        if (o->posted < o->nic->rx_slots) {
            face_post(o->nic, 1, 64);
            o->posted++;
        }
        break;
    case 1: // only as many as it has buffers for, so that each must arrive
        if (o->expected < o->posted && device_receives_udp(o->port, o->tag_in)) {
            o->tag_in++;
            o->expected++;
        }
        break;
    case 2:
        for (int tag; o->expected && (tag = face_receive(o->nic)) >= 0; o->expected--, o->posted--)
            ck_assert_int_eq(tag, o->tag_out++);
        break;
    default:
        o->lent += face_send_udp(o->nic, o->port, 1);
        o->lent -= r & 4 ? face_reap_all(o->nic) : 0;
        break;
    }
}

START_TEST(a_long_life_loses_mixes_and_doubles_nothing)
{
    struct lab lab = lab_open_slots(16);
    struct owner owners[] = {{.nic = lab.rest, .port = 80}, {.nic = lab.echo, .port = ECHO}};
    uint64_t seed = 7;
    for (uint32_t i = 0; i < STEPS; i++) {
        uint64_t r = test_random(&seed) >> 16;
        step_of(&owners[r & 1], r >> 1);
        if (r >> 20 & 1) {
            int32_t head = device_takes();
            if (head >= 0)
                device_has_sent(head);
        }
    }
    device_sends_all();
    for (size_t i = 0; i < EXO_COUNT(owners); i++) {
        struct owner *o = &owners[i];
        step_of(o, 2);
        ck_assert_uint_eq(o->expected, 0);
        ck_assert_uint_eq(face_reap_all(o->nic), o->lent);
        ck_assert_uint_gt(o->nic->stats.rx_frames, STEPS / 50);
        ck_assert_uint_gt(o->nic->stats.tx_frames, STEPS / 50);
        struct nic_share_stats stats = nic_share_stats(o->nic);
        ck_assert_uint_eq(stats.rx_no_buffer + stats.rx_too_long + stats.tx_not_ours, 0);
        for (; o->posted; o->posted--) {
            device_receives_udp(o->port, 0);
            face_receive(o->nic);
        }
    }
    lab_close(&lab);
}
END_TEST

CHECK_MAIN("dev.nic_share_life", a_flow_that_ends_gives_its_frames_to_the_rest,
           what_is_taken_is_refused, a_face_that_closes_gets_its_buffers_back_from_the_device,
           a_device_that_lies_breaks_all_faces, an_open_that_fails_leaves_nothing_claimed,
           a_long_life_loses_mixes_and_doubles_nothing)
