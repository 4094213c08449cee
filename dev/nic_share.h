// SPDX-License-Identifier: MIT
// nic_share.h - one queue pair, several owners: each has a face, which is a NIC to it.
//
//                        ┌► face: UDP port 7007 ─► an app's own loop
//     device ─► ring ─► sort                         every face is a struct nic (dev/nic.h):
//                        └► face: the rest ─────► a netstack     its own buffers, line, counters
//
//     struct nic_share *share;
//     struct nic *rest, *echo;
//     nic_share_open(0, 0, 2, "app", &share);
//     nic_share_face(share, NULL, "net", &rest);
//     nic_share_face(share, &(struct core_flow_filter){.ethertype = 0x0800, .protocol = 17,
//                                                      .local_port = 7007}, "echo", &echo);
//
// Received frames are sorted by the flows that the faces are bound to (core/flow.h), and each
// is copied once, into the next buffer that its owner has posted. The device's ring is filled
// with buffers of our own: no owner sees another's frames, and one that posts nothing loses its
// own frames and nobody else's. Sent frames are not copied, and each face has its part of the
// transmit ring. docs/decisions/flow-binding.md has the alternatives.
//
// There is no thread behind this: any call on any face sorts what has arrived, for all of
// them, and raises the lines of those that wait. Only the CPU that opened the share touches the
// device. A face belongs to the CPU that opened it; one of another CPU leaves the device to
// the first, and wakes it: there somebody has to poll a face, or to wait in nic_irq_arm.
#ifndef DEV_NIC_SHARE_H
#define DEV_NIC_SHARE_H

#include "core/flow_match.h"
#include "dev/nic.h"

#define NIC_SHARE_FACES_MAX 8u

struct nic_share;

struct nic_share_stats {   // of one face, beside its nic.stats
    uint64_t rx_no_buffer; // frames dropped because the owner had no buffer posted
    uint64_t rx_too_long;  // … because the next one was too short
    uint64_t tx_not_ours;  // … because the filter does not let its owner send them
};

// Opens queue pair `queue` of the `nth` NIC, to be shared by up to `faces` owners (1 …
// NIC_SHARE_FACES_MAX), each of which gets an equal part of the transmit ring.
//
// Owner:  gives the share to the caller, until nic_share_close.
// Errors: those of nic_open; -EXO_ENOMEM; -EXO_EINVAL  `faces`.
int nic_share_open(uint32_t nth, uint16_t queue, uint32_t faces, const char *owner,
                   struct nic_share **out);

// Opens a face for `owner`: the frames that match `filter`, or with a null filter the rest,
// which is whatever no other face has. Without the rest open, such frames are dropped.
//
// A face of a filter sends only frames that match it the other way round; others are counted,
// and their buffers come back as though sent. The rest may send anything.
//
// Owner:  gives the face to the caller, until nic_close. That returns when the device has done
//         with the owner's buffers; a device that keeps them for a second is stopped, for all.
//         On another CPU than the device's, nic_close waits for that one to look.
// Errors: -EXO_EINVAL, -EXO_EBUSY as core_flow_bind; -EXO_EBUSY  the rest has an owner;
//         -EXO_ENOSPC  as many faces as were agreed on, or all interrupt lines, are owned: one
//                      that is closing is, until its nic_close returns;
//         -EXO_ENOMEM; -EXO_EIO  the device broke its protocol, or the share is closed.
int nic_share_face(struct nic_share *share, const struct core_flow_filter *filter,
                   const char *owner, struct nic **out);

// Stops the device; on the CPU that opened it. Faces that are still open are broken from now on, as
// all are if the device breaks its protocol; their owners close them, in any order.
void nic_share_close(struct nic_share *share);

// Frames dropped because no face was open for them.
uint64_t nic_share_nobodys(const struct nic_share *share);

// What a face has dropped, and why.
struct nic_share_stats nic_share_stats(const struct nic *face);

#endif
