// SPDX-License-Identifier: MIT
// nic_owners.c - flows and faces on core's own tables, with QEMU's gateway as the other side:
// who may have what, who hears what, and that ends give everything back.
#include "core/dma.h"
#include "core/flow.h"
#include "core/frame.h"
#include "dev/nic_share.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/boot/nic/gateway.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 100

// ---- flows ----

static const struct core_flow_filter ping = {.ethertype = 0x0800, .protocol = 1};
static const struct core_flow_filter gateways_ping = {
    .ethertype = 0x0800, .protocol = 1, .remote = {10, 0, 2, 2}};
static const struct core_flow_filter to_us = {.ethertype = 0x0800, .local = {10, 0, 2, 15}};
static const struct core_flow_filter senseless = {.ethertype = 0x0806};

static void flows_have_one_owner(void)
{
    struct core_nic nowhere = core_nic_mmio((struct pa){0x1234000});
    struct core_nicq q;
    struct core_flow a, b, c;
    exo_assert(core_flow_bind(&a, nowhere, 0, &ping, "a") == -EXO_ENOENT);
    exo_assert(core_nicq_claim(nowhere, 0, 4096, 4096, "test", &q) == 0);
    exo_assert(core_nicq_claim(nowhere, 0, 4096, 4096, "test", &q) == -EXO_EBUSY);
    exo_assert(core_flow_bind(&a, nowhere, 1, &ping, "a") == -EXO_ENOENT);
    exo_assert(core_flow_bind(&a, nowhere, 0, &senseless, "a") == -EXO_EINVAL);
    exo_assert(core_flow_bind(&a, nowhere, 0, &ping, "a") == 0);
    exo_assert(core_flow_bind(&b, nowhere, 0, &ping, "b") == -EXO_EBUSY);
    exo_assert(core_flow_bind(&b, nowhere, 0, &to_us, "b") == -EXO_EBUSY); // they cross
    exo_assert(core_flow_bind(&c, nowhere, 0, &gateways_ping, "c") == 0);  // inside a
    core_flow_release(&a);
    exo_assert(core_flow_bind(&b, nowhere, 0, &ping, "b") == 0);
    core_flow_release(&c);
    core_flow_release(&b);
    core_nicq_release(&q);
    exo_assert(core_flow_bind(&a, nowhere, 0, &ping, "a") == -EXO_ENOENT);
}

// ---- spans ----

static void spans_lie_below_their_limit(void)
{
    static const uint64_t limits[] = {1 << 20, CORE_DMA_24BIT, CORE_DMA_32BIT, CORE_DMA_ANYWHERE};
    for (size_t i = 0; i < EXO_COUNT(limits); i++) {
        struct core_dma dma;
        exo_assert(core_dma_claim(NULL, 20000, 16384, limits[i], &dma) == 0);
        exo_assert(dma.pa.v % 16384 == 0 && dma.pa.v + dma.bytes <= limits[i]);
        exo_assert(dma.bytes >= 20000 && *(volatile uint8_t *)dma.mem == 0);
        core_dma_release(&dma);
    }
    struct core_dma none;
    exo_assert(core_dma_claim(NULL, 2 << 20, 1, 1 << 20, &none) == -EXO_ENOMEM);
}

// ---- faces ----

// The rest hears ARP's answer; the ping's is its owner's.
static void live_once(struct nic_buf at_rest, struct nic_buf at_ping)
{
    struct nic_share *share;
    struct nic *rest, *pinger, *other;
    uint8_t gateway[6];
    exo_assert(nic_share_open(0, 0, 3, "nic_owners", &share) == 0);
    exo_assert(nic_open(0, 0, "somebody", &other) == -EXO_EBUSY);
    exo_assert(nic_share_face(share, &ping, "ping", &pinger) == 0);
    exo_assert(nic_share_face(share, NULL, "rest", &rest) == 0);
    exo_assert(nic_share_face(share, &to_us, "other", &other) == -EXO_EBUSY);
    exo_assert(nic_rx_post(rest, &at_rest, 1) == 1 && nic_rx_post(pinger, &at_ping, 1) == 1);

    ask_who_it_is(rest);
    hear_who_it_is(rest, gateway);
    ask_for_echo(pinger, gateway);
    hear_echo(pinger);
    ask_who_it_is(pinger); // which is not its to send
    exo_assert(nic_share_stats(pinger).tx_not_ours == 1);
    exo_assert(pinger->stats.tx_frames == 1 && !pinger->broken);
    nic_close(pinger);
    nic_share_close(share);
    exo_assert(rest->broken);
    nic_close(rest);
}

int main(void)
{
    flows_have_one_owner();
    spans_lie_below_their_limit();
    struct nic_buf at_rest = buffer(), at_ping = buffer();
    live_once(at_rest, at_ping); // the first time, core makes page tables for the registers
    uint64_t free_frames = core_frame_stats().free;
    for (int round = 1; round < ROUNDS; round++)
        live_once(at_rest, at_ping);
    exo_assert(core_frame_stats().free == free_frames);
    puts("nic_owners: done");
    return 0;
}
