// SPDX-License-Identifier: MIT
// nic_life.c - opens and closes a NIC many times, with a question to QEMU's gateway each
// time: it answers, its interrupt wakes us, and not one frame of memory is lost.
#include "core/clock.h"
#include "core/frame.h"
#include "core/irq.h"
#include "dev/nic.h"
#include "exo/assert.h"
#include "exo/err.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS    200
#define PATIENCE  EXO_S(20)
#define HEADROOM  64u
#define ARP_BYTES 42u

static const uint8_t question[ARP_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,  0, 0, 0, 0, 0, 8, 6,               // from us, to all
    0,    1,    8,    0,    6,    4,    0,  1, 0, 0, 0, 0, 0, 0, 10, 0, 2, 15, // we are 10.0.2.15
    0,    0,    0,    0,    0,    0,    10, 0, 2, 2,                           // who is 10.0.2.2?
};

static struct nic_buf buffer(struct pa frame, uint32_t len)
{
    struct pa at = {frame.v + HEADROOM};
    return (struct nic_buf){.data = core_phys(at), .pa = at, .len = len};
}

static struct nic_buf question_of(const struct nic *nic, struct pa frame)
{
    struct nic_buf buf = buffer(frame, ARP_BYTES);
    memcpy(buf.data, question, ARP_BYTES);
    memcpy(buf.data + 6, nic->mac, sizeof nic->mac);
    memcpy(buf.data + 22, nic->mac, sizeof nic->mac);
    return buf;
}

static bool is_answer(const struct nic_buf *buf)
{
    static const uint8_t gateway[] = {10, 0, 2, 2};
    return buf->len >= ARP_BYTES && buf->data[12] == 8 && buf->data[13] == 6 &&
           buf->data[21] == 2 && memcmp(buf->data + 28, gateway, sizeof gateway) == 0;
}

// Sleeps until the answer is there; anything else that comes is lent again.
static void wait_for_answer(struct nic *nic)
{
    exo_ns deadline = core_clock_now() + PATIENCE;
    struct nic_buf got;
    while (core_clock_now() < deadline) {
        while (nic_rx_burst(nic, &got, 1)) {
            if (is_answer(&got))
                return;
            got.len = CORE_FRAME_BYTES - HEADROOM;
            exo_assert(nic_rx_post(nic, &got, 1) == 1);
        }
        if (!nic_irq_arm(nic))
            core_irq_wait(deadline);
        nic_irq_disarm(nic);
    }
    exo_assert(!"the gateway answers");
}

static void live_once(struct pa rx_frame, struct pa tx_frame)
{
    struct nic *nic, *other;
    exo_assert(nic_open(0, 0, "nic_life", &nic) == 0);
    exo_assert(nic_open(0, 0, "somebody", &other) == -EXO_EBUSY);
    exo_assert(nic_open(0, 1, "somebody", &other) == -EXO_ENOTSUP);
    exo_assert(nic_open(1, 0, "somebody", &other) == -EXO_ENODEV);

    struct nic_buf empty = buffer(rx_frame, CORE_FRAME_BYTES - HEADROOM);
    struct nic_buf full = question_of(nic, tx_frame);
    exo_assert(nic_rx_post(nic, &empty, 1) == 1);
    exo_assert(nic_tx_burst(nic, &full, 1) == 1);
    wait_for_answer(nic);
    exo_assert(nic->stats.rx_bad == 0 && !nic->broken);
    nic_close(nic);
}

int main(void)
{
    struct pa rx_frame, tx_frame;
    exo_assert(core_frame_claim(NULL, 1, 1, &rx_frame) == 0 &&
               core_frame_claim(NULL, 1, 1, &tx_frame) == 0);
    live_once(rx_frame, tx_frame); // the first time, core makes page tables for the registers
    uint64_t free_frames = core_frame_stats().free;
    for (int round = 1; round < ROUNDS; round++)
        live_once(rx_frame, tx_frame);
    exo_assert(core_frame_stats().free == free_frames);
    puts("nic_life: done");
    return 0;
}
