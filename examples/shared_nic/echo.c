// SPDX-License-Identifier: MIT
// echo.c - a UDP service without a stack: it owns one flow of the NIC, and nothing else.
//
//     nic_rx_post ──► our frames, sorted out for us ──► turn round ──► nic_tx_burst
//          ▲                                                               │
//          └──────────────────────── nic_tx_reap ◄─────────────────────────┘
#include "examples/shared_nic/shared_nic.h"
#include "exo/err.h"
#include "sdk/glue/run.h"

#include <string.h>

#define BURST 32u

static void swap(uint8_t *a, uint8_t *b, size_t bytes)
{
    uint8_t kept[6];
    memcpy(kept, a, bytes);
    memcpy(a, b, bytes);
    memcpy(b, kept, bytes);
}

// Makes a datagram its own answer. What comes here matched our filter: it is UDP in one piece
// under IPv4 without options, to our address and port, and all its headers are there. Both
// checksums are sums, and exchanging words changes none.
static bool turn_round(uint8_t *frame)
{
    uint8_t *mac = frame, *ip = frame + 14, *udp = ip + 20;
    if (memcmp(udp, udp + 2, 2) == 0)
        return false; // two echoes that talk to each other never stop
    swap(mac, mac + 6, 6);
    swap(ip + 12, ip + 16, 4);
    swap(udp, udp + 2, 2);
    return true;
}

// One round of both rings. Returns false if there was nothing to do.
static bool serve(struct echo *echo)
{
    struct nic_buf in[BURST], out[BURST], idle[BURST];
    uint32_t out_count = 0, idle_count = 0;
    uint32_t in_count = nic_rx_burst(echo->nic, in, BURST);
    for (uint32_t i = 0; i < in_count; i++) {
        if (turn_round(in[i].data))
            out[out_count++] = in[i];
        else
            idle[idle_count++] = in[i];
    }
    nic_tx_burst(echo->nic, out, out_count); // there is room for as many as there are buffers
    nic_bufs_lend(&echo->bufs, idle, idle_count);
    echo->answered += out_count;

    uint32_t sent_count = nic_tx_reap(echo->nic, idle, BURST);
    nic_bufs_lend(&echo->bufs, idle, sent_count);
    return in_count + sent_count > 0;
}

static void give_back(struct echo *echo)
{
    nic_close(echo->nic); // first: then nobody writes to our memory any more
    nic_bufs_fini(&echo->bufs);
    echo->nic = NULL;
}

static void echo_task(void *arg)
{
    struct echo *echo = arg;
    nic_wait_init(&echo->wait, echo->nic);
    while (!echo->stopping && !echo->nic->broken) {
        if (serve(echo))
            task_yield(run_sched());
        else
            nic_wait(&echo->wait, EXO_NS_NEVER);
    }
    nic_wait_fini(&echo->wait);
    give_back(echo);
    event_signal(&echo->ended);
}

int echo_start(struct echo *echo, struct nic_share *share, struct ip4 addr)
{
    if (echo->nic)
        return -EXO_EBUSY;
    struct core_flow_filter filter = {.ethertype = 0x0800, .protocol = 17, .local_port = ECHO_PORT};
    memcpy(filter.local, addr.b, sizeof filter.local);
    int err = nic_share_face(share, &filter, "echo", &echo->nic);
    if (err < 0)
        return err;
    err = nic_bufs_init(&echo->bufs, echo->nic);
    if (err < 0) {
        nic_close(echo->nic);
        echo->nic = NULL;
        return err;
    }
    event_init(&echo->ended);
    echo->stopping = false;
    err = spawn("echo", echo_task, echo);
    if (err < 0)
        give_back(echo);
    return err;
}

void echo_stop(struct echo *echo)
{
    while (echo->nic) {
        uint32_t mark = event_mark(&echo->ended);
        echo->stopping = true;
        nic_wait_end(&echo->wait);
        event_wait(run_sched(), &echo->ended, mark, EXO_NS_NEVER);
    }
}
