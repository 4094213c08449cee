// SPDX-License-Identifier: MIT
// nic_share.c - sorts one queue pair's frames among several faces.
//
// A face's receive buffers stand in one circle, oldest first, and so do those it sends:
//
//     rx   taken .. filled    hold frames for the owner        tx   reaped .. sent
//          filled .. posted   are empty                             with the device, or done
//
// The counters are 32 bits and wrap; differences are what counts.
#include "dev/nic_share.h"

#include "core/clock.h"
#include "core/flow.h"
#include "core/frame.h"
#include "core/irq.h"
#include "core/log.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "exo/lock.h"

#include <string.h>

#define SLOTS_MAX 256u // a power of two
#define BURST     32u

#define BUF_HEADROOM 64u
#define BUF_ALIGN    64u
#define ETH_BYTES    18u // with one VLAN tag

#define DRAIN_TIMEOUT_NS EXO_S(1) // longer than any device takes to send what it has

struct tx_slot {
    struct nic_buf buf; // the owner's
    struct face *face;
    bool done; // the device is not reading it, or never was
};

struct face {
    struct nic nic;
    struct nic_share *share;
    struct core_flow flow; // owner is null: the rest
    struct nic_share_stats stats;
    bool armed; // its line is to be raised when there is something
    uint32_t rx_taken, rx_filled, rx_posted;
    uint32_t tx_reaped, tx_sent;
    uint32_t tx_in_device; // of [tx_reaped, tx_sent), those that are not done
    struct nic_buf rx[SLOTS_MAX];
    struct tx_slot tx[SLOTS_MAX];
};

struct nic_share {
    struct exo_lock lock;
    struct nic *device; // null once it has been stopped
    struct pa bufs;     // what the device's receive ring is filled with
    uint32_t buf_bytes, buf_count;
    uint32_t faces_max, face_count;
    struct face *faces[NIC_SHARE_FACES_MAX]; // of filters inner before outer, then the rest
    uint32_t users;                          // faces that are not freed, and who opened it
    uint64_t rx_nobodys;
};

#define FRAMES_FOR(bytes) (((bytes) + CORE_FRAME_BYTES - 1) / CORE_FRAME_BYTES)

static struct face *face_of(struct nic *nic)
{
    return EXO_CONTAINER(nic, struct face, nic);
}

static bool is_rest(const struct face *face)
{
    return !face->flow.owner;
}

static void wake(struct face *face)
{
    if (!face->armed)
        return;
    face->armed = false;
    core_irq_raise(face->nic.irq);
}

// ---- the end of the device ----

static uint64_t bufs_frames(const struct nic_share *s)
{
    return FRAMES_FOR((uint64_t)s->buf_bytes * s->buf_count);
}

// Once it is closed, nobody's memory is read or written by it any more.
__attribute__((cold)) static void stop(struct nic_share *s)
{
    if (!s->device)
        return;
    for (uint32_t i = 0; i < s->face_count; i++) {
        struct face *face = s->faces[i];
        if (!is_rest(face))
            core_flow_release(&face->flow);
        face->nic.broken = true;
        face->tx_in_device = 0;
        wake(face);
    }
    s->face_count = 0;
    nic_close(s->device);
    s->device = NULL;
    core_frame_release(NULL, s->bufs, bufs_frames(s));
}

// ---- receiving ----

static void deliver(struct face *face, const struct nic_buf *frame)
{
    struct nic_buf *to = &face->rx[face->rx_filled % SLOTS_MAX];
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
        if (is_rest(face) || (has_key && core_flow_matches(&face->flow.rule, &key)))
            return face;
    }
    return NULL;
}

static uint32_t buf_space(const struct nic_share *s)
{
    return s->buf_bytes - BUF_HEADROOM;
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
        bufs[i].len = buf_space(s);
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
    return face->tx_in_device <= half_of(face);
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
    return is_rest(face) ||
           (core_flow_key(frame->data, frame->len, CORE_FLOW_OUT, face->nic.mac, &key) &&
            core_flow_matches(&face->flow.rule, &key));
}

// At most BURST, for which the face has room.
static void send_some(struct face *face, const struct nic_buf *bufs, uint32_t n)
{
    struct nic_buf out[BURST];
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct tx_slot *slot = &face->tx[face->tx_sent++ % SLOTS_MAX];
        bool may = may_send(face, &bufs[i]);
        *slot = (struct tx_slot){.buf = bufs[i], .face = face, .done = !may};
        out[count] = bufs[i];
        out[count].cookie = slot;
        count += may;
    }
    face->stats.tx_not_ours += n - count;
    face->tx_in_device += count;
    uint32_t moved = nic_tx_burst(face->share->device, out, count);
    exo_assert(moved == count || face->share->device->broken); // each has its part of the ring
}

// ---- the operations of a face ----

static void stop_if_broken(struct nic_share *s)
{
    if (__builtin_expect(!s->device->broken, 1))
        return;
    core_log("nic_share: the device broke its protocol; all its owners lose it");
    stop(s);
}

// Does what there is to do for all faces.
static void pump(struct nic_share *s)
{
    sort_received(s);
    take_sent(s);
    stop_if_broken(s);
}

// Takes the lock, unless there is no device any more.
static struct nic_share *enter(const struct face *face)
{
    exo_lock_take(&face->share->lock);
    if (face->share->device)
        return face->share;
    exo_lock_give(&face->share->lock);
    return NULL;
}

static void leave(struct nic_share *s)
{
    exo_lock_give(&s->lock);
}

static uint32_t rx_post(struct nic *nic, const struct nic_buf *bufs, uint32_t n)
{
    struct face *face = face_of(nic);
    struct nic_share *s = enter(face);
    if (!s)
        return 0;
    uint32_t count = EXO_MIN(n, nic->rx_slots - (face->rx_posted - face->rx_taken));
    for (uint32_t i = 0; i < count; i++)
        face->rx[face->rx_posted++ % SLOTS_MAX] = bufs[i];
    leave(s);
    return count;
}

static uint32_t rx_burst(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    struct face *face = face_of(nic);
    struct nic_share *s = enter(face);
    if (!s)
        return 0;
    if (face->rx_filled - face->rx_taken < n)
        pump(s);
    uint32_t count = nic->broken ? 0 : EXO_MIN(n, face->rx_filled - face->rx_taken);
    for (uint32_t i = 0; i < count; i++)
        bufs[i] = face->rx[face->rx_taken++ % SLOTS_MAX];
    leave(s);
    return count;
}

static uint32_t tx_burst(struct nic *nic, const struct nic_buf *bufs, uint32_t n)
{
    struct face *face = face_of(nic);
    struct nic_share *s = enter(face);
    if (!s)
        return 0;
    uint32_t count = EXO_MIN(n, nic->tx_slots - tx_lent(face));
    for (uint32_t done = 0; done < count; done += BURST)
        send_some(face, bufs + done, EXO_MIN(BURST, count - done));
    leave(s);
    return count;
}

static uint32_t tx_reap(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    struct face *face = face_of(nic);
    struct nic_share *s = enter(face);
    if (!s)
        return 0;
    take_sent(s);
    stop_if_broken(s);
    uint32_t count = 0;
    while (!nic->broken && count < n && tx_lent(face) && face->tx[face->tx_reaped % SLOTS_MAX].done)
        bufs[count++] = face->tx[face->tx_reaped++ % SLOTS_MAX].buf;
    leave(s);
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
        if (face->armed && wants_room(face))
            soonest = EXO_MIN(soonest, face->tx_in_device - half_of(face));
    }
    return soonest == UINT32_MAX ? s->device->tx_slots : (uint16_t)(in_device - soonest);
}

static bool irq_arm(struct nic *nic)
{
    struct face *face = face_of(nic);
    struct nic_share *s = enter(face);
    if (!s)
        return false;
    core_irq_take(nic->irq);
    pump(s);
    bool ready = face->rx_filled != face->rx_taken || (wants_room(face) && has_room(face));
    if (!ready && s->device) {
        face->armed = true;
        s->device->tx_wake = wake_level(s);
        ready = nic_irq_arm(s->device); // perhaps for another: then it is sorted with the next poll
    }
    leave(s);
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
    struct nic_share *s = enter(face);
    if (!s)
        return;
    pump(s);
    face->armed = false;
    if (s->device && !any_armed(s))
        nic_irq_disarm(s->device);
    leave(s);
}

// ---- opening and closing ----

// One user less; the last one frees the state.
static void let_go(struct nic_share *s)
{
    exo_lock_take(&s->lock);
    bool last = --s->users == 0;
    exo_lock_give(&s->lock);
    if (last)
        core_frame_release(NULL, core_phys_of(s), FRAMES_FOR(sizeof *s));
}

// From here on no frame is this face's.
static void unbind(struct nic_share *s, struct face *face)
{
    uint32_t at = 0;
    while (at < s->face_count && s->faces[at] != face)
        at++;
    exo_assert(at < s->face_count);
    s->face_count--;
    memmove(&s->faces[at], &s->faces[at + 1], (s->face_count - at) * sizeof s->faces[0]);
    if (!is_rest(face))
        core_flow_release(&face->flow);
}

// Returns false when nothing of the face is with the device any more.
static bool still_sending(struct face *face)
{
    struct nic_share *s = enter(face);
    if (!s)
        return false;
    pump(s);
    bool sending = s->device && face->tx_in_device;
    leave(s);
    return sending;
}

__attribute__((cold)) static void give_up(struct face *face)
{
    struct nic_share *s = enter(face);
    if (!s)
        return;
    core_log("nic_share: the device does not send what it has; it is stopped");
    stop(s);
    leave(s);
}

static void drain(struct face *face)
{
    exo_ns deadline = 0;
    while (still_sending(face)) {
        exo_ns now = core_clock_now();
        if (deadline == 0)
            deadline = now + DRAIN_TIMEOUT_NS;
        if (now >= deadline)
            give_up(face);
    }
}

static void face_free(struct face *face)
{
    core_irq_release(face->nic.irq);
    core_frame_release(NULL, core_phys_of(face), FRAMES_FOR(sizeof *face));
}

static void close(struct nic *nic)
{
    struct face *face = face_of(nic);
    struct nic_share *s = enter(face);
    if (s) {
        unbind(s, face);
        leave(s);
        drain(face);
    }
    s = face->share;
    face_free(face);
    let_go(s);
}

static const struct nic_ops ops = {
    .rx_post = rx_post,
    .rx_burst = rx_burst,
    .tx_burst = tx_burst,
    .tx_reap = tx_reap,
    .irq_arm = irq_arm,
    .irq_disarm = irq_disarm,
    .close = close,
};

// What the device is, less what others have of it.
static void describe(struct nic *nic, const struct nic *device, uint32_t faces)
{
    nic->driver = device->driver;
    memcpy(nic->mac, device->mac, sizeof nic->mac);
    nic->mtu_bytes = device->mtu_bytes;
    nic->headroom_bytes = device->headroom_bytes;
    nic->rx_slots = (uint16_t)EXO_MIN((uint32_t)device->rx_slots, SLOTS_MAX);
    nic->tx_slots = (uint16_t)EXO_MIN(device->tx_slots / faces, SLOTS_MAX);
    nic->place = device->place;
    nic->pair = device->pair;
}

// Before the first face that is around the new one, or that it has nothing to do with.
static void insert(struct nic_share *s, struct face *face)
{
    uint32_t at = s->face_count++;
    for (; at > 0 && s->faces[at - 1]->flow.rule.weight < face->flow.rule.weight; at--)
        s->faces[at] = s->faces[at - 1];
    s->faces[at] = face;
}

static int bind(struct nic_share *s, struct face *face, const struct core_flow_filter *filter,
                const char *owner)
{
    if (s->face_count == s->faces_max)
        return -EXO_ENOSPC;
    const struct nic *device = s->device;
    if (filter)
        return core_flow_bind(&face->flow, device->place, device->pair, filter, owner);
    return s->face_count && is_rest(s->faces[s->face_count - 1]) ? -EXO_EBUSY : 0;
}

static int join(struct face *face, const struct core_flow_filter *filter, const char *owner)
{
    struct nic_share *s = enter(face);
    if (!s)
        return -EXO_EIO;
    describe(&face->nic, s->device, s->faces_max);
    int err = bind(s, face, filter, owner);
    if (err == 0) {
        insert(s, face);
        s->users++;
    }
    leave(s);
    return err;
}

static int face_new(struct nic_share *s, const char *owner, struct face **out)
{
    int irq = core_irq_claim(owner);
    if (irq < 0)
        return irq;
    struct pa frames;
    int err = core_frame_claim(NULL, FRAMES_FOR(sizeof(struct face)), 1, &frames);
    if (err < 0) {
        core_irq_release(irq);
        return err;
    }
    struct face *face = *out = memset(core_phys(frames), 0, sizeof *face);
    face->share = s;
    face->nic = (struct nic){.ops = &ops, .irq = irq};
    return 0;
}

int nic_share_face(struct nic_share *share, const struct core_flow_filter *filter,
                   const char *owner, struct nic **out)
{
    struct face *face;
    int err = face_new(share, owner, &face);
    if (err < 0)
        return err;
    err = join(face, filter, owner);
    if (err < 0)
        face_free(face);
    else
        *out = &face->nic;
    return err;
}

// ---- the share ----

static int fill_ring(struct nic_share *s)
{
    uint32_t frame_bytes = EXO_MIN(s->device->mtu_bytes + ETH_BYTES, (uint32_t)UINT16_MAX);
    s->buf_bytes = (uint32_t)exo_align_up(BUF_HEADROOM + frame_bytes, BUF_ALIGN);
    s->buf_count = s->device->rx_slots;
    int err = core_frame_claim(NULL, bufs_frames(s), 1, &s->bufs);
    if (err < 0)
        return err;
    for (uint32_t i = 0; i < s->buf_count; i++) {
        struct pa at = {s->bufs.v + (uint64_t)i * s->buf_bytes + BUF_HEADROOM};
        struct nic_buf buf = {.data = core_phys(at), .pa = at, .len = buf_space(s)};
        nic_rx_post(s->device, &buf, 1);
    }
    return 0;
}

int nic_share_open(uint32_t nth, uint16_t queue, uint32_t faces, const char *owner,
                   struct nic_share **out)
{
    if (faces == 0 || faces > NIC_SHARE_FACES_MAX)
        return -EXO_EINVAL;
    struct pa frames;
    int err = core_frame_claim(NULL, FRAMES_FOR(sizeof(struct nic_share)), 1, &frames);
    if (err < 0)
        return err;
    struct nic_share *s = memset(core_phys(frames), 0, sizeof *s);
    s->faces_max = faces;
    s->users = 1;
    err = nic_open(nth, queue, owner, &s->device);
    if (err < 0)
        goto free_state;
    exo_assert(s->device->headroom_bytes <= BUF_HEADROOM);
    err = fill_ring(s);
    if (err < 0)
        goto close_device;
    *out = s;
    return 0;

close_device:
    nic_close(s->device);
free_state:
    core_frame_release(NULL, frames, FRAMES_FOR(sizeof *s));
    return err;
}

void nic_share_close(struct nic_share *s)
{
    exo_lock_take(&s->lock);
    stop(s);
    exo_lock_give(&s->lock);
    let_go(s);
}

uint64_t nic_share_nobodys(const struct nic_share *s)
{
    return s->rx_nobodys;
}

struct nic_share_stats nic_share_stats(const struct nic *face)
{
    return EXO_CONTAINER(face, struct face, nic)->stats;
}
