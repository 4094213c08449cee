// SPDX-License-Identifier: MIT
// nic_share.c - who has which face of a NIC, from the first to the last.
#include "dev/nic_share.h"

#include "core/clock.h"
#include "core/frame.h"
#include "core/irq.h"
#include "core/log.h"
#include "dev/nic_face.h"
#include "exo/assert.h"
#include "exo/err.h"

#include <string.h>

#define BUF_ALIGN 64u
#define ETH_BYTES 18u // with one VLAN tag

#define DRAIN_TIMEOUT_NS EXO_S(1) // longer than any device takes to send what it has

#define FRAMES_FOR(bytes) (((bytes) + CORE_FRAME_BYTES - 1) / CORE_FRAME_BYTES)

// ---- closing a face ----

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
    if (!face_is_rest(face))
        core_flow_release(&face->flow);
    face->tx_given = face->tx_sent; // what the device has not been given, it does not get
}

// Returns false when nothing of the face is with the device any more.
static bool still_sending(struct face *face)
{
    struct nic_share *s = face_enter(face);
    if (!s)
        return false;
    if (face->away)
        share_call_home(s);
    else
        share_pump(s);
    bool sending = s->device && face->tx_in_device;
    face_leave(s);
    return sending;
}

// The device is stopped if it still has them when home looks next: at once, if we are at home.
__attribute__((cold)) static void give_up(struct face *face)
{
    struct nic_share *s = face_enter(face);
    if (!s)
        return;
    if (face->tx_in_device && !s->overdue)
        s->overdue = face;
    face_leave(s);
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

void face_close(struct nic *nic)
{
    struct face *face = face_of(nic);
    struct nic_share *s = face_enter(face);
    if (s) {
        unbind(s, face);
        face_leave(s);
        drain(face);
    }
    s = face->share;
    face_free(face);
    let_go(s);
}

// ---- opening a face ----

// What the device is, less what others have of it.
static void describe(struct nic *nic, const struct nic *device, uint32_t faces)
{
    nic->driver = device->driver;
    memcpy(nic->mac, device->mac, sizeof nic->mac);
    nic->mtu_bytes = device->mtu_bytes;
    nic->headroom_bytes = device->headroom_bytes;
    nic->rx_slots = (uint16_t)EXO_MIN((uint32_t)device->rx_slots, NIC_FACE_SLOTS);
    nic->tx_slots = (uint16_t)EXO_MIN(device->tx_slots / faces, NIC_FACE_SLOTS);
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

// A face that closes on another CPU keeps its part of the transmit ring until it is freed.
static bool is_full(const struct nic_share *s)
{
    return s->users > s->faces_max; // who opened the share is one of them
}

static int bind(struct nic_share *s, struct face *face, const struct core_flow_filter *filter,
                const char *owner)
{
    if (is_full(s))
        return -EXO_ENOSPC;
    const struct nic *device = s->device;
    if (filter)
        return core_flow_bind(&face->flow, device->place, device->pair, filter, owner);
    return s->face_count && face_is_rest(s->faces[s->face_count - 1]) ? -EXO_EBUSY : 0;
}

static int join(struct face *face, const struct core_flow_filter *filter, const char *owner)
{
    struct nic_share *s = face_enter(face);
    if (!s)
        return -EXO_EIO;
    describe(&face->nic, s->device, s->faces_max);
    face->away = core_irq_apic_id(face->nic.irq) != core_irq_apic_id(s->device->irq);
    int err = bind(s, face, filter, owner);
    if (err == 0) {
        insert(s, face);
        s->users++;
    }
    face_leave(s);
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
    face->nic = (struct nic){.ops = &face_ops, .irq = irq};
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
    s->buf_bytes = (uint32_t)exo_align_up(NIC_FACE_HEADROOM + frame_bytes, BUF_ALIGN);
    uint64_t bytes = (uint64_t)s->buf_bytes * s->device->rx_slots;
    int err = core_dma_claim(NULL, bytes, BUF_ALIGN, CORE_DMA_ANYWHERE, &s->bufs);
    if (err < 0)
        return err;
    for (uint64_t start = 0; start < bytes; start += s->buf_bytes) {
        struct pa at = {s->bufs.pa.v + start + NIC_FACE_HEADROOM};
        struct nic_buf buf = {.data = core_phys(at), .pa = at, .len = share_buf_space(s)};
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
    exo_assert(s->device->headroom_bytes <= NIC_FACE_HEADROOM);
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
    share_stop(s);
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
