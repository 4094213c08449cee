// SPDX-License-Identifier: MIT
// nic_bufs.h - buffers for an app that drives a NIC itself, without a netstack's packets.
//
//     nic_bufs_init(&bufs, nic);          // they all wait for frames
//     n = nic_rx_burst(nic, in, BURST);   // … a request is answered where it lies,
//     nic_tx_burst(nic, in, n);           // and there is room for it in the other ring
//     n = nic_tx_reap(nic, in, BURST);
//     nic_bufs_lend(&bufs, in, n);        // empty again
//     nic_close(nic);
//     nic_bufs_fini(&bufs);
//
// There are as many as the shorter of both rings has slots: wherever they all are, they fit.
#ifndef DEV_NIC_BUFS_H
#define DEV_NIC_BUFS_H

#include "dev/nic.h"

struct nic_bufs {
    struct nic *nic;
    struct pa memory;     // one buffer behind the other, each with the driver's headroom
    uint64_t frames;      // of that
    uint32_t space_bytes; // in a buffer, for a frame
};

// Claims memory for buffers that hold the largest frame of the NIC, and lends them all to it.
//
// Owner:  the memory belongs to `bufs` until nic_bufs_fini; the caller closes the NIC before.
// Errors: -EXO_ENOMEM.
int nic_bufs_init(struct nic_bufs *bufs, struct nic *nic);
void nic_bufs_fini(struct nic_bufs *bufs);

// Lends some of them for reception again, with all their space.
void nic_bufs_lend(const struct nic_bufs *bufs, struct nic_buf *empty, uint32_t n);

#endif
