// SPDX-License-Identifier: MIT
// nicq.h - a NIC queue pair as a primitive: ring memory and an interrupt line, owned.
//
// Ownership. From core_nicq_claim to core_nicq_release the queue pair belongs to one
// owner: only that owner writes its ring memory and rings its doorbell, and core never
// looks inside. Core does not know descriptor formats; dev/ring does. Two owners can
// drive two queues of one NIC and neither can claim the other's. Release only after
// the device was told to stop (reset, or queue reset): the frames go to somebody else.
//
//         owner ── writes ──► ring memory ◄── DMA ── device
//                                 ▲
//         core ── hands out, takes back; never reads
#ifndef CORE_NICQ_H
#define CORE_NICQ_H

#include "core/dma.h"
#include "core/pci.h"
#include "exo/types.h"

#define CORE_NICQ_MAX 16 // queue pairs that can be owned at one time, over all NICs

// Which NIC: its place on its bus. Equal places are the same device.
struct core_nic {
    enum { CORE_NIC_PCI, CORE_NIC_MMIO } bus;
    uint64_t at; // segment << 24 | bus << 16 | device << 8 | function; its registers' address
};

static inline struct core_nic core_nic_pci(struct pci_addr at)
{
    uint64_t place = (uint64_t)at.segment << 24 | (uint64_t)at.bus << 16 |
                     (uint64_t)at.device << 8 | at.function;
    return (struct core_nic){.bus = CORE_NIC_PCI, .at = place};
}

static inline struct core_nic core_nic_mmio(struct pa at)
{
    return (struct core_nic){.bus = CORE_NIC_MMIO, .at = at.v};
}

static inline bool core_nic_same(struct core_nic a, struct core_nic b)
{
    return a.bus == b.bus && a.at == b.at;
}

struct core_nicq {
    struct core_nic nic;
    uint16_t index;     // queue pair 0 …
    struct core_dma rx; // ring memory, device → owner
    struct core_dma tx; // owner → device
    int irq;            // one line for both directions
    const char *owner;
};

// Claims queue pair `index` of `nic`, with ring memory of at least the
// sizes given (as the format in dev/ring computes them).
//
// Owner:  gives the pair, its memory and its interrupt line to the caller.
// Errors: -EXO_EBUSY   the pair has an owner.
//         -EXO_ENOMEM  no frames for the rings.
//         -EXO_ENOSPC  CORE_NICQ_MAX pairs, or all interrupt lines, are owned.
int core_nicq_claim(struct core_nic nic, uint16_t index, uint32_t rx_bytes, uint32_t tx_bytes,
                    const char *owner, struct core_nicq *out);

// Takes the pair back. `q` is dead afterwards. Its flows (core/flow.h) were released before.
void core_nicq_release(struct core_nicq *q);

// ---- within core, under nicqs_lock ----

// Has the pair an owner, and all its parts? (nicq.c)
bool nicq_complete(struct core_nic nic, uint16_t index);

// Has any flow of the pair? (flow.c)
bool flow_bound(struct core_nic nic, uint16_t index);

#endif
