// SPDX-License-Identifier: MIT
// nic_face.h - the inside of nic_share.h: what a share and its faces are made of.
//
//     nic_share.c   who has a face: opening, binding, closing
//     nic_face.c    how its frames move: all calls but the last of a struct nic
//
// A face's receive buffers stand in one circle, oldest first, and so do those it sends:
//
//     rx   taken .. filled    hold frames for the owner     tx   reaped .. given   with the device,
//          filled .. posted   are empty                                            or done
//                                                                given .. sent     wait for home
//
// The counters are 32 bits and wrap; differences are what counts.
//
// The device is touched on one CPU only, its home, to which its interrupt line belongs. A face
// opened elsewhere is away: its calls move buffers in its circles, under the lock, and call home,
// by raising that line, when there is something to do at the device.
#ifndef DEV_NIC_FACE_H
#define DEV_NIC_FACE_H

#include "core/dma.h"
#include "core/flow.h"
#include "dev/nic_share.h"
#include "exo/bits.h"
#include "exo/lock.h"

#define NIC_FACE_SLOTS    256u // of either circle, at most; a power of two
#define NIC_FACE_HEADROOM 64u  // in the buffers of the device's receive ring

struct tx_slot {        // a frame that an owner sends
    struct nic_buf buf; // as it was lent
    struct face *face;  // whose it is
    bool done;          // the device is not reading it, or never was
};

struct face {
    struct nic nic; // what its owner sees
    struct nic_share *share;
    struct core_flow flow; // owner is null: the rest
    struct nic_share_stats stats;
    bool away;                               // its CPU is not the device's
    bool armed;                              // its line is to be raised when there is something
    uint32_t tx_in_device;                   // of [tx_reaped, tx_given), those that are not done
    uint32_t rx_taken, rx_filled, rx_posted; // the drawing above
    uint32_t tx_reaped, tx_given, tx_sent;
    struct nic_buf rx[NIC_FACE_SLOTS];
    struct tx_slot tx[NIC_FACE_SLOTS];
};

struct nic_share {
    struct exo_lock lock;                    // of all of this, and of the faces
    struct nic *device;                      // null once it has been stopped
    struct core_dma bufs;                    // what the device's receive ring is filled with,
    uint32_t buf_bytes;                      // each so long
    uint32_t faces_max, face_count;          // agreed on; bound now
    struct face *faces[NIC_SHARE_FACES_MAX]; // of filters inner before outer, then the rest
    uint32_t users;                          // faces that are not freed, and who opened it
    uint64_t rx_nobodys;                     // frames dropped because no face was for them
    bool called;                             // home's line was raised, and home has not looked
    struct face *overdue;                    // closing; has waited too long for the device
};

static inline struct face *face_of(struct nic *nic)
{
    return EXO_CONTAINER(nic, struct face, nic);
}

static inline bool face_is_rest(const struct face *face)
{
    return !face->flow.owner;
}

// What a buffer of the device's receive ring holds.
static inline uint32_t share_buf_space(const struct nic_share *s)
{
    return s->buf_bytes - NIC_FACE_HEADROOM;
}

// The operations of every face.
extern const struct nic_ops face_ops;

// Takes the share's lock, unless there is no device any more: then returns null.
struct nic_share *face_enter(const struct face *face);
void face_leave(struct nic_share *s);

// ---- with the lock taken ----

// At home: sorts what has arrived, takes back what was sent, and gives the device what waits,
// for all faces.
void share_pump(struct nic_share *s);

// Away: makes home do that soon.
void share_call_home(struct nic_share *s);

// At home: ends the device, once: flows are released, faces broken, sleepers woken. After it
// nobody's memory is read or written by the device any more.
void share_stop(struct nic_share *s);

// ---- nic_share.c ----

void face_close(struct nic *nic);

#endif
