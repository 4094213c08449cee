// SPDX-License-Identifier: MIT
// chan.h - messages from one CPU to another: a bounded ring without a lock.
//
//         receiver's next                senders' next
//               ▼                              ▼
//     │ free │ full │ full │ being written │ free │ …       slots, a power of two
//
// Each slot says by a turn of its own whose it is: free for the n-th message, or full with it
// (D. Vyukov, "Bounded MPMC queue", 2010). So senders and receiver share no index, and each
// reads the other's cache lines only where there is something to say.
//
// One side receives. Either one side sends (chan_send), or several do (chan_send_any): not
// both ways in one channel. Messages of one sender arrive in order, once each. A full channel
// says so; what to do then is the sender's affair.
//
// Waking. A receiver that has nothing left says so with chan_arm and looks once more; the
// sender that then sends calls `wake`, once. Nobody is woken who did not ask, so a busy channel
// costs no interrupt at all.
#ifndef SCHED_CHAN_H
#define SCHED_CHAN_H

#include "exo/types.h"

#define CHAN_LINE_BYTES 64u // what CPUs pass to and fro; the two sides keep apart by that much

struct chan {
    // Neither side writes these while messages pass.
    uint8_t *slots;
    uint32_t mask;       // slots - 1
    uint32_t slot_bytes; // the turn, then the message
    uint32_t msg_bytes;
    void (*wake)(void *ctx); // may be null
    void *ctx;

    _Alignas(CHAN_LINE_BYTES) uint32_t tail;  // of the next message sent
    _Alignas(CHAN_LINE_BYTES) uint32_t head;  // of the next message received
    _Alignas(CHAN_LINE_BYTES) uint32_t waits; // 1: the receiver wants to be woken
};

// How much memory chan_init needs for `slots` messages of `msg_bytes`.
size_t chan_bytes(uint32_t slots, uint32_t msg_bytes);

// Makes an empty channel of `slots`, a power of two, in `mem`, which is lent to it and aligned
// to 8 bytes. `wake` is called by senders, on their CPU, and may be null. Before anybody else
// sees the channel.
void chan_init(struct chan *c, void *mem, uint32_t slots, uint32_t msg_bytes,
               void (*wake)(void *ctx), void *ctx);

// Copies a message in. What the sender has written before is seen by who receives it.
//
// Errors: -EXO_EAGAIN  the channel is full.
int chan_send(struct chan *c, const void *msg);
int chan_send_any(struct chan *c, const void *msg);

// Copies the next message out.
//
// Errors: -EXO_EAGAIN  there is none.
int chan_receive(struct chan *c, void *msg);

// For the receiver, before it waits: asks to be woken. Returns true, and has not asked, if a
// message is there already.
bool chan_arm(struct chan *c);

// For the receiver, when it has not been woken by the channel and wants no more to be.
void chan_disarm(struct chan *c);

#endif
