// SPDX-License-Identifier: MIT
// mmio.c - the table of owned register windows.
#include "core/mmio.h"

#include "core/pt.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/mmio.h"

static bool overlaps(const struct core_mmio_window *window, uint64_t start, uint64_t end)
{
    return window->owner && start < window->end && window->start < end;
}

// Under the lock, as all that looks at the table.
static int claim(struct pa at, uint64_t bytes, const char *owner, volatile uint8_t **regs)
{
    struct core_mmio_window *slot = NULL;
    for (uint32_t i = 0; i < CORE_MMIO_MAX; i++) {
        struct core_mmio_window *window = &core_state.mmio[i];
        if (overlaps(window, at.v, at.v + bytes))
            return -EXO_EBUSY;
        if (!window->owner && !slot)
            slot = window;
    }
    if (!slot)
        return -EXO_ENOSPC;
    *regs = pt_map_device(at, bytes);
    if (!*regs)
        return -EXO_EINVAL;
    *slot = (struct core_mmio_window){.start = at.v, .end = at.v + bytes, .owner = owner};
    return 0;
}

int core_mmio_claim(struct pa at, uint64_t bytes, const char *owner, volatile uint8_t **regs)
{
    exo_assert(owner);
    if (bytes == 0 || at.v + bytes < at.v)
        return -EXO_EINVAL;
    exo_lock_take(&core_state.mmio_lock);
    int err = claim(at, bytes, owner, regs);
    exo_lock_give(&core_state.mmio_lock);
    return err;
}

void core_mmio_release(struct pa at)
{
    exo_lock_take(&core_state.mmio_lock);
    uint32_t i = 0;
    while (i < CORE_MMIO_MAX && (!core_state.mmio[i].owner || core_state.mmio[i].start != at.v))
        i++;
    exo_assert(i < CORE_MMIO_MAX); // else nobody has a window that begins there
    core_state.mmio[i].owner = NULL;
    exo_lock_give(&core_state.mmio_lock);
}

int core_mmio_peek32(struct pa at, uint32_t *out)
{
    volatile void *reg = exo_is_aligned(at.v, 4) ? pt_map_device(at, 4) : NULL;
    if (!reg)
        return -EXO_EINVAL;
    *out = hal_mmio_read32(reg);
    return 0;
}
