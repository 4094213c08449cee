// SPDX-License-Identifier: MIT
// virtio_ring.h - the split virtqueue as memory (virtio 1.2 §2.7), seen from the driver.
//
// Three tables in one piece of memory that the device reads and writes by DMA:
//
//     descriptors   size × {address, length, flags, next}    driver writes, device reads
//     available     flags, idx, ring[size], used_event       driver writes, device reads
//     used          flags, idx, ring[size], avail_event      device writes, driver reads
//
// Every index counts modulo 2^16 and is masked only where it meets a table, so the
// two differences below say who owns what, and a full ring differs from an empty one:
//
//     used.idx .. published    chains are the device's
//     reaped   .. used.idx     chains are finished and wait for virtio_ring_reap
//     all other descriptors    are the driver's: free, or added and not yet published
//
// The device is not trusted. What this file needs to know about a buffer is kept in
// `slots`, private memory that no device is told about; the shared tables are written
// and, but for the used ring, never read back. An index or an id that the device cannot
// mean sets `fault`; from then on the ring takes and gives nothing. The length that the
// device reports is passed on as it is: only the caller knows what fits.
//
// Nothing here touches a register: ringing the doorbell is the transport's.
#ifndef DEV_RING_VIRTIO_RING_H
#define DEV_RING_VIRTIO_RING_H

#include "exo/assert.h"
#include "exo/types.h"

#define VIRTIO_RING_SIZE_MAX 32768u // virtio 1.2 §2.7; always a power of two

enum {                    // virtq_desc.flags (§2.7.5)
    VIRTQ_DESC_NEXT = 1,  // `next` continues the chain
    VIRTQ_DESC_WRITE = 2, // the device writes this buffer; without it, it reads
};

struct virtq_desc {
    uint64_t addr; // physical
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

struct virtq_avail { // §2.7.6; one more uint16_t, used_event, follows the ring
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[];
};

struct virtq_used_elem {
    uint32_t id;  // head of the finished chain
    uint32_t len; // bytes the device wrote
};

struct virtq_used { // §2.7.8; one more uint16_t, avail_event, follows the ring
    uint16_t flags;
    uint16_t idx;
    struct virtq_used_elem ring[];
};

#define VIRTQ_AVAIL_NO_INTERRUPT 1 // avail.flags; a hint, and not used with event indices
#define VIRTQ_USED_NO_NOTIFY     1 // used.flags; the same the other way

_Static_assert(sizeof(struct virtq_desc) == 16, "virtio 1.2 §2.7.5");
_Static_assert(sizeof(struct virtq_used_elem) == 8, "virtio 1.2 §2.7.8");
_Static_assert(offsetof(struct virtq_used, ring) == 4, "virtio 1.2 §2.7.8");

// The private side of one descriptor.
struct virtio_ring_slot {
    uint16_t next;  // free: the next free one; in a chain: the next of the chain
    uint16_t count; // head of a lent chain: its descriptors; 0 for any other
};

enum virtio_ring_fault {
    VIRTIO_RING_OK,
    VIRTIO_RING_BAD_INDEX, // used.idx ran past what is outstanding
    VIRTIO_RING_BAD_ID,    // a used id that is no lent chain, or was returned before
};

struct virtio_ring {
    struct virtq_desc *desc;
    struct virtq_avail *avail;
    struct virtq_used *used;
    struct virtio_ring_slot *slots; // `size` of them, private
    uint32_t size;                  // descriptors, a power of two
    uint32_t mask;                  // size - 1
    uint32_t free_head;             // top of the stack of free descriptors, if free_count
    uint32_t free_count;            // descriptors that can be added
    uint32_t added;                 // low 16 bits: avail.idx once everything is published
    uint32_t published;             // low 16 bits: avail.idx as the device sees it
    uint32_t reaped;                // low 16 bits: used elements taken so far
    bool event_idx;                 // VIRTIO_F_EVENT_IDX (§2.7.10) was negotiated
    uint8_t fault;                  // enum virtio_ring_fault
};

// The used ring starts on its own cache line: the device writes it while we write the other two.
#define VIRTIO_RING_USED_ALIGN 64u

// Bytes of shared memory for a ring of `size` descriptors, and where its parts begin.
uint32_t virtio_ring_bytes(uint16_t size);
uint32_t virtio_ring_avail_offset(uint16_t size);
uint32_t virtio_ring_used_offset(uint16_t size);

// Builds an empty ring in `mem`: zeroed, aligned to 64, virtio_ring_bytes() long.
// Interrupts start suppressed.
//
// Owner: `mem` and `slots` stay in use until the device has been reset.
void virtio_ring_init(struct virtio_ring *ring, void *mem, struct virtio_ring_slot *slots,
                      uint16_t size, bool event_idx);

// One piece of a chain. Pieces that the device reads come before those it writes (§2.7.4.2).
struct virtio_ring_part {
    struct pa pa;
    uint32_t len;
    uint16_t flags; // VIRTQ_DESC_WRITE or 0
};

// Adds a chain of `n` parts, 1 … free_count of them, and returns its id, the index of
// its head. The device sees it with the next virtio_ring_publish.
uint32_t virtio_ring_add_chain(struct virtio_ring *ring, const struct virtio_ring_part *parts,
                               uint32_t n);

// Asks for an interrupt once `after` chains (1 or more) wait to be reaped; a device
// without event indices interrupts at each one.
//
// Returns true if so many wait already: then no interrupt may come, and the caller
// polls. An interrupt that comes although nobody waits is harmless.
bool virtio_ring_arm(struct virtio_ring *ring, uint32_t after);

// Asks for no interrupts. With event indices there is nothing to write: an event index
// that lies behind is not passed again for 65536 chains.
void virtio_ring_disarm(struct virtio_ring *ring);

// ---- data path ----

// Chains that were added and not reaped.
static inline uint32_t virtio_ring_lent(const struct virtio_ring *ring)
{
    return ring->added - ring->reaped;
}

// Adds one buffer; free_count is not 0. Returns its id, below `size`, which comes back
// from virtio_ring_reap: the caller's own table of buffers is indexed by it.
static inline uint32_t virtio_ring_add(struct virtio_ring *ring, struct pa pa, uint32_t len,
                                       uint16_t flags)
{
    exo_assert(ring->free_count);
    uint32_t id = ring->free_head;
    ring->free_head = ring->slots[id].next;
    ring->free_count--;
    ring->slots[id] = (struct virtio_ring_slot){.count = 1};
    struct virtq_desc *desc = &ring->desc[id];
    desc->addr = pa.v;
    desc->len = len;
    desc->flags = flags; // without VIRTQ_DESC_NEXT, `next` says nothing
    ring->avail->ring[ring->added++ & ring->mask] = (uint16_t)id;
    return id;
}

// Does the device want to be notified of the chains published since the count `since`?
static inline bool virtio_ring_wants_kick(const struct virtio_ring *ring, uint32_t since)
{
    if (!ring->event_idx)
        return !(__atomic_load_n(&ring->used->flags, __ATOMIC_RELAXED) & VIRTQ_USED_NO_NOTIFY);

    // §2.7.10: notify if the event index is among the entries old .. new-1. A lie
    // here costs a kick or a wait, nothing else.
    uint16_t old = (uint16_t)since;
    uint16_t new = (uint16_t)ring->published;
    const uint16_t *avail_event = (const uint16_t *)(const void *)&ring->used->ring[ring->size];
    uint16_t event = __atomic_load_n(avail_event, __ATOMIC_RELAXED);
    return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

// Shows the device everything added, with one store, and returns whether it wants to
// be notified of it.
static inline bool virtio_ring_publish(struct virtio_ring *ring)
{
    uint32_t since = ring->published;
    if (since == ring->added)
        return false;
    ring->published = ring->added;

    // §2.7.13.3: descriptors and ring entries are in memory before the index that
    // covers them. The device is another processor; a release store is enough.
    __atomic_store_n(&ring->avail->idx, (uint16_t)ring->added, __ATOMIC_RELEASE);

    // §2.7.13.4.1: the index is in memory before we look whether the device sleeps.
    // The device stores its wish and then looks at the index; were our load to pass
    // our store, both sides could see the old value and the buffers would lie there.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return virtio_ring_wants_kick(ring, since);
}

// How many chains wait to be reaped. An index that the device cannot mean is a fault.
static inline uint32_t virtio_ring_ready(struct virtio_ring *ring)
{
    // The acquire pairs with the device's own order: elements first, then the index
    // (§2.7.8.2). What follows reads elements and buffers, and must not read them earlier.
    uint16_t idx = __atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE);
    uint32_t ready = (uint16_t)(idx - ring->reaped);
    if (__builtin_expect(ready > ring->published - ring->reaped, 0))
        ring->fault = VIRTIO_RING_BAD_INDEX;
    return __builtin_expect(ring->fault, 0) ? 0 : ready;
}

// Frees a chain of several descriptors: they are linked already, all but the last.
static inline void virtio_ring_free_chain(struct virtio_ring *ring, uint32_t head, uint32_t count)
{
    uint32_t last = head;
    for (uint32_t i = 1; i < count; i++)
        last = ring->slots[last].next;
    ring->slots[head].count = 0;
    ring->slots[last].next = (uint16_t)ring->free_head;
}

// Takes back one chain of those that virtio_ring_ready counted. Returns its id, or
// -1 after a fault; `used_len` is what the device claims to have written, unchecked.
// Its descriptors are free at once, and the very next add takes this id again.
static inline int32_t virtio_ring_reap(struct virtio_ring *ring, uint32_t *used_len)
{
    // Each word is read once: the device may change it between two looks.
    struct virtq_used_elem *elem = &ring->used->ring[ring->reaped & ring->mask];
    uint32_t id = __atomic_load_n(&elem->id, __ATOMIC_RELAXED);
    uint32_t count = id < ring->size ? ring->slots[id].count : 0;
    if (__builtin_expect(!count, 0)) {
        ring->fault = VIRTIO_RING_BAD_ID;
        return -1;
    }
    *used_len = __atomic_load_n(&elem->len, __ATOMIC_RELAXED);
    ring->reaped++;

    if (__builtin_expect(count == 1, 1))
        ring->slots[id] = (struct virtio_ring_slot){.next = (uint16_t)ring->free_head};
    else
        virtio_ring_free_chain(ring, id, count);
    ring->free_head = id;
    ring->free_count += count;
    return (int32_t)id;
}

#endif
