// SPDX-License-Identifier: MIT
// gateway.h - a conversation with QEMU's user network, over whole frames: we are 10.0.2.15,
// and 10.0.2.2 answers ARP and ping.
#ifndef TEST_BOOT_NIC_GATEWAY_H
#define TEST_BOOT_NIC_GATEWAY_H

#include "dev/nic.h"

// A buffer for reception, of one frame of memory.
struct nic_buf buffer(void);
void buffer_free(struct nic_buf buf);

// Sends a question, and waits until the device has sent it.
void ask_who_it_is(struct nic *nic);
void ask_for_echo(struct nic *nic, const uint8_t gateway[6]);

// Sleeps until the answer is there. What has come is posted again.
void hear_who_it_is(struct nic *nic, uint8_t gateway[6]);
void hear_echo(struct nic *nic);

#endif
