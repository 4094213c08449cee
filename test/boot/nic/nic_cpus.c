// SPDX-License-Identifier: MIT
// nic_cpus.c - two CPUs on one NIC: the first has the device and the rest, the second a flow
// that it opens, pings the gateway over, and closes, again and again. Both sleep in between.
#include "core/frame.h"
#include "core/irq.h"
#include "core/smp.h"
#include "dev/nic_share.h"
#include "exo/assert.h"
#include "test/boot/nic/gateway.h"

#include <stdio.h>
#include <string.h>

#define LIVES 20
#define PINGS 10 // in each

static struct lab {
    struct nic_share *share;
    struct nic *rest;
    uint8_t gateway[6];
    struct nic_buf buf; // the second CPU's
    bool done;
} lab;

static void live_once(void)
{
    static const struct core_flow_filter ping = {.ethertype = 0x0800, .protocol = 1};
    struct nic *nic;
    exo_assert(nic_share_face(lab.share, &ping, "ping", &nic) == 0);
    exo_assert(nic_rx_post(nic, &lab.buf, 1) == 1);
    for (int i = 0; i < PINGS; i++) {
        ask_for_echo(nic, lab.gateway);
        hear_echo(nic);
    }
    exo_assert(nic->stats.rx_frames == PINGS && nic->stats.tx_frames == PINGS);
    nic_close(nic);
}

static void second(void *arg)
{
    (void)arg;
    for (int life = 0; life < LIVES; life++)
        live_once();
    __atomic_store_n(&lab.done, true, __ATOMIC_RELEASE);
    core_irq_raise(lab.rest->irq);
}

// Looks after the device until the other is done.
static void look_after(void)
{
    struct nic_buf got;
    while (!__atomic_load_n(&lab.done, __ATOMIC_ACQUIRE)) {
        if (nic_rx_burst(lab.rest, &got, 1))
            exo_assert(nic_rx_post(lab.rest, &got, 1) == 1);
        else if (!nic_irq_arm(lab.rest) && !__atomic_load_n(&lab.done, __ATOMIC_ACQUIRE))
            core_irq_wait(EXO_NS_NEVER);
        nic_irq_disarm(lab.rest);
    }
}

int main(void)
{
    exo_assert(nic_share_open(0, 0, 2, "nic_cpus", &lab.share) == 0);
    exo_assert(nic_share_face(lab.share, NULL, "rest", &lab.rest) == 0);
    struct nic_buf buf = buffer();
    exo_assert(nic_rx_post(lab.rest, &buf, 1) == 1);
    ask_who_it_is(lab.rest);
    hear_who_it_is(lab.rest, lab.gateway);

    lab.buf = buffer();
    int cpu = core_cpu_claim("ping");
    exo_assert(cpu > 0);
    uint64_t free_frames = core_frame_stats().free;
    core_cpu_start(cpu, second, NULL);
    look_after();
    while (!core_cpu_is_parked(cpu)) {
    }
    exo_assert(core_frame_stats().free == free_frames);
    exo_assert(nic_share_stats(lab.rest).rx_no_buffer == 0);
    nic_close(lab.rest);
    nic_share_close(lab.share);
    puts("nic_cpus: done");
    return 0;
}
