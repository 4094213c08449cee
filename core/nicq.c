// SPDX-License-Identifier: MIT
// nicq.c - the table of owned NIC queue pairs.
#include "core/nicq.h"

#include <string.h>

#include "core/frame.h"
#include "core/irq.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"

static bool is_pair(const struct core_nicq *q, struct core_nic nic, uint16_t index)
{
    return q->owner && q->index == index && q->nic.bus == nic.bus && q->nic.at == nic.at;
}

static struct core_nicq *find(struct core_nic nic, uint16_t index)
{
    for (uint32_t i = 0; i < CORE_NICQ_MAX; i++) {
        if (is_pair(&core_state.nicqs[i], nic, index))
            return &core_state.nicqs[i];
    }
    return NULL;
}

static struct core_nicq *free_slot(void)
{
    for (uint32_t i = 0; i < CORE_NICQ_MAX; i++) {
        if (!core_state.nicqs[i].owner)
            return &core_state.nicqs[i];
    }
    return NULL;
}

static uint64_t frames_of(const struct core_nicq_ring *ring)
{
    return ring->bytes / CORE_FRAME_BYTES;
}

static int claim_ring(uint32_t bytes, struct core_nicq_ring *ring)
{
    uint64_t whole = exo_align_up(bytes, CORE_FRAME_BYTES);
    if (whole == 0 || whole > UINT32_MAX)
        return -EXO_ENOMEM;
    int err = core_frame_claim(NULL, whole / CORE_FRAME_BYTES, 1, &ring->pa);
    if (err < 0)
        return err;
    ring->bytes = (uint32_t)whole;
    ring->mem = memset(core_phys(ring->pa), 0, whole);
    return 0;
}

static void release_ring(struct core_nicq_ring *ring)
{
    core_frame_release(NULL, ring->pa, frames_of(ring));
}

int core_nicq_claim(struct core_nic nic, uint16_t index, uint32_t rx_bytes, uint32_t tx_bytes,
                    const char *owner, struct core_nicq *out)
{
    exo_assert(owner);
    if (find(nic, index))
        return -EXO_EBUSY;
    struct core_nicq *slot = free_slot();
    if (!slot)
        return -EXO_ENOSPC;

    struct core_nicq q = {.nic = nic, .index = index, .owner = owner};
    int err = claim_ring(rx_bytes, &q.rx);
    if (err < 0)
        return err;
    err = claim_ring(tx_bytes, &q.tx);
    if (err < 0)
        goto release_rx;
    err = q.irq = core_irq_claim(owner);
    if (err < 0)
        goto release_tx;
    *slot = *out = q;
    return 0;

release_tx:
    release_ring(&q.tx);
release_rx:
    release_ring(&q.rx);
    return err;
}

void core_nicq_release(struct core_nicq *q)
{
    struct core_nicq *slot = find(q->nic, q->index);
    exo_assert(slot && slot->irq == q->irq);
    core_irq_release(slot->irq);
    release_ring(&slot->tx);
    release_ring(&slot->rx);
    *slot = (struct core_nicq){.owner = NULL};
    q->owner = NULL;
}
