// SPDX-License-Identifier: MIT
// mailbox.h - a channel (sched/chan.h) whose receiver is a task that may sleep.
//
// The mailbox belongs to the CPU that opened it, and one task there receives. Senders, on any
// CPU, use chan_send or chan_send_any on its `chan`. A receiver that waits is woken by an
// interrupt, if its CPU is idle; else it finds the message when its turn comes, and the sender
// pays for no interrupt.
#ifndef SDK_GLUE_MAILBOX_H
#define SDK_GLUE_MAILBOX_H

#include "sched/chan.h"
#include "sched/event.h"
#include "sdk/glue/idle_wait.h"

struct mailbox {
    struct chan chan;
    struct event arrived;
    struct idle_source idle;
    int irq;
};

// Opens a mailbox for `slots` messages (a power of two) in `mem` of chan_bytes(slots,
// msg_bytes), lent until mailbox_close. `owner` is a literal.
//
// Errors: -EXO_ENOSPC  no interrupt line is free.
int mailbox_open(struct mailbox *m, const char *owner, void *mem, uint32_t slots,
                 uint32_t msg_bytes);

// Copies the next message out, waiting for it until `deadline`. False: none came.
bool mailbox_receive(struct mailbox *m, void *msg, exo_ns deadline);

// On the CPU that opened it, when every chan_send has returned and there will be no more.
void mailbox_close(struct mailbox *m);

#endif
