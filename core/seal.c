// SPDX-License-Identifier: MIT
// seal.c - takes the right to write out of the entries that map sealed pages.
#include "core/seal.h"

#include "core/frame.h"
#include "core/image.h"
#include "core/state.h"
#include "exo/assert.h"
#include "hal/cpu.h"

#define WRITABLE UINT64_C(0x02)
#define ADDRESS  UINT64_C(0x000ffffffffff000)

// The image is mapped by 4 KiB pages from the start on (pt.c), so every table is there.
static uint64_t *entry_of(uint64_t va)
{
    uint64_t *table = core_state.pml4;
    for (uint32_t shift = 39; shift > 12; shift -= 9)
        table = core_phys((struct pa){table[va >> shift & 511] & ADDRESS});
    return &table[va >> 12 & 511];
}

static void seal(const void *start, const void *end)
{
    for (uint64_t va = (uint64_t)start; va < (uint64_t)end; va += EXO_SEAL_BYTES) {
        *entry_of(va) &= ~WRITABLE;
        hal_invlpg(va);
    }
}

void core_seal(void)
{
    exo_assert(core_state.cpus_running == 0); // another could go on writing, by its TLB
    seal(core_sealed_start, core_sealed_end);
    seal(&core_state.handoff, &core_state + 1);
}
