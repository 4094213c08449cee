// SPDX-License-Identifier: MIT
// pkt.h - a packet buffer: fixed memory, a moving view, one owner (or counted owners).
//
//     buf                  data              data+len             buf+PKT_BUF_BYTES
//      │◄──── headroom ────►│◄──── view ──────►│◄──── tailroom ────►│
//
// A request moves up by pulling headers off the front of the view; what is sent
// grows by pushing headers into the headroom. One buffer holds one whole frame.
// Buffers come from a pool of fixed size: nothing is allocated while running.
//
// References. A pkt starts with one reference. TCP keeps one until data is
// acknowledged while the link holds another until the device has sent it; whoever
// drops the last one returns the buffer to its pool. Only the holder of the sole
// reference may write the bytes: pkt_is_shared tells.
#ifndef NETSTACK_BASE_PKT_H
#define NETSTACK_BASE_PKT_H

#include "exo/assert.h"
#include "exo/types.h"
#include "netstack/base/addr.h"
#include "netstack/base/carve.h"

#define PKT_BUF_BYTES 2048u // a 1514-byte frame, headroom and slack
#define PKT_HEADROOM  128u  // link header + Ethernet 14 + IPv4 60 + TCP 60 fit before the payload

struct pkt_pool;

struct pkt {
    uint8_t *data;  // first byte of the view
    uint32_t len;   // bytes in the view
    uint32_t seq;   // TCP queues: sequence number of data[0]
    uint16_t refs;  // owners
    uint16_t flags; // the owner's own marks
    union {
        struct ip4 peer; // UDP queues: who sent the datagram
        struct {
            uint16_t body_at;  // TCP's send queue: where its bytes begin in buf,
            uint16_t body_len; // and how many they are, whatever the view shows
        };
    };
    uint16_t peer_port;    // and from which port, host byte order
    uint8_t *buf;          // PKT_BUF_BYTES bytes, aligned to 64
    struct pkt *next;      // in the owner's queue; null when in none
    struct pkt_pool *pool; // where it goes back to
    exo_ns stamp;          // the owner's: when it was sent, or came
};

_Static_assert(sizeof(struct pkt) == 64, "a pkt is one cache line");

// Who asks decides how deep the pool may be emptied: an app's data must never
// starve the answers that would free it. Each value is how many reserves must stay.
enum pkt_use {
    PKT_FOR_STACK = 0, // ACKs, ARP, ICMP, retransmission: the whole pool
    PKT_FOR_RX = 1,    // receive ring: all but the reserve
    PKT_FOR_APP = 2,   // data to send, and data that waits to be read: all but twice the reserve
};

struct pkt_pool {
    struct pkt *free;    // those that came back: a stack through next
    struct carve *from;  // where the others' memory is
    struct pkt *chunk;   // the one carved last
    uint32_t count;      // how many there are
    uint32_t touched;    // so many have been out; the others are not carved yet
    uint32_t free_count; // how many are in the pool now
    uint32_t free_min;   // the least free_count ever was
    uint32_t reserve;    // kept back from PKT_FOR_RX; twice that from PKT_FOR_APP
    uint64_t failed;     // allocations refused
};

// Bytes that a pool of `count` buffers carves in all.
size_t pkt_pool_bytes(uint32_t count);

// Builds a pool that takes its memory from `from`, bit by bit: pkt_pool_bytes of it, which
// others must leave there. Takes the same time for any size: a buffer's memory is first
// touched when the buffer is needed.
void pkt_pool_init(struct pkt_pool *pool, struct carve *from, uint32_t count, uint32_t reserve);

// Buffers that `use` may still take. What was received was allocated PKT_FOR_RX; it may be kept
// for an app to read as long as there are some PKT_FOR_APP, so that neither the receive ring
// nor what apps have to send runs dry behind it.
uint32_t pkt_pool_spare(const struct pkt_pool *pool, enum pkt_use use);

// One buffer with an empty view behind PKT_HEADROOM bytes of headroom, or null.
//
// Owner: gives one reference.
struct pkt *pkt_alloc(struct pkt_pool *pool, enum pkt_use use);

// Drops one reference; the last one returns the buffer. Null is allowed.
void pkt_free(struct pkt *pkt);

static inline void pkt_ref(struct pkt *pkt)
{
    exo_assert(pkt->refs != 0 && pkt->refs != UINT16_MAX);
    pkt->refs++;
}

static inline bool pkt_is_shared(const struct pkt *pkt)
{
    return pkt->refs > 1;
}

static inline uint32_t pkt_headroom(const struct pkt *pkt)
{
    return (uint32_t)(pkt->data - pkt->buf);
}

static inline uint32_t pkt_tailroom(const struct pkt *pkt)
{
    return PKT_BUF_BYTES - pkt_headroom(pkt) - pkt->len;
}

// Grows the view by `n` bytes at the front and returns its new first byte.
static inline uint8_t *pkt_push(struct pkt *pkt, uint32_t n)
{
    exo_assert(n <= pkt_headroom(pkt));
    pkt->data -= n;
    pkt->len += n;
    return pkt->data;
}

// Shrinks the view by `n` bytes at the front.
static inline void pkt_pull(struct pkt *pkt, uint32_t n)
{
    exo_assert(n <= pkt->len);
    pkt->data += n;
    pkt->len -= n;
}

// Cuts the view to its first `len` bytes.
static inline void pkt_trim(struct pkt *pkt, uint32_t len)
{
    exo_assert(len <= pkt->len);
    pkt->len = len;
}

// Grows the view by `n` bytes at the back and returns the first of them.
static inline uint8_t *pkt_put(struct pkt *pkt, uint32_t n)
{
    exo_assert(n <= pkt_tailroom(pkt));
    uint8_t *at = pkt->data + pkt->len;
    pkt->len += n;
    return at;
}

// A first-in first-out queue of packets through `next`.
struct pkt_queue {
    struct pkt *first;
    struct pkt *last;
    uint32_t count; // packets
    uint32_t bytes; // of views, as they were when pushed; the owner adjusts when it trims
};

static inline void pkt_queue_push(struct pkt_queue *q, struct pkt *pkt)
{
    pkt->next = NULL;
    if (q->last)
        q->last->next = pkt;
    else
        q->first = pkt;
    q->last = pkt;
    q->count++;
    q->bytes += pkt->len;
}

static inline struct pkt *pkt_queue_pop(struct pkt_queue *q)
{
    struct pkt *pkt = q->first;
    if (!pkt)
        return NULL;
    q->first = pkt->next;
    if (!q->first)
        q->last = NULL;
    q->count--;
    q->bytes -= pkt->len;
    pkt->next = NULL;
    return pkt;
}

#endif
