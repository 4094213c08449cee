// SPDX-License-Identifier: MIT
// nicq.c - the table of owned NIC queue pairs.
#include "core/nicq.h"

#include "core/flow.h"
#include "core/frame.h"
#include "core/irq.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/err.h"

// Null if there is none. Under the lock, as all that looks at the table.
static struct core_nicq *find(struct core_nic nic, uint16_t index)
{
    for (uint32_t i = 0; i < CORE_NICQ_MAX; i++) {
        struct core_nicq *q = &core_state.nicqs[i];
        if (q->owner && q->index == index && core_nic_same(q->nic, nic))
            return q;
    }
    return NULL;
}

bool nicq_complete(struct core_nic nic, uint16_t index)
{
    const struct core_nicq *q = find(nic, index);
    return q && q->irq >= 0;
}

static struct core_nicq *free_slot(void)
{
    for (uint32_t i = 0; i < CORE_NICQ_MAX; i++) {
        if (!core_state.nicqs[i].owner)
            return &core_state.nicqs[i];
    }
    return NULL;
}

// Enters the pair's name, so that nobody else gets it while its memory is being found. As
// long as a pair has no line it is not complete, and has no flows.
static int reserve(struct core_nic nic, uint16_t index, const char *owner, struct core_nicq **slot)
{
    if (find(nic, index))
        return -EXO_EBUSY;
    *slot = free_slot();
    if (!*slot)
        return -EXO_ENOSPC;
    **slot = (struct core_nicq){.nic = nic, .index = index, .irq = -1, .owner = owner};
    return 0;
}

// Finds its memory and a line, which it returns.
static int claim_parts(struct core_nicq *q, uint32_t rx_bytes, uint32_t tx_bytes)
{
    int err = core_dma_claim(NULL, rx_bytes, CORE_FRAME_BYTES, CORE_DMA_ANYWHERE, &q->rx);
    if (err < 0)
        return err;
    err = core_dma_claim(NULL, tx_bytes, CORE_FRAME_BYTES, CORE_DMA_ANYWHERE, &q->tx);
    if (err < 0)
        goto release_rx;
    err = core_irq_claim(q->owner);
    if (err < 0)
        goto release_tx;
    return err;

release_tx:
    core_dma_release(&q->tx);
release_rx:
    core_dma_release(&q->rx);
    return err;
}

int core_nicq_claim(struct core_nic nic, uint16_t index, uint32_t rx_bytes, uint32_t tx_bytes,
                    const char *owner, struct core_nicq *out)
{
    exo_assert(owner);
    struct core_nicq *slot;
    exo_lock_take(&core_state.nicqs_lock);
    int err = reserve(nic, index, owner, &slot);
    exo_lock_give(&core_state.nicqs_lock);
    if (err < 0)
        return err;
    int irq = claim_parts(slot, rx_bytes, tx_bytes);
    exo_lock_take(&core_state.nicqs_lock);
    slot->irq = irq;
    slot->owner = irq < 0 ? NULL : owner; // without one it leaves the table
    exo_lock_give(&core_state.nicqs_lock);
    if (irq < 0)
        return irq;
    *out = *slot;
    return 0;
}

void core_nicq_release(struct core_nicq *q)
{
    exo_lock_take(&core_state.nicqs_lock);
    struct core_nicq *slot = find(q->nic, q->index);
    exo_assert(slot && slot->irq == q->irq && slot->irq >= 0);
    exo_assert(!flow_bound(q->nic, q->index));
    slot->irq = -1;
    exo_lock_give(&core_state.nicqs_lock);
    core_irq_release(q->irq);
    core_dma_release(&q->tx);
    core_dma_release(&q->rx);
    exo_lock_take(&core_state.nicqs_lock);
    slot->owner = q->owner = NULL;
    exo_lock_give(&core_state.nicqs_lock);
}
