// SPDX-License-Identifier: MIT
// mailbox.c - the channel's wish to be woken, made an idle CPU's interrupt.
#include "sdk/glue/mailbox.h"

#include "core/irq.h"
#include "sdk/glue/run.h"

static void ring(void *ctx)
{
    const struct mailbox *m = ctx;
    core_irq_raise(m->irq);
}

static bool arm(void *ctx)
{
    struct mailbox *m = ctx;
    return chan_arm(&m->chan);
}

static void disarm(void *ctx, bool arrived)
{
    struct mailbox *m = ctx;
    chan_disarm(&m->chan);
    if (core_irq_take(m->irq) || arrived)
        event_signal(&m->arrived);
}

int mailbox_open(struct mailbox *m, const char *owner, void *mem, uint32_t slots,
                 uint32_t msg_bytes)
{
    int irq = core_irq_claim(owner);
    if (irq < 0)
        return irq;
    m->irq = irq;
    m->idle = (struct idle_source){.arm = arm, .disarm = disarm, .ctx = m};
    event_init(&m->arrived);
    chan_init(&m->chan, mem, slots, msg_bytes, ring, m);
    idle_add(&m->idle);
    return 0;
}

bool mailbox_receive(struct mailbox *m, void *msg, exo_ns deadline)
{
    while (chan_receive(&m->chan, msg) < 0) {
        if (!event_wait(run_sched(), &m->arrived, event_mark(&m->arrived), deadline))
            return chan_receive(&m->chan, msg) == 0;
    }
    return true;
}

void mailbox_close(struct mailbox *m)
{
    idle_remove(&m->idle);
    core_irq_release(m->irq);
}
