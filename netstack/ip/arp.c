// SPDX-License-Identifier: MIT
// arp.c - neighbours on the link.
#include "netstack/ip/arp.h"

#include "exo/bits.h"
#include "exo/err.h"
#include "netstack/wire/arp.h"
#include "netstack/wire/eth.h"

static void due_at(struct arp *arp, exo_ns when)
{
    arp->deadline = EXO_MIN(arp->deadline, when);
}

static bool asks(const struct arp_entry *e)
{
    return e->state == ARP_ASKING || e->state == ARP_CHECKING;
}

static void drop_held(struct arp *arp, struct arp_entry *e)
{
    for (uint32_t i = 0; i < e->held_count; i++)
        pkt_free(e->held[i]);
    arp->stats.dropped_held += e->held_count;
    e->held_count = 0;
    e->released = false;
}

void arp_init(struct arp *arp, struct mac mac)
{
    *arp = (struct arp){.mac = mac, .deadline = EXO_NS_NEVER};
}

void arp_fini(struct arp *arp)
{
    for (uint32_t i = 0; i < ARP_ENTRIES; i++)
        drop_held(arp, &arp->entries[i]);
}

void arp_set_addr(struct arp *arp, exo_ns now, struct ip4 addr)
{
    for (uint32_t i = 0; i < ARP_ENTRIES; i++) {
        drop_held(arp, &arp->entries[i]);
        arp->entries[i] = (struct arp_entry){.state = ARP_FREE};
    }
    arp->addr = addr;
    arp->any_released = false;
    arp->any_failed = false;
    arp->announcements = ip4_is_any(addr) ? 0 : 2;
    arp->announce_at = now;
    arp->defend_from = now;
    arp->deadline = arp->announcements ? now : EXO_NS_NEVER;
}

// --- the table -------------------------------------------------------------------

static struct arp_entry *find(struct arp *arp, struct ip4 addr)
{
    struct arp_entry *e = &arp->entries[arp->recent];
    if (e->state != ARP_FREE && ip4_eq(e->addr, addr))
        return e;
    for (uint32_t i = 0; i < ARP_ENTRIES; i++) {
        e = &arp->entries[i];
        if (e->state != ARP_FREE && ip4_eq(e->addr, addr)) {
            arp->recent = i;
            return e;
        }
    }
    return NULL;
}

// Whether `e` may give up its place: to anybody if it failed or we never sent to it, and if
// we did, only to a neighbour that we want ourselves.
static bool may_go(const struct arp_entry *e, bool for_us)
{
    return e->state != ARP_ASKING && e->held_count == 0 && (for_us || !e->wanted);
}

// `a` should go before `b`: the unwanted first, then the one that was used longest ago.
static bool goes_before(const struct arp_entry *a, const struct arp_entry *b)
{
    return a->wanted != b->wanted ? b->wanted : a->touched < b->touched;
}

// A place for a new neighbour, or null.
static struct arp_entry *claim(struct arp *arp, bool for_us)
{
    struct arp_entry *best = NULL;
    uint32_t asking = 0;
    for (uint32_t i = 0; i < ARP_ENTRIES; i++) {
        struct arp_entry *e = &arp->entries[i];
        asking += e->state == ARP_ASKING;
        if (best && best->state == ARP_FREE)
            continue;
        if (e->state == ARP_FREE || (may_go(e, for_us) && (!best || goes_before(e, best))))
            best = e;
    }
    if (!best || (for_us && asking >= ARP_ASKING_MAX)) {
        arp->stats.dropped_full++;
        return NULL;
    }
    return best;
}

// --- resolving -------------------------------------------------------------------

static void ask(struct arp *arp, struct arp_entry *e, enum arp_state state, exo_ns now)
{
    e->state = (uint8_t)state;
    e->tries = 0;
    e->request_due = true;
    e->timer = now;
    due_at(arp, now);
}

// RFC 1122 §2.3.2.2: keep at least the latest packet. The oldest of a full entry goes.
static void hold(struct arp *arp, struct arp_entry *e, struct pkt *pkt)
{
    if (!pkt)
        return;
    if (e->held_count == ARP_HELD) {
        pkt_free(e->held[0]);
        arp->stats.dropped_held++;
        memmove(&e->held[0], &e->held[1], (ARP_HELD - 1) * sizeof e->held[0]);
        e->held_count--;
    }
    e->held[e->held_count++] = pkt;
}

int arp_resolve(struct arp *arp, exo_ns now, struct ip4 addr, struct pkt *waiting, struct mac *out)
{
    if (ip4_is_any(arp->addr))
        return -EXO_ENETUNREACH;
    struct arp_entry *e = find(arp, addr);
    if (!e) {
        e = claim(arp, true);
        if (!e)
            return -EXO_ENOMEM;
        *e = (struct arp_entry){.addr = addr};
        ask(arp, e, ARP_ASKING, now);
    }
    e->touched = now;
    e->used = true;
    e->wanted = true;
    if (e->state == ARP_KNOWN || e->state == ARP_CHECKING) {
        *out = e->mac;
        return 1;
    }
    // The last request of a FAILED one is a full ARP_RETRY old.
    if (e->state == ARP_FAILED)
        ask(arp, e, ARP_ASKING, now);
    hold(arp, e, waiting);
    return 0;
}

struct pkt *arp_release(struct arp *arp, struct mac *out)
{
    if (!arp->any_released)
        return NULL;
    for (uint32_t i = 0; i < ARP_ENTRIES; i++) {
        struct arp_entry *e = &arp->entries[i];
        if (!e->released)
            continue;
        struct pkt *pkt = e->held[0];
        e->held_count--;
        memmove(&e->held[0], &e->held[1], e->held_count * sizeof e->held[0]);
        e->released = e->held_count != 0;
        *out = e->mac;
        return pkt;
    }
    arp->any_released = false;
    return NULL;
}

bool arp_unreachable(struct arp *arp, struct ip4 *out)
{
    if (!arp->any_failed)
        return false;
    for (uint32_t i = 0; i < ARP_ENTRIES; i++) {
        struct arp_entry *e = &arp->entries[i];
        if (e->unreported) {
            *out = e->addr;
            e->unreported = false;
            return true;
        }
    }
    arp->any_failed = false;
    return false;
}

bool arp_is_silent(const struct arp *arp, exo_ns now, struct ip4 addr)
{
    for (uint32_t i = 0; i < ARP_ENTRIES; i++) {
        const struct arp_entry *e = &arp->entries[i];
        if (e->state != ARP_FREE && ip4_eq(e->addr, addr))
            return now < e->silent_until;
    }
    return false;
}

// --- input -----------------------------------------------------------------------

static void confirm(struct arp *arp, struct arp_entry *e, struct mac mac, exo_ns now)
{
    e->mac = mac;
    e->state = ARP_KNOWN;
    e->tries = 0;
    e->request_due = false;
    e->silent_until = 0;
    e->used = e->held_count != 0;
    e->released = e->held_count != 0;
    e->timer = now + ARP_AGE;
    arp->any_released |= e->released;
    due_at(arp, e->timer);
}

// RFC 826 "Packet Reception": the sender is merged into an entry that exists; a new one
// is made only if we are asked, since then we will have to answer.
static void learn(struct arp *arp, exo_ns now, const struct wire_arp *msg, bool for_us)
{
    struct arp_entry *e = find(arp, msg->sender_addr);
    if (!e && for_us) {
        e = claim(arp, false);
        if (e)
            *e = (struct arp_entry){.addr = msg->sender_addr, .touched = now};
    }
    if (e)
        confirm(arp, e, msg->sender_mac, now);
}

// RFC 5227 §2.4 (b): somebody claims our address. One announcement sets the caches of
// the others right; not more often than every ARP_DEFEND, or two hosts with the same
// address would shout for ever.
static void defend(struct arp *arp, exo_ns now)
{
    arp->stats.conflicts++;
    if (now < arp->defend_from)
        return;
    arp->defend_from = now + ARP_DEFEND;
    arp->announcements = EXO_MAX(arp->announcements, 1u);
    arp->announce_at = now;
    due_at(arp, now);
}

static bool sender_is_possible(const struct wire_arp *msg)
{
    static const struct mac nobody = {{0}};
    const struct ip4 addr = msg->sender_addr;
    const bool by_group =
        ip4_is_multicast(addr) | ip4_is_broadcast(addr) | mac_is_group(msg->sender_mac);
    return !by_group & !ip4_is_loopback(addr) & !mac_eq(msg->sender_mac, nobody);
}

// The request in `pkt` becomes our reply. What followed the 28 bytes was padding of the
// sender's choosing and is not sent back.
static void answer_in_place(const struct arp *arp, const struct wire_arp *msg, struct pkt *pkt)
{
    const struct wire_arp reply = {
        .op = WIRE_ARP_REPLY,
        .sender_mac = arp->mac,
        .sender_addr = arp->addr,
        .target_mac = msg->sender_mac,
        .target_addr = msg->sender_addr,
    };
    const struct wire_eth eth = {.dst = msg->sender_mac, .src = arp->mac, .type = WIRE_ETH_ARP};
    pkt_trim(pkt, WIRE_ARP_BYTES);
    wire_arp_emit(pkt->data, &reply);
    wire_eth_emit(pkt_push(pkt, WIRE_ETH_BYTES), &eth);
    wire_eth_pad(pkt);
}

enum arp_verdict arp_input(struct arp *arp, exo_ns now, struct pkt *pkt)
{
    struct wire_arp msg;
    if (!wire_arp_parse(&msg, pkt->data, pkt->len) || !sender_is_possible(&msg))
        return ARP_BAD;
    if (ip4_is_any(arp->addr) || mac_eq(msg.sender_mac, arp->mac))
        return ARP_DONE;
    if (ip4_eq(msg.sender_addr, arp->addr)) {
        defend(arp, now);
        return ARP_DONE;
    }
    const bool for_us = ip4_eq(msg.target_addr, arp->addr);
    if (!ip4_is_any(msg.sender_addr)) // a probe has no sender to learn (RFC 5227 §2.1.1)
        learn(arp, now, &msg, for_us);
    if (!for_us || msg.op != WIRE_ARP_REQUEST)
        return ARP_DONE;
    exo_assert(!pkt_is_shared(pkt));
    answer_in_place(arp, &msg, pkt);
    return ARP_ANSWER;
}

// --- output and time -------------------------------------------------------------

static void fill_request(const struct arp *arp, struct pkt *frame, struct mac dst,
                         struct ip4 target)
{
    const struct wire_arp msg = {
        .op = WIRE_ARP_REQUEST,
        .sender_mac = arp->mac,
        .sender_addr = arp->addr,
        .target_addr = target,
    };
    const struct wire_eth eth = {.dst = dst, .src = arp->mac, .type = WIRE_ETH_ARP};
    uint8_t *at = pkt_put(frame, WIRE_ETH_BYTES + WIRE_ARP_BYTES);
    wire_arp_emit(at + wire_eth_emit(at, &eth), &msg);
    wire_eth_pad(frame);
}

static void find_deadline(struct arp *arp)
{
    arp->deadline = arp->announcements ? arp->announce_at : EXO_NS_NEVER;
    for (uint32_t i = 0; i < ARP_ENTRIES; i++) {
        const struct arp_entry *e = &arp->entries[i];
        if (e->state == ARP_KNOWN || asks(e))
            due_at(arp, e->timer);
    }
}

static bool output_announcement(struct arp *arp, exo_ns now, struct pkt *frame)
{
    if (!arp->announcements || now < arp->announce_at)
        return false;
    fill_request(arp, frame, wire_eth_broadcast, arp->addr);
    arp->announcements--;
    arp->announce_at = now + ARP_ANNOUNCE;
    return true;
}

// RFC 1122 §2.3.2.1: a neighbour that we know is polled by unicast, others by broadcast.
static bool output_request(struct arp *arp, exo_ns now, struct pkt *frame)
{
    for (uint32_t i = 0; i < ARP_ENTRIES; i++) {
        struct arp_entry *e = &arp->entries[i];
        if (!e->request_due)
            continue;
        fill_request(arp, frame, e->state == ARP_CHECKING ? e->mac : wire_eth_broadcast, e->addr);
        e->request_due = false;
        e->tries++;
        e->timer = now + ARP_RETRY;
        return true;
    }
    return false;
}

bool arp_output(struct arp *arp, exo_ns now, struct pkt *frame)
{
    if (now < arp->deadline)
        return false;
    const bool filled = output_announcement(arp, now, frame) || output_request(arp, now, frame);
    find_deadline(arp);
    return filled;
}

static void expire(struct arp *arp, struct arp_entry *e, exo_ns now)
{
    if (e->state == ARP_KNOWN && e->used) {
        ask(arp, e, ARP_CHECKING, now);
    } else if (e->state == ARP_KNOWN && e->held_count == 0) {
        e->state = ARP_FREE;
    } else if (asks(e) && e->tries < ARP_TRIES) {
        e->request_due = true;
    } else if (e->state == ARP_CHECKING) {
        e->state = ARP_FREE; // who wants it again asks everybody
    } else if (e->state == ARP_ASKING) {
        drop_held(arp, e);
        e->state = ARP_FAILED;
        e->wanted = false;
        e->unreported = true;
        e->silent_until = now + ARP_SILENT;
        arp->any_failed = true;
    }
}

void arp_tick(struct arp *arp, exo_ns now)
{
    if (now < arp->deadline)
        return;
    for (uint32_t i = 0; i < ARP_ENTRIES; i++) {
        struct arp_entry *e = &arp->entries[i];
        if ((e->state == ARP_KNOWN || asks(e)) && !e->request_due && now >= e->timer)
            expire(arp, e, now);
    }
    find_deadline(arp);
}
