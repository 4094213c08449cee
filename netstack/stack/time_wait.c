// SPDX-License-Identifier: MIT
// time_wait.c - the last minute of a connection.
#include "netstack/stack/time_wait.h"

#include "exo/bits.h"
#include "netstack/base/chains.h"

void time_wait_init(struct time_wait_table *t, struct carve *from, uint32_t count,
                    struct demux_entry **chains, struct siphash_key key)
{
    *t = (struct time_wait_table){.from = from, .places_count = count};
    demux_init(&t->demux, chains, chains_for(count), key);
    list_init(&t->order);
    list_init(&t->free);
}

static struct time_wait *oldest(const struct time_wait_table *t)
{
    struct list *first = list_first(&t->order);
    return first ? EXO_CONTAINER(first, struct time_wait, order) : NULL;
}

// One that was let go of, whose memory is warm; else one that was never used; else the
// oldest's.
static struct time_wait *take_place(struct time_wait_table *t)
{
    const bool full = list_is_empty(&t->free) && t->touched == t->places_count;
    if (full)
        time_wait_remove(t, oldest(t));
    struct list *node = list_pop_front(&t->free);
    if (node)
        return EXO_CONTAINER(node, struct time_wait, order);
    t->touched++;
    return carve_take(t->from, sizeof(struct time_wait));
}

struct time_wait *time_wait_add(struct time_wait_table *t, const struct tcp_conn *c, exo_ns now)
{
    struct time_wait *w = take_place(t);
    const uint32_t window = (c->rcv_adv - c->rcv_nxt) >> c->rcv_shift;
    w->entry = (struct demux_entry){.tuple = c->tuple};
    w->expires_at = now + TCP_TIME_WAIT_NS;
    w->snd_nxt = c->snd_max;
    w->rcv_nxt = c->rcv_nxt;
    w->window = (uint16_t)EXO_MIN(window, (uint32_t)UINT16_MAX);
    list_push_back(&t->order, &w->order);
    demux_add(&t->demux, &w->entry);
    t->count++;
    return w;
}

struct time_wait *time_wait_find(const struct time_wait_table *t, const struct tcp_tuple *tuple)
{
    struct demux_entry *e = demux_find(&t->demux, tuple);
    return e ? EXO_CONTAINER(e, struct time_wait, entry) : NULL;
}

void time_wait_remove(struct time_wait_table *t, struct time_wait *w)
{
    demux_remove(&t->demux, &w->entry);
    list_remove(&w->order);
    list_push_front(&t->free, &w->order);
    t->count--;
}

void time_wait_clear(struct time_wait_table *t)
{
    while (oldest(t))
        time_wait_remove(t, oldest(t));
}

enum time_wait_verdict time_wait_input(struct time_wait_table *t, struct time_wait *w,
                                       const struct wire_tcp *seg, uint32_t len, exo_ns now)
{
    // RFC 1337: an old RST must not end the wait that protects the next incarnation.
    if (seg->flags & WIRE_TCP_RST)
        return TIME_WAIT_IGNORE;
    // RFC 9293 MUST-13 and RFC 6191: a SYN above all that we have seen is a new connection.
    const uint8_t mask = WIRE_TCP_SYN | WIRE_TCP_ACK | WIRE_TCP_FIN;
    if ((seg->flags & mask) == WIRE_TCP_SYN && seq_le(w->rcv_nxt, seg->seq))
        return TIME_WAIT_REOPEN;
    // "The only thing that can arrive in this state is a retransmission of the remote FIN.
    // Acknowledge it, and restart the 2 MSL timeout."
    if (seg->flags & WIRE_TCP_FIN && seg->seq + len + 1 == w->rcv_nxt) {
        w->expires_at = now + TCP_TIME_WAIT_NS;
        list_remove(&w->order);
        list_push_back(&t->order, &w->order);
        return TIME_WAIT_ACK;
    }
    // Anything else that takes numbers is an old duplicate. A pure ACK gets no answer,
    // so that two ends in TIME-WAIT cannot keep each other busy.
    const bool takes_numbers = len || seg->flags & (WIRE_TCP_SYN | WIRE_TCP_FIN);
    return takes_numbers ? TIME_WAIT_ACK : TIME_WAIT_IGNORE;
}

void time_wait_ack(struct wire_tcp *ack, const struct time_wait *w)
{
    *ack = (struct wire_tcp){
        .src_port = w->entry.tuple.local_port,
        .dst_port = w->entry.tuple.peer_port,
        .seq = w->snd_nxt,
        .ack = w->rcv_nxt,
        .window = w->window,
        .flags = WIRE_TCP_ACK,
    };
}

void time_wait_tick(struct time_wait_table *t, exo_ns now)
{
    struct time_wait *w;
    while ((w = oldest(t)) && w->expires_at <= now)
        time_wait_remove(t, w);
}

exo_ns time_wait_deadline(const struct time_wait_table *t)
{
    const struct time_wait *w = oldest(t);
    return w ? w->expires_at : EXO_NS_NEVER;
}
