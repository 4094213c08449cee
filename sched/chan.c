// SPDX-License-Identifier: MIT
// chan.c - turns: slot i is free for message n when its turn is n, full with it at n + 1, and
// free again, for message n + slots, when the receiver has taken it. All counts wrap at 2^32.
#include "sched/chan.h"

#include <string.h>

#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"

struct slot {
    uint32_t turn;
    uint32_t unused; // so that messages are aligned
    uint8_t msg[];
};

static uint32_t slot_bytes(uint32_t msg_bytes)
{
    return (uint32_t)exo_align_up(sizeof(struct slot) + msg_bytes, 8);
}

static struct slot *slot_at(const struct chan *c, uint32_t n)
{
    return (struct slot *)(c->slots + (size_t)(n & c->mask) * c->slot_bytes);
}

size_t chan_bytes(uint32_t slots, uint32_t msg_bytes)
{
    return (size_t)slots * slot_bytes(msg_bytes);
}

void chan_init(struct chan *c, void *mem, uint32_t slots, uint32_t msg_bytes,
               void (*wake)(void *ctx), void *ctx)
{
    exo_assert(exo_is_pow2(slots) && slots >= 2 && exo_is_aligned((uintptr_t)mem, 8));
    *c = (struct chan){
        .slots = mem,
        .mask = slots - 1,
        .slot_bytes = slot_bytes(msg_bytes),
        .msg_bytes = msg_bytes,
        .wake = wake,
        .ctx = ctx,
    };
    for (uint32_t n = 0; n < slots; n++)
        slot_at(c, n)->turn = n;
}

static uint32_t turn_of(struct slot *slot)
{
    return __atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE);
}

// The sender stores the turn and then loads the wish; the receiver, in chan_arm, stores the
// wish and then loads the turn. In one order for all (SEQ_CST), one of them sees the other's.
static void publish(struct chan *c, struct slot *slot, uint32_t n, const void *msg)
{
    memcpy(slot->msg, msg, c->msg_bytes);
    __atomic_store_n(&slot->turn, n + 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&c->waits, __ATOMIC_SEQ_CST) &&
        __atomic_exchange_n(&c->waits, 0, __ATOMIC_SEQ_CST) && c->wake)
        c->wake(c->ctx);
}

int chan_send(struct chan *c, const void *msg)
{
    uint32_t n = c->tail;
    struct slot *slot = slot_at(c, n);
    if (turn_of(slot) != n)
        return -EXO_EAGAIN;
    c->tail = n + 1;
    publish(c, slot, n, msg);
    return 0;
}

// Takes a number first, if its slot is free; a sender that is overtaken tries the next one.
int chan_send_any(struct chan *c, const void *msg)
{
    uint32_t n = __atomic_load_n(&c->tail, __ATOMIC_RELAXED);
    for (;;) {
        struct slot *slot = slot_at(c, n);
        int32_t ahead = (int32_t)(turn_of(slot) - n);
        if (ahead < 0)
            return -EXO_EAGAIN;
        if (ahead > 0) {
            n = __atomic_load_n(&c->tail, __ATOMIC_RELAXED);
        } else if (__atomic_compare_exchange_n(&c->tail, &n, n + 1, true, __ATOMIC_RELAXED,
                                               __ATOMIC_RELAXED)) {
            publish(c, slot, n, msg);
            return 0;
        }
    }
}

int chan_receive(struct chan *c, void *msg)
{
    uint32_t n = c->head;
    struct slot *slot = slot_at(c, n);
    if (turn_of(slot) != n + 1)
        return -EXO_EAGAIN;
    memcpy(msg, slot->msg, c->msg_bytes);
    c->head = n + 1;
    __atomic_store_n(&slot->turn, n + c->mask + 1, __ATOMIC_RELEASE);
    return 0;
}

bool chan_arm(struct chan *c)
{
    __atomic_store_n(&c->waits, 1, __ATOMIC_SEQ_CST);
    struct slot *slot = slot_at(c, c->head);
    if (__atomic_load_n(&slot->turn, __ATOMIC_SEQ_CST) != c->head + 1)
        return false;
    chan_disarm(c);
    return true;
}

void chan_disarm(struct chan *c)
{
    __atomic_store_n(&c->waits, 0, __ATOMIC_RELAXED);
}
