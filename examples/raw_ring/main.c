// SPDX-License-Identifier: MIT
// main.c - a network service without a network stack: the app owns a NIC's queue pair.
//
// Everything here is a physical thing that this program claimed: frames of memory, two
// rings, an interrupt line. A request is answered in the buffer that it came in, which
// moves from one ring to the other and back:
//
//     nic_rx_post ──► receive ring ──► answer() ──► transmit ring ──► nic_tx_reap
//          ▲                              │ not for us                     │
//          └──────────────────────────────┴────────────────────────────────┘
#include "answer.h"
#include "core/clock.h"
#include "core/frame.h"
#include "core/irq.h"
#include "dev/nic.h"
#include "exo/bits.h"

#include <stdio.h>

#define BURST        32u   // frames at a time
#define BUF_BYTES    2048u // one buffer
#define BUF_HEADROOM 64u   // of it, before the frame: the driver's header goes there
#define BUF_SPACE    (BUF_BYTES - BUF_HEADROOM)
#define REPORT_NS    EXO_S(1) // at most one line in this time

struct counts {
    uint64_t in;
    uint64_t answered;
};

static void give_back(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        bufs[i].len = BUF_SPACE;
    nic_rx_post(nic, bufs, n);
}

// As many buffers as the shorter ring has slots: wherever they all are, they fit.
static int lend_buffers(struct nic *nic)
{
    uint32_t count = EXO_MIN(nic->rx_slots, nic->tx_slots);
    struct pa pa;
    int err =
        core_frame_claim((count * BUF_BYTES + CORE_FRAME_BYTES - 1) / CORE_FRAME_BYTES, 1, &pa);
    if (err < 0)
        return err;
    for (uint32_t i = 0; i < count; i++) {
        struct pa at = {pa.v + i * BUF_BYTES + BUF_HEADROOM};
        give_back(nic, &(struct nic_buf){.data = core_phys(at), .pa = at}, 1);
    }
    return 0;
}

// One round of both rings. Returns false if there was nothing to do.
static bool serve(struct nic *nic, struct counts *counts)
{
    struct nic_buf in[BURST], out[BURST], idle[BURST];
    uint32_t out_count = 0, idle_count = 0;
    uint32_t in_count = nic_rx_burst(nic, in, BURST);
    for (uint32_t i = 0; i < in_count; i++) {
        if (answer(in[i].data, in[i].len, nic->mac))
            out[out_count++] = in[i];
        else
            idle[idle_count++] = in[i];
    }
    nic_tx_burst(nic, out, out_count);
    give_back(nic, idle, idle_count);
    counts->in += in_count;
    counts->answered += out_count;

    uint32_t sent = nic_tx_reap(nic, idle, BURST);
    give_back(nic, idle, sent);
    return in_count + sent > 0;
}

// Nothing to do: tells what has changed, but not too often, and sleeps.
static void rest(struct nic *nic, const struct counts *counts)
{
    static struct counts told;
    static exo_ns tell_again;
    bool news = counts->in != told.in;
    if (news && core_clock_now() >= tell_again) {
        printf("raw_ring: %llu frames in, %llu answered\n", (unsigned long long)counts->in,
               (unsigned long long)counts->answered);
        told = *counts;
        tell_again = core_clock_now() + REPORT_NS;
        news = false;
    }
    if (!nic_irq_arm(nic))
        core_irq_wait(news ? tell_again : EXO_NS_NEVER);
    nic_irq_disarm(nic);
}

int main(void)
{
    struct nic *nic;
    int err = nic_open(0, 0, "raw_ring", &nic);
    if (err < 0 || (err = lend_buffers(nic)) < 0) {
        printf("raw_ring: no NIC to drive (error %d)\n", -err);
        return 1;
    }
    printf("raw_ring: answering on %d.%d.%d.%d (MAC %02x:%02x:%02x:%02x:%02x:%02x)\n",
           answer_addr[0], answer_addr[1], answer_addr[2], answer_addr[3], nic->mac[0], nic->mac[1],
           nic->mac[2], nic->mac[3], nic->mac[4], nic->mac[5]);

    struct counts counts = {0};
    while (!nic->broken) {
        if (!serve(nic, &counts))
            rest(nic, &counts);
    }
    nic_close(nic);
    return 1;
}
