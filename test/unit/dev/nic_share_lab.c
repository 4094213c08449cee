// SPDX-License-Identifier: MIT
// nic_share_lab.c - the frames, both sides of the NIC, and who uses it.
#include "test/unit/dev/nic_share_lab.h"

#include "core/state.h"
#include "dev/ring/virtio_net_frame.h"
#include "dev/virtio_net.h"
#include "exo/bits.h"
#include "exo/err.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define HEADROOM VIRTIO_NET_HDR_BYTES

struct core_state core_state; // whose list of flows core/flow.c keeps

int nic_open(uint32_t nth, uint16_t queue, const char *owner, struct nic **out)
{
    return nth ? -EXO_ENODEV : virtio_net_open(&machine.function, queue, owner, out);
}

void nic_close(struct nic *nic)
{
    nic->ops->close(nic);
}

// ---- frames and buffers ----

static const uint8_t frame_head[] = {
    0x52, 0x54, 0, 0x12, 0x34, 0x56, 2, 0, 0,  0,  0, 1, 8,  0,       // to the NIC, IPv4
    0x45, 0,    0, 46,   0,    0,    0, 0, 64, 17, 0, 0, 10, 0, 0, 1, // 46 bytes of UDP
    10,   0,    0, 2,    0x20, 0,    0, 0, 0,  26, 0, 0,              // from port 8192
};

void frame_in(uint8_t out[FRAME_BYTES], uint16_t port, uint8_t tag)
{
    memset(out, tag, FRAME_BYTES);
    memcpy(out, frame_head, sizeof frame_head);
    out[36] = (uint8_t)(port >> 8);
    out[37] = (uint8_t)port;
}

void frame_out(uint8_t out[FRAME_BYTES], uint16_t port, uint8_t tag)
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

struct nic_buf buf_new(uint32_t len)
{
    uint8_t *start = malloc(HEADROOM + len);
    memset(start, 0xee, HEADROOM + len);
    uint8_t *data = start + HEADROOM;
    return (struct nic_buf){.data = data, .pa = {(uintptr_t)data}, .len = len, .cookie = start};
}

void buf_free(struct nic_buf buf)
{
    ck_assert_ptr_eq(buf.data, (uint8_t *)buf.cookie + HEADROOM); // as it was lent
    free(buf.cookie);
}

// ---- the device ----

bool device_receives(const uint8_t *frame, uint32_t len)
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

bool device_receives_udp(uint16_t port, uint8_t tag)
{
    uint8_t frame[FRAME_BYTES];
    frame_in(frame, port, tag);
    return device_receives(frame, sizeof frame);
}

int32_t device_takes(void)
{
    return virtq_device_take(&machine.queue[TX]);
}

const uint8_t *device_sees(int32_t head)
{
    return (const uint8_t *)(uintptr_t)machine.queue[TX].desc[head].addr + HEADROOM;
}

void device_has_sent(int32_t head)
{
    virtq_device_complete(&machine.queue[TX], (uint32_t)head, 0);
}

uint32_t device_sends_all(void)
{
    uint32_t n = 0;
    for (int32_t head; (head = device_takes()) >= 0; n++)
        device_has_sent(head);
    return n;
}

// ---- owners ----

const struct core_flow_filter echo_filter = {
    .ethertype = 0x0800, .protocol = 17, .local = {10, 0, 0, 2}, .local_port = ECHO};

struct core_flow_filter ports(uint16_t first, uint16_t last)
{
    struct core_flow_filter filter = echo_filter;
    filter.local_port = first;
    filter.local_port_last = last;
    return filter;
}

struct nic *face_open(struct nic_share *share, const struct core_flow_filter *filter)
{
    struct nic *nic;
    ck_assert_int_eq(nic_share_face(share, filter, "test", &nic), 0);
    return nic;
}

struct lab lab_open_slots(uint16_t slots)
{
    struct lab lab;
    machine_init();
    machine.queue_size = slots;
    ck_assert_int_eq(nic_share_open(0, 0, 2, "test", &lab.share), 0);
    lab.rest = face_open(lab.share, NULL);
    lab.echo = face_open(lab.share, &echo_filter);
    return lab;
}

struct lab lab_open_far_echo(void)
{
    struct lab lab = lab_open_slots(16);
    nic_close(lab.echo);
    machine.cpu = 1;
    lab.echo = face_open(lab.share, &echo_filter);
    return lab;
}

struct lab lab_open(void)
{
    return lab_open_slots(256);
}

void lab_close(struct lab *lab)
{
    nic_close(lab->echo);
    nic_close(lab->rest);
    nic_share_close(lab->share);
    machine_expect_nothing_claimed();
    ck_assert_ptr_null(core_state.flows);
}

void face_post(struct nic *nic, uint32_t n, uint32_t len)
{
    for (uint32_t i = 0; i < n; i++) {
        struct nic_buf buf = buf_new(len);
        ck_assert_uint_eq(nic_rx_post(nic, &buf, 1), 1);
    }
}

int face_receive(struct nic *nic)
{
    struct nic_buf buf;
    if (nic_rx_burst(nic, &buf, 1) == 0)
        return -1;
    ck_assert_uint_eq(buf.len, FRAME_BYTES);
    int tag = buf.data[FRAME_BYTES - 1];
    buf_free(buf);
    return tag;
}

uint32_t face_send_udp(struct nic *nic, uint16_t port, uint8_t tag)
{
    struct nic_buf buf = buf_new(FRAME_BYTES);
    frame_out(buf.data, port, tag);
    uint32_t sent = nic_tx_burst(nic, &buf, 1);
    if (!sent)
        buf_free(buf);
    return sent;
}

uint32_t face_reap_all(struct nic *nic)
{
    uint32_t n = 0;
    for (struct nic_buf buf; nic_tx_reap(nic, &buf, 1); n++)
        buf_free(buf);
    return n;
}
