// SPDX-License-Identifier: MIT
// nic.h - what every NIC offers: one owned queue pair, moved in bursts.
//
// Buffers are lent to the device and come back; nothing is copied and nothing is
// allocated here. Each burst call returns how many buffers moved; the rest stay
// the caller's. The caller polls; an interrupt only says that polling is worth it.
//
//     nic_rx_post ──► device fills ──► nic_rx_burst      empty out, full back
//     nic_tx_burst ─► device sends ──► nic_tx_reap       full out, empty back
#ifndef DEV_NIC_H
#define DEV_NIC_H

#include "core/nicq.h"
#include "exo/types.h"

// One buffer. The driver may use the headroom_bytes in front of `data` (its own
// header for the device); they belong to the buffer and to nobody else.
struct nic_buf {
    uint8_t *data; // first byte of the Ethernet frame, or of the space for one
    struct pa pa;  // the same byte as the device sees it
    uint32_t len;  // rx post: space at data; rx burst: frame length; tx: frame length
    void *cookie;  // the caller's; comes back unchanged
};

struct nic_stats { // counts since nic_open
    uint64_t rx_frames;
    uint64_t rx_bytes;
    uint64_t tx_frames;
    uint64_t tx_bytes;
    uint64_t rx_bad; // the device returned an impossible length or descriptor
};

struct nic;

struct nic_ops {
    uint32_t (*rx_post)(struct nic *nic, const struct nic_buf *bufs, uint32_t n);
    uint32_t (*rx_burst)(struct nic *nic, struct nic_buf *bufs, uint32_t n);
    uint32_t (*tx_burst)(struct nic *nic, const struct nic_buf *bufs, uint32_t n);
    uint32_t (*tx_reap)(struct nic *nic, struct nic_buf *bufs, uint32_t n);
    bool (*irq_arm)(struct nic *nic);
    void (*irq_disarm)(struct nic *nic);
    void (*close)(struct nic *nic);
};

struct nic {
    const struct nic_ops *ops;
    const char *driver;      // "virtio-net"
    uint8_t mac[6];          // permanent address, or a random local one if the device has none
    uint16_t mtu_bytes;      // L3 payload
    uint16_t headroom_bytes; // needed in front of every nic_buf.data
    uint16_t rx_slots;       // buffers the receive ring holds
    uint16_t tx_slots;       // and the transmit ring
    uint16_t tx_wake;        // what nic_irq_arm calls room: so many are still lent
    int irq;                 // core interrupt line of the pair
    struct core_nic place;   // the NIC and its queue pair, as core calls them
    uint16_t pair;
    bool broken; // the device broke its protocol; only close helps
    struct nic_stats stats;
};

// Opens queue pair `queue` of the `nth` NIC of the machine (0 …) for `owner`, through
// whichever driver in dev/probe knows it. A NIC that no driver knows is named in the log.
//
// Owner:  gives the nic and the queue pair behind it to the caller, until nic_close.
// Errors: -EXO_ENODEV  fewer NICs; -EXO_ENOTSUP no driver, or it lacks a needed feature;
//         -EXO_EBUSY the pair has an owner; -EXO_ENOMEM; -EXO_EIO the device failed.
int nic_open(uint32_t nth, uint16_t queue, const char *owner, struct nic **out);

// Stops the device; buffers still lent are the caller's again once this returns.
void nic_close(struct nic *nic);

// Lends empty buffers for reception / takes received frames, oldest first.
static inline uint32_t nic_rx_post(struct nic *nic, const struct nic_buf *bufs, uint32_t n)
{
    return nic->ops->rx_post(nic, bufs, n);
}

static inline uint32_t nic_rx_burst(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    return nic->ops->rx_burst(nic, bufs, n);
}

// Lends frames for sending / takes back those the device has sent.
static inline uint32_t nic_tx_burst(struct nic *nic, const struct nic_buf *bufs, uint32_t n)
{
    return nic->ops->tx_burst(nic, bufs, n);
}

static inline uint32_t nic_tx_reap(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    return nic->ops->tx_reap(nic, bufs, n);
}

// Asks for an interrupt at the next received frame and, if more than `tx_wake` frames are lent
// for sending (at first: half of the ring), at the moment when no more are. Forgets an interrupt
// that came before. Returns true if what it asks for is there already: poll again
// instead of waiting. Disarm while polling. A broken nic never interrupts.
static inline bool nic_irq_arm(struct nic *nic)
{
    return nic->ops->irq_arm(nic);
}

static inline void nic_irq_disarm(struct nic *nic)
{
    nic->ops->irq_disarm(nic);
}

#endif
