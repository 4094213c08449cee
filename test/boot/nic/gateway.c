// SPDX-License-Identifier: MIT
// gateway.c - two questions and their answers.
#include "test/boot/nic/gateway.h"

#include "core/clock.h"
#include "core/frame.h"
#include "core/irq.h"
#include "exo/assert.h"

#include <string.h>

#define PATIENCE EXO_S(60)
#define HEADROOM 64u
#define SPACE    (CORE_FRAME_BYTES - HEADROOM)

static const uint8_t arp[] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0,  0, 0, 0,  0, 8, 6, 0, 1, 8, 0,  6, 4, 0,
    1,    0,    0,    0,    0,    0,    0, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2,
};
static const uint8_t echo[] = {
    0, 0,  0, 0,    0,    0,  0, 0, 0,  0,  0, 0, 8, 0, 0x45, 0,    0,    28, 0, 0, 0,
    0, 64, 1, 0x62, 0xd1, 10, 0, 2, 15, 10, 0, 2, 2, 8, 0,    0xf7, 0xfd, 0,  1, 0, 1,
};

struct nic_buf buffer(void)
{
    struct pa frame;
    exo_assert(core_frame_claim(NULL, 1, 1, &frame) == 0);
    struct pa at = {frame.v + HEADROOM};
    return (struct nic_buf){.data = core_phys(at), .pa = at, .len = SPACE};
}

void buffer_free(struct nic_buf buf)
{
    core_frame_release(NULL, (struct pa){buf.pa.v - HEADROOM}, 1);
}

static void ask(struct nic *nic, struct nic_buf buf, const uint8_t to[6])
{
    memcpy(buf.data, to, 6);
    memcpy(buf.data + 6, nic->mac, 6);
    exo_assert(nic_tx_burst(nic, &buf, 1) == 1);
    while (!nic_tx_reap(nic, &buf, 1))
        exo_assert(!nic->broken);
    buffer_free(buf);
}

void ask_who_it_is(struct nic *nic)
{
    static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct nic_buf buf = buffer();
    buf.len = sizeof arp;
    memcpy(buf.data, arp, sizeof arp);
    memcpy(buf.data + 22, nic->mac, 6);
    ask(nic, buf, everybody);
}

void ask_for_echo(struct nic *nic, const uint8_t gateway[6])
{
    struct nic_buf buf = buffer();
    buf.len = sizeof echo;
    memcpy(buf.data, echo, sizeof echo);
    ask(nic, buf, gateway);
}

// Until a frame has `kind` at byte `at`; `from` gets its sender.
static void hear(struct nic *nic, uint32_t at, uint8_t kind, uint8_t from[6])
{
    exo_ns deadline = core_clock_now() + PATIENCE;
    struct nic_buf got;
    for (bool heard = false; !heard;) {
        exo_assert(core_clock_now() < deadline);
        if (nic_rx_burst(nic, &got, 1)) {
            heard = got.data[at] == kind;
            memcpy(from, got.data + 6, 6);
            got.len = SPACE;
            exo_assert(nic_rx_post(nic, &got, 1) == 1);
            continue;
        }
        if (!nic_irq_arm(nic))
            core_irq_wait(deadline);
        nic_irq_disarm(nic);
    }
}

void hear_who_it_is(struct nic *nic, uint8_t gateway[6])
{
    hear(nic, 13, 6, gateway);
}

void hear_echo(struct nic *nic)
{
    uint8_t from[6];
    hear(nic, 34, 0, from);
}
