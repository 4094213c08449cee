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

int core_mmio_claim(struct pa at, uint64_t bytes, const char *owner, volatile uint8_t **regs)
{
    exo_assert(owner);
    struct core_mmio_window *slot = NULL;
    uint64_t end = at.v + bytes;
    if (bytes == 0 || end < at.v)
        return -EXO_EINVAL;
    for (uint32_t i = 0; i < CORE_MMIO_MAX; i++) {
        struct core_mmio_window *window = &core_state.mmio[i];
        if (overlaps(window, at.v, end))
            return -EXO_EBUSY;
        if (!window->owner && !slot)
            slot = window;
    }
    if (!slot)
        return -EXO_ENOSPC;
    *regs = pt_map_device(at, bytes);
    if (!*regs)
        return -EXO_EINVAL;
    *slot = (struct core_mmio_window){.start = at.v, .end = end, .owner = owner};
    return 0;
}

void core_mmio_release(struct pa at)
{
    for (uint32_t i = 0; i < CORE_MMIO_MAX; i++) {
        struct core_mmio_window *window = &core_state.mmio[i];
        if (window->owner && window->start == at.v) {
            window->owner = NULL;
            return;
        }
    }
    exo_assert(!"the window has an owner");
}

int core_mmio_peek32(struct pa at, uint32_t *out)
{
    volatile void *reg = exo_is_aligned(at.v, 4) ? pt_map_device(at, 4) : NULL;
    if (!reg)
        return -EXO_EINVAL;
    *out = hal_mmio_read32(reg);
    return 0;
}
