// SPDX-License-Identifier: MIT
// nic_face.c - frames between the device's rings and the faces' circles.
#include "dev/nic_face.h"

#include "core/irq.h"
#include "core/log.h"
#include "exo/assert.h"

#include <string.h>

#define BURST 32u

static void wake(struct face *face)
{
    if (!face->armed)
        return;
    face->armed = false;
    core_irq_raise(face->nic.irq);
}

// ---- the end of the device ----

__attribute__((cold)) void share_stop(struct nic_share *s)
{
    if (!s->device)
        return;
    for (uint32_t i = 0; i < s->face_count; i++) {
        struct face *face = s->faces[i];
        if (!face_is_rest(face))
            core_flow_release(&face->flow);
        face->nic.broken = true;
        face->tx_in_device = 0;
        wake(face);
    }
    s->face_count = 0;
    nic_close(s->device);
    s->device = NULL;
    core_dma_release(&s->bufs);
}

// ---- receiving ----

static void deliver(struct face *face, const struct nic_buf *frame)
{
    struct nic_buf *to = &face->rx[face->rx_filled % NIC_FACE_SLOTS];
    if (face->rx_filled == face->rx_posted) {
        face->stats.rx_no_buffer++;
    } else if (frame->len > to->len) {
        face->stats.rx_too_long++;
    } else {
        memcpy(to->data, frame->data, frame->len);
        to->len = frame->len;
        face->rx_filled++;
        face->nic.stats.rx_frames++;
        face->nic.stats.rx_bytes += frame->len;
        wake(face);
    }
}

// The first that matches is the innermost. A frame without a key matches the rest alone.
static struct face *face_for(const struct nic_share *s, const struct nic_buf *frame)
{
    struct core_flow_key key;
    bool has_key = core_flow_key(frame->data, frame->len, CORE_FLOW_IN, s->device->mac, &key);
    for (uint32_t i = 0; i < s->face_count; i++) {
        struct face *face = s->faces[i];
        if (face_is_rest(face) || (has_key && core_flow_matches(&face->flow.rule, &key)))
            return face;
    }
    return NULL;
}

static void sort_received(struct nic_share *s)
{
    struct nic_buf bufs[BURST];
    uint32_t n = nic_rx_burst(s->device, bufs, BURST);
    for (uint32_t i = 0; i < n; i++) {
        struct face *face = face_for(s, &bufs[i]);
        if (face)
            deliver(face, &bufs[i]);
        s->rx_nobodys += !face;
        bufs[i].len = share_buf_space(s);
    }
    if (n)
        nic_rx_post(s->device, bufs, n); // there is room: they came from there
}

// ---- sending ----

static uint32_t half_of(const struct face *face)
{
    return face->nic.tx_slots / 2u;
}

static uint32_t tx_lent(const struct face *face)
{
    return face->tx_sent - face->tx_reaped;
}

// Does it have so much under way that it wants to know when half of that is done?
static bool wants_room(const struct face *face)
{
    return tx_lent(face) > half_of(face);
}

static bool has_room(const struct face *face)
{
    return face->tx_in_device + (face->tx_sent - face->tx_given) <= half_of(face);
}

static void take_sent(struct nic_share *s)
{
    struct nic_buf sent[BURST];
    uint32_t n;
    do {
        n = nic_tx_reap(s->device, sent, BURST);
        for (uint32_t i = 0; i < n; i++) {
            struct tx_slot *slot = sent[i].cookie;
            struct face *face = slot->face;
            slot->done = true;
            face->tx_in_device--;
            face->nic.stats.tx_frames++;
            face->nic.stats.tx_bytes += slot->buf.len;
            if (wants_room(face) && has_room(face))
                wake(face);
        }
    } while (n == BURST);
}

static bool may_send(const struct face *face, const struct nic_buf *frame)
{
    struct core_flow_key key;
    return face_is_rest(face) ||
           (core_flow_key(frame->data, frame->len, CORE_FLOW_OUT, face->nic.mac, &key) &&
            core_flow_matches(&face->flow.rule, &key));
}

// What may not be sent is done at once.
static void queue(struct face *face, const struct nic_buf *bufs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        bool may = may_send(face, &bufs[i]);
        face->tx[face->tx_sent++ % NIC_FACE_SLOTS] =
            (struct tx_slot){.buf = bufs[i], .face = face, .done = !may};
        face->stats.tx_not_ours += !may;
    }
}

// The next frames that wait, at most BURST. Returns how many.
static uint32_t next_waiting(struct face *face, struct nic_buf *out)
{
    uint32_t count = 0;
    while (count < BURST && face->tx_given != face->tx_sent) {
        struct tx_slot *slot = &face->tx[face->tx_given++ % NIC_FACE_SLOTS];
        if (slot->done)
            continue;
        out[count] = slot->buf;
        out[count++].cookie = slot;
    }
    return count;
}

static void give(struct face *face, struct nic *device)
{
    struct nic_buf out[BURST];
    uint32_t count;
    while ((count = next_waiting(face, out)) != 0) {
        face->tx_in_device += count;
        uint32_t moved = nic_tx_burst(device, out, count);
        exo_assert(moved == count || device->broken); // each face has its part of the ring
    }
}

// ---- the operations of a face ----

// After every take_sent: so who is overdue has frames in the device, and is not freed.
static void stop_if_broken(struct nic_share *s)
{
    if (__builtin_expect(!s->device->broken && !s->overdue, 1))
        return;
    if (s->overdue && s->overdue->tx_in_device == 0)
        s->overdue = NULL; // the device had sent them all: it was home that looked late
    if (s->device->broken)
        core_log("nic_share: the device broke its protocol; all its owners lose it");
    else if (s->overdue)
        core_log("nic_share: the device does not send what it has; it is stopped");
    else
        return;
    share_stop(s);
}

void share_pump(struct nic_share *s)
{
    s->called = false;
    sort_received(s);
    take_sent(s);
    for (uint32_t i = 0; i < s->face_count; i++) {
        if (s->faces[i]->tx_given != s->faces[i]->tx_sent) // of faces away
            give(s->faces[i], s->device);
    }
    stop_if_broken(s);
}

void share_call_home(struct nic_share *s)
{
    if (s->called)
        return;
    s->called = true;
    core_irq_raise(s->device->irq);
}

struct nic_share *face_enter(const struct face *face)
{
    exo_lock_take(&face->share->lock);
    if (face->share->device)
        return face->share;
    exo_lock_give(&face->share->lock);
    return NULL;
}

void face_leave(struct nic_share *s)
{
    exo_lock_give(&s->lock);
}

static uint32_t rx_post(struct nic *nic, const struct nic_buf *bufs, uint32_t n)
{
    struct face *face = face_of(nic);
    struct nic_share *s = face_enter(face);
    if (!s)
        return 0;
    uint32_t count = EXO_MIN(n, nic->rx_slots - (face->rx_posted - face->rx_taken));
    for (uint32_t i = 0; i < count; i++)
        face->rx[face->rx_posted++ % NIC_FACE_SLOTS] = bufs[i];
    face_leave(s);
    return count;
}

static uint32_t rx_burst(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    struct face *face = face_of(nic);
    struct nic_share *s = face_enter(face);
    if (!s)
        return 0;
    if (!face->away && face->rx_filled - face->rx_taken < n)
        share_pump(s);
    uint32_t count = nic->broken ? 0 : EXO_MIN(n, face->rx_filled - face->rx_taken);
    for (uint32_t i = 0; i < count; i++)
        bufs[i] = face->rx[face->rx_taken++ % NIC_FACE_SLOTS];
    face_leave(s);
    return count;
}

static uint32_t tx_burst(struct nic *nic, const struct nic_buf *bufs, uint32_t n)
{
    struct face *face = face_of(nic);
    struct nic_share *s = face_enter(face);
    if (!s)
        return 0;
    uint32_t count = EXO_MIN(n, nic->tx_slots - tx_lent(face));
    queue(face, bufs, count);
    if (face->away)
        share_call_home(s);
    else
        give(face, s->device);
    face_leave(s);
    return count;
}

static uint32_t take_done(struct face *face, struct nic_buf *bufs, uint32_t n)
{
    uint32_t count = 0;
    while (count < n && face->tx_reaped != face->tx_given) {
        const struct tx_slot *slot = &face->tx[face->tx_reaped % NIC_FACE_SLOTS];
        if (!slot->done)
            break;
        bufs[count++] = slot->buf;
        face->tx_reaped++;
    }
    return count;
}

static uint32_t tx_reap(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    struct face *face = face_of(nic);
    struct nic_share *s = face_enter(face);
    if (!s)
        return 0;
    if (!face->away) {
        take_sent(s);
        stop_if_broken(s);
    }
    uint32_t count = nic->broken ? 0 : take_done(face, bufs, n);
    if (face->away && count == 0 && tx_lent(face))
        share_call_home(s); // somebody who asks again and again shall not do so for ever
    face_leave(s);
    return count;
}

// How many sent frames may still be under way when the device next interrupts for them: as
// soon as any face that waits for room can have it.
static uint16_t wake_level(const struct nic_share *s)
{
    uint32_t in_device = 0, soonest = UINT32_MAX;
    for (uint32_t i = 0; i < s->face_count; i++) {
        const struct face *face = s->faces[i];
        in_device += face->tx_in_device;
        if (face->armed && wants_room(face) && !has_room(face))
            soonest = EXO_MIN(soonest, face->tx_in_device - half_of(face));
    }
    return soonest == UINT32_MAX ? s->device->tx_slots : (uint16_t)(in_device - soonest);
}

static bool has_something(const struct face *face)
{
    return face->rx_filled != face->rx_taken || (wants_room(face) && has_room(face));
}

// Returns true if the device has something already: perhaps for another face, and then it is
// sorted with the next poll.
static bool arm(struct nic_share *s, struct face *face)
{
    face->armed = true;
    if (!face->away) {
        s->device->tx_wake = wake_level(s);
        return nic_irq_arm(s->device);
    }
    if (wants_room(face))
        share_call_home(s); // which asks the device for as much as we need
    return false;
}

static bool irq_arm(struct nic *nic)
{
    struct face *face = face_of(nic);
    struct nic_share *s = face_enter(face);
    if (!s)
        return false;
    core_irq_take(nic->irq);
    if (!face->away)
        share_pump(s);
    bool ready = has_something(face);
    if (!ready && s->device)
        ready = arm(s, face);
    face_leave(s);
    return ready;
}

static bool any_armed(const struct nic_share *s)
{
    for (uint32_t i = 0; i < s->face_count; i++) {
        if (s->faces[i]->armed)
            return true;
    }
    return false;
}

// What ended the wait may have been for another face, whose line is raised here.
static void irq_disarm(struct nic *nic)
{
    struct face *face = face_of(nic);
    struct nic_share *s = face_enter(face);
    if (!s)
        return;
    face->armed = false;
    if (!face->away) {
        share_pump(s);
        if (s->device && !any_armed(s))
            nic_irq_disarm(s->device);
    }
    face_leave(s);
}

const struct nic_ops face_ops = {
    .rx_post = rx_post,
    .rx_burst = rx_burst,
    .tx_burst = tx_burst,
    .tx_reap = tx_reap,
    .irq_arm = irq_arm,
    .irq_disarm = irq_disarm,
    .close = face_close,
};
