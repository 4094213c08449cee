// SPDX-License-Identifier: MIT
// nic_share_lab.h - a shared NIC with two faces: one for the datagrams to port ECHO, one for the
// rest. Frames come from net_machine.h's device, whose side the test plays.
//
// Buffers are malloc'ed in exactly their size, so that the sanitizers see whoever goes past it.
// A frame is a datagram whose payload is all one byte, its tag: by that a test knows it again.
#ifndef TEST_UNIT_DEV_NIC_SHARE_LAB_H
#define TEST_UNIT_DEV_NIC_SHARE_LAB_H

#include "core/flow.h"
#include "dev/nic_share.h"
#include "test/unit/dev/net_machine.h"

#define ECHO        7007
#define FRAME_BYTES 60u

struct lab {
    struct nic_share *share;
    struct nic *rest, *echo;
};

// ---- frames and buffers ----

// A datagram to port `port`.
void frame_in(uint8_t out[FRAME_BYTES], uint16_t port, uint8_t tag);

// The answer to it: everything the other way round.
void frame_out(uint8_t out[FRAME_BYTES], uint16_t port, uint8_t tag);

// A buffer of 0xee, with room for the NIC's header in front.
struct nic_buf buf_new(uint32_t len);

// Takes a buffer that is as it was lent.
void buf_free(struct nic_buf buf);

// ---- the device ----

// Receives a frame; false if the driver has given it no buffer.
bool device_receives(const uint8_t *frame, uint32_t len);
bool device_receives_udp(uint16_t port, uint8_t tag);

// Takes the next frame that is to be sent, and keeps it: its head, or -1.
int32_t device_takes(void);

// The bytes of a frame that it keeps.
const uint8_t *device_sees(int32_t head);

// Gives it back.
void device_has_sent(int32_t head);

// Takes whatever is to be sent and gives it back: how many there were.
uint32_t device_sends_all(void);

// ---- owners ----

// The datagrams to port ECHO.
extern const struct core_flow_filter echo_filter;

// The datagrams to ports first to last, or to `first` alone if `last` is 0.
struct core_flow_filter ports(uint16_t first, uint16_t last);

// On a new machine with 256 slots in each ring, or `slots`.
struct lab lab_open(void);
struct lab lab_open_slots(uint16_t slots);

// With sixteen slots, and the second CPU, which runs then, at the face for ECHO.
struct lab lab_open_far_echo(void);

// All that was claimed is released.
void lab_close(struct lab *lab);

// One that must open; a null filter is the rest.
struct nic *face_open(struct nic_share *share, const struct core_flow_filter *filter);

// Lends it n buffers to receive in.
void face_post(struct nic *nic, uint32_t n, uint32_t len);

// The tag of the next frame that it has, or -1; the buffer is freed.
int face_receive(struct nic *nic);

// Sends the answer to a datagram that came to `port`: 1, or 0 if there is no room.
uint32_t face_send_udp(struct nic *nic, uint16_t port, uint8_t tag);

// Takes and frees what is sent: how many there were.
uint32_t face_reap_all(struct nic *nic);

#endif
