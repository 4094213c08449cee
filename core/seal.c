// SPDX-License-Identifier: MIT
// seal.c - takes the right to write out of the entries that map sealed pages.
#include "core/seal.h"

#include "core/image.h"
#include "core/pt_live.h"
#include "core/state.h"
#include "exo/assert.h"
#include "hal/cpu.h"

static void set(const void *start, const void *end, uint64_t writable)
{
    exo_assert(core_state.cpus_running == 0); // another could go on writing, by its TLB
    for (uint64_t va = (uint64_t)start; va < (uint64_t)end; va += EXO_SEAL_BYTES) {
        uint64_t *entry = pt_image_entry(va);
        *entry = (*entry & ~PT_WRITABLE) | writable;
        hal_invlpg(va);
    }
}

void core_seal(void)
{
    set(core_sealed_start, core_sealed_end, 0);
    seal_facts();
}

void seal_facts(void)
{
    set(&core_state.handoff, &core_state + 1, 0);
}

void seal_open_facts(void)
{
    set(&core_state.handoff, &core_state + 1, PT_WRITABLE);
}
