// SPDX-License-Identifier: MIT
// test_nic_share.c - several owners on one virtio NIC whose device's side is the test's.
#include "core/flow.h"
#include "core/irq.h"
#include "core/state.h"
#include "dev/nic_share.h"
#include "dev/ring/virtio_net_frame.h"
#include "dev/virtio_net.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"
#include "test/support/twins.h"
#include "test/unit/dev/net_machine.h"

#include <string.h>

struct core_state core_state; // whose list of flows core/flow.c keeps

int nic_open(uint32_t nth, uint16_t queue, const char *owner, struct nic **out)
{
    return nth ? -EXO_ENODEV : virtio_net_open(&machine.function, queue, owner, out);
}

void nic_close(struct nic *nic)
{
    nic->ops->close(nic);
}

// ---- frames, and buffers in exactly their size ----

#define FRAME_BYTES 60u
#define HEADROOM    VIRTIO_NET_HDR_BYTES

static const uint8_t frame_head[] = {
    0x52, 0x54, 0, 0x12, 0x34, 0x56, 2, 0, 0,  0,  0, 1, 8,  0,       // to the NIC, IPv4
    0x45, 0,    0, 46,   0,    0,    0, 0, 64, 17, 0, 0, 10, 0, 0, 1, // 46 bytes of UDP
    10,   0,    0, 2,    0x20, 0,    0, 0, 0,  26, 0, 0,              // from port 8192
};

// A datagram to port `port`, its payload all `tag`.
static void frame_in(uint8_t out[FRAME_BYTES], uint16_t port, uint8_t tag)
{
    memset(out, tag, FRAME_BYTES);
    memcpy(out, frame_head, sizeof frame_head);
    out[36] = (uint8_t)(port >> 8);
    out[37] = (uint8_t)port;
}

// The answer to it: everything the other way round.
static void frame_out(uint8_t out[FRAME_BYTES], uint16_t port, uint8_t tag)
{
    static const struct {
        uint8_t a, b, bytes;
    } swaps[] = {{0, 6, 6}, {26, 30, 4}, {34, 36, 2}};
    uint8_t in[FRAME_BYTES];
    frame_in(in, port, tag);
    memcpy(out, in, FRAME_BYTES);
    for (size_t i = 0; i < EXO_COUNT(swaps); i++) {
        memcpy(out + swaps[i].a, in + swaps[i].b, swaps[i].bytes);
        memcpy(out + swaps[i].b, in + swaps[i].a, swaps[i].bytes);
    }
}

static struct nic_buf buf_new(uint32_t len)
{
    uint8_t *start = malloc(HEADROOM + len);
    memset(start, 0xee, HEADROOM + len);
    uint8_t *data = start + HEADROOM;
    return (struct nic_buf){.data = data, .pa = {(uintptr_t)data}, .len = len, .cookie = start};
}

static void buf_free(struct nic_buf buf)
{
    ck_assert_ptr_eq(buf.data, (uint8_t *)buf.cookie + HEADROOM); // as it was lent
    free(buf.cookie);
}

// ---- the device ----

// Receives a frame; false if the driver has given it no buffer.
static bool device_receives(const uint8_t *frame, uint32_t len)
{
    struct virtq_device *queue = &machine.queue[RX];
    int32_t head = virtq_device_take(queue);
    if (head < 0)
        return false;
    const struct virtq_desc *desc = &queue->desc[head];
    ck_assert_uint_ge(desc->len, HEADROOM + len);
    memcpy((uint8_t *)(uintptr_t)desc->addr + HEADROOM, frame, len);
    virtq_device_complete(queue, (uint32_t)head, HEADROOM + len);
    return true;
}

static bool device_receives_udp(uint16_t port, uint8_t tag)
{
    uint8_t frame[FRAME_BYTES];
    frame_in(frame, port, tag);
    return device_receives(frame, sizeof frame);
}

// Takes the next frame that is to be sent, and keeps it: its head, or -1.
static int32_t device_takes(void)
{
    return virtq_device_take(&machine.queue[TX]);
}

static const uint8_t *device_sees(int32_t head)
{
    return (const uint8_t *)(uintptr_t)machine.queue[TX].desc[head].addr + HEADROOM;
}

static void device_has_sent(int32_t head)
{
    virtq_device_complete(&machine.queue[TX], (uint32_t)head, 0);
}

static uint32_t device_sends_all(void)
{
    uint32_t n = 0;
    for (int32_t head; (head = device_takes()) >= 0; n++)
        device_has_sent(head);
    return n;
}

// ---- owners ----

#define ECHO 7007

static const struct core_flow_filter echo_filter = {
    .ethertype = 0x0800, .protocol = 17, .local = {10, 0, 0, 2}, .local_port = ECHO};

static struct core_flow_filter ports(uint16_t first, uint16_t last)
{
    struct core_flow_filter filter = echo_filter;
    filter.local_port = first;
    filter.local_port_last = last;
    return filter;
}

struct lab {
    struct nic_share *share;
    struct nic *rest, *echo;
};

static struct nic *face(struct nic_share *share, const struct core_flow_filter *filter)
{
    struct nic *nic;
    ck_assert_int_eq(nic_share_face(share, filter, "test", &nic), 0);
    return nic;
}

static struct lab lab_open_slots(uint16_t slots)
{
    struct lab lab;
    machine_init();
    machine.queue_size = slots;
    ck_assert_int_eq(nic_share_open(0, 0, 2, "test", &lab.share), 0);
    lab.rest = face(lab.share, NULL);
    lab.echo = face(lab.share, &echo_filter);
    return lab;
}

// With sixteen slots, and the second CPU, which runs then, at the face for ECHO.
static struct lab lab_open_far_echo(void)
{
    struct lab lab = lab_open_slots(16);
    nic_close(lab.echo);
    machine.cpu = 1;
    lab.echo = face(lab.share, &echo_filter);
    return lab;
}

static struct lab lab_open(void)
{
    return lab_open_slots(256);
}

static void lab_close(struct lab *lab)
{
    nic_close(lab->echo);
    nic_close(lab->rest);
    nic_share_close(lab->share);
    machine_expect_nothing_claimed();
    ck_assert_ptr_null(core_state.flows);
}

static void post(struct nic *nic, uint32_t n, uint32_t len)
{
    for (uint32_t i = 0; i < n; i++) {
        struct nic_buf buf = buf_new(len);
        ck_assert_uint_eq(nic_rx_post(nic, &buf, 1), 1);
    }
}

// The tag of the next frame that the face has, or -1; the buffer is freed.
static int receive(struct nic *nic)
{
    struct nic_buf buf;
    if (nic_rx_burst(nic, &buf, 1) == 0)
        return -1;
    ck_assert_uint_eq(buf.len, FRAME_BYTES);
    int tag = buf.data[FRAME_BYTES - 1];
    buf_free(buf);
    return tag;
}

static uint32_t send_udp(struct nic *nic, uint16_t port, uint8_t tag)
{
    struct nic_buf buf = buf_new(FRAME_BYTES);
    frame_out(buf.data, port, tag);
    uint32_t sent = nic_tx_burst(nic, &buf, 1);
    if (!sent)
        buf_free(buf);
    return sent;
}

static uint32_t reap_all(struct nic *nic)
{
    uint32_t n = 0;
    for (struct nic_buf buf; nic_tx_reap(nic, &buf, 1); n++)
        buf_free(buf);
    return n;
}

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
    ck_assert_int_eq(receive(lab.echo), -1);
    ck_assert_int_eq(receive(lab.rest), 2);
    ck_assert_uint_eq(lab.rest->stats.rx_frames, 1);
    ck_assert_uint_eq(lab.echo->stats.rx_bytes, FRAME_BYTES);
    lab_close(&lab);
}
END_TEST

START_TEST(what_has_no_key_is_the_rests)
{
    struct lab lab = lab_open();
    post(lab.rest, 2, 64);
    uint8_t frame[FRAME_BYTES];
    frame_in(frame, ECHO, 1);
    memset(frame, 0xff, 6); // to all
    device_receives(frame, sizeof frame);
    frame_in(frame, ECHO, 2);
    frame[20] = 0x20; // the first of several pieces
    device_receives(frame, sizeof frame);
    ck_assert_int_eq(receive(lab.echo), -1);
    ck_assert_int_eq(receive(lab.rest), 1);
    ck_assert_int_eq(receive(lab.rest), 2);
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
            faces[orders[i][k]] = face(share, &filters[orders[i][k]]);
        struct core_flow_filter crossing = ports(7500, 8500);
        ck_assert_int_eq(nic_share_face(share, &crossing, "test", &other), -EXO_EBUSY);
        for (int k = 0; k < 3; k++)
            post(faces[k], 1, 64);
        device_receives_udp(7007, 1);
        device_receives_udp(7008, 0);
        device_receives_udp(6999, 2);
        device_receives_udp(10000, 9); // nobody's
        ck_assert_int_eq(receive(faces[0]), 0);
        ck_assert_int_eq(receive(faces[1]), 1);
        ck_assert_int_eq(receive(faces[2]), 2);
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
    post(lab.echo, 1, 64);
    for (uint32_t i = 0; i < 1000; i++) {
        for (uint32_t k = 0; k < 7; k++)
            ck_assert(device_receives_udp(80, 1));
        ck_assert(device_receives_udp(ECHO, (uint8_t)i));
        ck_assert_int_eq(receive(lab.echo), (uint8_t)i);
        post(lab.echo, 1, 64);
    }
    ck_assert_uint_eq(nic_share_stats(lab.rest).rx_no_buffer, 7000);
    ck_assert_uint_eq(nic_share_stats(lab.echo).rx_no_buffer, 0);
    ck_assert(device_receives_udp(ECHO, 1));
    receive(lab.echo);
    lab_close(&lab);
}
END_TEST

START_TEST(a_buffer_that_is_too_short_is_kept_for_a_shorter_frame)
{
    struct lab lab = lab_open();
    uint8_t frame[200];
    memset(frame, 3, sizeof frame);
    frame_in(frame, 80, 3);
    post(lab.rest, 1, FRAME_BYTES);
    device_receives(frame, sizeof frame);
    device_receives(frame, FRAME_BYTES + 1);
    ck_assert_int_eq(receive(lab.rest), -1);
    ck_assert_uint_eq(nic_share_stats(lab.rest).rx_too_long, 2);
    device_receives_udp(80, 4);
    ck_assert_int_eq(receive(lab.rest), 4);
    lab_close(&lab);
}
END_TEST

START_TEST(a_face_takes_as_many_buffers_as_it_says)
{
    struct lab lab = lab_open_slots(8);
    ck_assert_uint_eq(lab.rest->rx_slots, 8);
    post(lab.rest, 8, 64);
    struct nic_buf one_more = buf_new(64);
    ck_assert_uint_eq(nic_rx_post(lab.rest, &one_more, 1), 0);
    buf_free(one_more);
    for (uint8_t i = 0; i < 8; i++)
        device_receives_udp(80, i);
    for (uint8_t i = 0; i < 8; i++)
        ck_assert_int_eq(receive(lab.rest), i);
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
    ck_assert_uint_eq(send_udp(lab.echo, ECHO, 8), 1);
    int32_t first = device_takes(), second = device_takes();
    ck_assert_ptr_eq(device_sees(first), buf.data);
    ck_assert_uint_eq(device_sees(second)[FRAME_BYTES - 1], 8);

    device_has_sent(second); // not in the order in which they were given
    ck_assert_uint_eq(nic_tx_reap(lab.rest, &got, 1), 0);
    ck_assert_uint_eq(reap_all(lab.echo), 1);
    device_has_sent(first);
    ck_assert_uint_eq(reap_all(lab.echo), 0);
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
    ck_assert_uint_eq(send_udp(lab.echo, 80, 1), 1);
    ck_assert_uint_eq(send_udp(lab.echo, ECHO, 1), 1);
    ck_assert_uint_eq(device_sends_all(), 1);
    ck_assert_uint_eq(nic_share_stats(lab.echo).tx_not_ours, 2);
    ck_assert_uint_eq(reap_all(lab.echo), 3);
    ck_assert_uint_eq(lab.echo->stats.tx_frames, 1);

    ck_assert_uint_eq(send_udp(lab.rest, ECHO, 1), 1); // who has the rest speaks for the host
    ck_assert_uint_eq(device_sends_all(), 1);
    ck_assert_uint_eq(reap_all(lab.rest), 1);
    lab_close(&lab);
}
END_TEST

START_TEST(each_has_its_part_of_the_transmit_ring)
{
    struct lab lab = lab_open_slots(16);
    ck_assert_uint_eq(lab.rest->tx_slots, 8);
    uint32_t sent = 0;
    while (send_udp(lab.rest, 80, 1))
        sent++;
    ck_assert_uint_eq(sent, 8);
    for (sent = 0; send_udp(lab.echo, ECHO, 1); sent++) {
    }
    ck_assert_uint_eq(sent, 8);
    ck_assert_uint_eq(device_sends_all(), 16);
    ck_assert_uint_eq(reap_all(lab.rest) + reap_all(lab.echo), 16);
    lab_close(&lab);
}
END_TEST

// ---- waiting ----

START_TEST(whoever_polls_wakes_those_whose_frames_are_there)
{
    struct lab lab = lab_open();
    post(lab.rest, 2, 64);
    post(lab.echo, 2, 64);
    ck_assert(!nic_irq_arm(lab.echo));
    ck_assert(!nic_irq_arm(lab.rest));
    device_receives_udp(ECHO, 1);
    ck_assert_uint_eq(machine.queue[RX].interrupts, 1);
    nic_irq_disarm(lab.rest); // it was woken, for nothing
    ck_assert(!core_irq_take(lab.rest->irq));
    ck_assert(core_irq_take(lab.echo->irq));
    nic_irq_disarm(lab.echo);
    ck_assert_int_eq(receive(lab.echo), 1);

    device_receives_udp(80, 2); // before anybody asks to be woken
    ck_assert(!nic_irq_arm(lab.echo));
    ck_assert(nic_irq_arm(lab.rest));
    ck_assert_int_eq(receive(lab.rest), 2);
    device_receives_udp(80, 3);
    ck_assert_int_eq(receive(lab.rest), 3);
    ck_assert(!core_irq_take(lab.rest->irq)); // it did not wait
    post(lab.rest, 1, 64);
    device_receives_udp(80, 4);
    device_receives_udp(ECHO, 5);
    ck_assert_int_eq(receive(lab.rest), 4);
    ck_assert(core_irq_take(lab.echo->irq)); // it still did
    ck_assert_int_eq(receive(lab.echo), 5);
    lab_close(&lab);
}
END_TEST

START_TEST(who_waits_for_room_is_woken_when_half_of_its_part_is_sent)
{
    struct lab lab = lab_open_slots(16);
    for (uint32_t i = 0; i < 8; i++)
        send_udp(lab.echo, ECHO, 1);
    send_udp(lab.rest, 80, 1);
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
    ck_assert_uint_eq(reap_all(lab.echo), 4);
    device_sends_all();
    ck_assert_uint_eq(reap_all(lab.echo) + reap_all(lab.rest), 5);
    lab_close(&lab);
}
END_TEST

// ---- another CPU ----

// machine.cpu says who calls; core asserts that each takes its own lines, and the driver takes
// the device's wherever it touches it.
START_TEST(a_face_of_another_cpu_leaves_the_device_to_the_first)
{
    struct lab lab = lab_open_far_echo();
    post(lab.echo, 2, 64);
    ck_assert(!nic_irq_arm(lab.echo));
    device_receives_udp(ECHO, 1);
    machine.cpu = 0;
    ck_assert_int_eq(receive(lab.rest), -1);
    machine.cpu = 1;
    ck_assert(core_irq_take(lab.echo->irq));
    nic_irq_disarm(lab.echo);
    ck_assert_int_eq(receive(lab.echo), 1);

    ck_assert_uint_eq(machine.calls, 0);
    ck_assert_uint_eq(send_udp(lab.echo, ECHO, 2) + send_udp(lab.echo, ECHO, 3), 2);
    ck_assert_uint_eq(machine.calls, 1); // home is called once, until it looks
    ck_assert_int_eq(device_takes(), -1);
    ck_assert_uint_eq(reap_all(lab.echo), 0);
    machine.cpu = 0;
    ck_assert(!nic_irq_arm(lab.rest));
    ck_assert_uint_eq(device_sends_all(), 2);
    nic_irq_disarm(lab.rest);
    machine.cpu = 1;
    ck_assert_uint_eq(reap_all(lab.echo), 2);

    device_receives_udp(ECHO, 4);
    machine.cpu = 0;
    ck_assert_int_eq(receive(lab.rest), -1);
    machine.cpu = 1;
    ck_assert_int_eq(receive(lab.echo), 4);
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
        ck_assert_uint_eq(send_udp(lab.echo, ECHO, 1), 1);
    ck_assert_uint_eq(send_udp(lab.echo, ECHO, 1), 0);
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
    ck_assert_uint_eq(reap_all(lab.echo), 4);

    struct nic_buf unsent = buf_new(FRAME_BYTES); // home has not looked when the face closes
    frame_out(unsent.data, ECHO, 9);
    machine.cpu = 0;
    device_sends_all();
    ck_assert_int_eq(receive(lab.rest), -1);
    machine.cpu = 1;
    ck_assert_uint_eq(reap_all(lab.echo), 4);
    ck_assert_uint_eq(nic_tx_burst(lab.echo, &unsent, 1), 1);
    nic_close(lab.echo);
    buf_free(unsent);
    machine.cpu = 0;
    ck_assert_int_eq(receive(lab.rest), -1);
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
    ck_assert_int_eq(receive(closing_rest), -1);
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
        ck_assert_uint_eq(send_udp(lab.rest, 80, 2), 1);
    ck_assert_int_eq(receive(lab.rest), -1); // home gives the device what waits
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
    ck_assert_uint_eq(reap_all(lab.rest), 8);
    lab.echo = face(lab.share, &echo_filter); // now there is a place
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
    ck_assert_int_eq(receive(closing_rest), -1);
    machine.cpu = 1;
}

START_TEST(a_device_is_not_blamed_for_a_cpu_that_looks_late)
{
    struct lab lab = lab_open_far_echo();
    struct nic_buf sent = buf_new(FRAME_BYTES);
    frame_out(sent.data, ECHO, 1);
    ck_assert_uint_eq(nic_tx_burst(lab.echo, &sent, 1), 1);
    machine.cpu = 0;
    ck_assert_int_eq(receive(lab.rest), -1); // home gives the device what waits
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
    lab.echo = face(lab.share, &echo_filter);
    lab_close(&lab);
}
END_TEST

// ---- beginnings and ends ----

START_TEST(a_flow_that_ends_gives_its_frames_to_the_rest)
{
    struct lab lab = lab_open();
    post(lab.rest, 1, 64);
    for (int round = 0; round < 3; round++) {
        nic_close(lab.echo);
        device_receives_udp(ECHO, 1);
        ck_assert_int_eq(receive(lab.rest), 1);
        lab.echo = face(lab.share, &echo_filter);
        post(lab.echo, 1, 64);
        post(lab.rest, 1, 64);
        device_receives_udp(ECHO, 2);
        ck_assert_int_eq(receive(lab.echo), 2);
        ck_assert_int_eq(receive(lab.rest), -1);
    }
    device_receives_udp(80, 1);
    receive(lab.rest);
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
    lab.echo = face(lab.share, &echo_filter);
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

    lab.echo = face(lab.share, &echo_filter);
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
            post(o->nic, 1, 64);
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
        for (int tag; o->expected && (tag = receive(o->nic)) >= 0; o->expected--, o->posted--)
            ck_assert_int_eq(tag, o->tag_out++);
        break;
    default:
        o->lent += send_udp(o->nic, o->port, 1);
        o->lent -= r & 4 ? reap_all(o->nic) : 0;
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
        ck_assert_uint_eq(reap_all(o->nic), o->lent);
        ck_assert_uint_gt(o->nic->stats.rx_frames, STEPS / 50);
        ck_assert_uint_gt(o->nic->stats.tx_frames, STEPS / 50);
        struct nic_share_stats stats = nic_share_stats(o->nic);
        ck_assert_uint_eq(stats.rx_no_buffer + stats.rx_too_long + stats.tx_not_ours, 0);
        for (; o->posted; o->posted--) {
            device_receives_udp(o->port, 0);
            receive(o->nic);
        }
    }
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
           who_waits_for_room_is_woken_when_half_of_its_part_is_sent,
           a_face_of_another_cpu_leaves_the_device_to_the_first,
           another_cpu_that_waits_for_room_gets_it_from_the_first,
           a_face_keeps_its_part_of_the_ring_until_its_last_frame_is_sent,
           a_device_is_not_blamed_for_a_cpu_that_looks_late,
           a_flow_that_ends_gives_its_frames_to_the_rest, what_is_taken_is_refused,
           a_face_that_closes_gets_its_buffers_back_from_the_device,
           a_device_that_lies_breaks_all_faces, an_open_that_fails_leaves_nothing_claimed,
           a_long_life_loses_mixes_and_doubles_nothing)
