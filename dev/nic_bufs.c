// SPDX-License-Identifier: MIT
// nic_bufs.c - memory cut into buffers.
#include "dev/nic_bufs.h"

#include "core/frame.h"
#include "exo/bits.h"

#define LINE_BYTES 64u // of the cache: each frame begins on one of its own
#define HEAD_BYTES 18u // of a frame: Ethernet's 14, and a VLAN tag
#define BURST      32u // lent at once: a device is told once a call

// Lends `count` buffers, whose frames begin `step` bytes one behind the other.
static void lend_first(const struct nic_bufs *bufs, struct pa at, uint32_t count, uint64_t step)
{
    struct nic_buf empty[BURST];
    while (count) {
        const uint32_t n = EXO_MIN(count, BURST);
        for (uint32_t i = 0; i < n; i++, at.v += step)
            empty[i] = (struct nic_buf){.data = core_phys(at), .pa = at};
        nic_bufs_lend(bufs, empty, n);
        count -= n;
    }
}

int nic_bufs_init(struct nic_bufs *bufs, struct nic *nic)
{
    const uint32_t count = EXO_MIN(nic->rx_slots, nic->tx_slots);
    const uint64_t headroom = exo_align_up(nic->headroom_bytes, LINE_BYTES);
    const uint32_t space = EXO_MIN(nic->mtu_bytes + HEAD_BYTES, (uint32_t)UINT16_MAX);
    const uint64_t step = exo_align_up(headroom + space, LINE_BYTES);
    const uint64_t frames = exo_align_up(count * step, CORE_FRAME_BYTES) / CORE_FRAME_BYTES;
    *bufs = (struct nic_bufs){.nic = nic, .frames = frames, .space_bytes = space};
    const int err = core_frame_claim(NULL, bufs->frames, 1, &bufs->memory);
    if (err < 0)
        return err;
    lend_first(bufs, (struct pa){bufs->memory.v + headroom}, count, step);
    return 0;
}

void nic_bufs_fini(struct nic_bufs *bufs)
{
    core_frame_release(NULL, bufs->memory, bufs->frames);
}

void nic_bufs_lend(const struct nic_bufs *bufs, struct nic_buf *empty, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        empty[i].len = bufs->space_bytes;
    nic_rx_post(bufs->nic, empty, n);
}
