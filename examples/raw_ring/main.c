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
#include "core/irq.h"
#include "dev/nic_bufs.h"

#include <stdio.h>

#define BURST     32u      // frames at a time
#define REPORT_NS EXO_S(1) // at most one line in this time

struct service {
    struct nic *nic;
    struct nic_bufs bufs;
    uint64_t in;       // frames received
    uint64_t answered; // of those
    uint64_t told;     // received when the console was last told
    exo_ns tell_after; // the earliest time for the next line
};

// One round of both rings. Returns false if there was nothing to do.
static bool serve(struct service *s)
{
    struct nic_buf in[BURST], out[BURST], idle[BURST];
    uint32_t out_count = 0, idle_count = 0;
    uint32_t in_count = nic_rx_burst(s->nic, in, BURST);
    for (uint32_t i = 0; i < in_count; i++) {
        if (answer(in[i].data, in[i].len, s->nic->mac))
            out[out_count++] = in[i];
        else
            idle[idle_count++] = in[i];
    }
    nic_tx_burst(s->nic, out, out_count);
    nic_bufs_lend(&s->bufs, idle, idle_count);
    s->in += in_count;
    s->answered += out_count;

    uint32_t sent_count = nic_tx_reap(s->nic, idle, BURST);
    nic_bufs_lend(&s->bufs, idle, sent_count);
    return in_count + sent_count > 0;
}

// Tells what has changed, but not too often. Returns when to come back for more.
static exo_ns tell(struct service *s)
{
    if (s->in == s->told)
        return EXO_NS_NEVER;
    exo_ns now = core_clock_now();
    if (now < s->tell_after)
        return s->tell_after;
    printf("raw_ring: %llu frames in, %llu answered\n", (unsigned long long)s->in,
           (unsigned long long)s->answered);
    s->told = s->in;
    s->tell_after = now + REPORT_NS;
    return EXO_NS_NEVER;
}

int main(void)
{
    struct service s = {0};
    int err = nic_open(0, 0, "raw_ring", &s.nic);
    if (err < 0 || (err = nic_bufs_init(&s.bufs, s.nic)) < 0) {
        printf("raw_ring: no NIC to drive (error %d)\n", -err);
        return 1;
    }
    const uint8_t *ip = answer_addr, *mac = s.nic->mac;
    printf("raw_ring: answering on %d.%d.%d.%d (MAC %02x:%02x:%02x:%02x:%02x:%02x)\n", ip[0], ip[1],
           ip[2], ip[3], mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);

    while (!s.nic->broken) {
        if (serve(&s))
            continue; // poll while there is work
        exo_ns deadline = tell(&s);
        if (!nic_irq_arm(s.nic))
            core_irq_wait(deadline);
        nic_irq_disarm(s.nic);
    }
    nic_close(s.nic);
    return 1;
}
