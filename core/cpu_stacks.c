// SPDX-License-Identifier: MIT
// cpu_stacks.c - single frames, mapped one by one.
#include "core/cpu_stacks.h"

#include "core/frame.h"
#include "core/guard.h"
#include "core/log.h"
#include "core/pt.h"
#include "core/smp.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "hal/apics.h"

#define PAGE       UINT64_C(4096)
#define SLOT_BYTES UINT64_C(0x20000)
#define REGION     (CORE_PT_HIGH_END - HAL_CPUS_MAX * SLOT_BYTES)

// Offsets in a slot: the first byte of each stack, and the end.
static const struct {
    uint32_t start, end;
    const char *what;
} stacks[] = {
    {0x01000, 0x11000, "stack overflow of a CPU"},
    {0x12000, 0x14000, "overflow of a CPU's stack for faults"},
    {0x15000, 0x17000, "overflow of a CPU's stack for double faults"},
    {0x18000, 0x1a000, "overflow of a CPU's stack for NMIs"},
    {0x1b000, 0x1d000, "overflow of a CPU's stack for machine checks"},
};

_Static_assert(EXO_COUNT(stacks) == 1 + HAL_FAULT_STACKS, "one for code, the rest for faults");
_Static_assert(0x11000 - 0x01000 == CORE_CPU_STACK_BYTES, "smp.h promises it");
_Static_assert(0x14000 - 0x12000 == HAL_FAULT_STACK_BYTES, "as CPU 0 has them");

static int map_page(uint64_t at)
{
    struct pa frame;
    int failed = core_frame_claim(NULL, 1, 1, &frame);
    if (failed)
        return failed;
    failed = core_pt_map((struct va){at}, frame, CORE_PT_WRITE);
    if (failed)
        core_frame_release(NULL, frame, 1);
    return failed;
}

static bool is_stack(uint64_t offset)
{
    for (uint32_t i = 0; i < EXO_COUNT(stacks); i++) {
        if (offset >= stacks[i].start && offset < stacks[i].end)
            return true;
    }
    return false;
}

// Takes out what lies in a slot below an offset.
static void unmap_below(uint64_t slot, uint64_t end)
{
    for (uint64_t offset = 0; offset < end; offset += PAGE) {
        struct pa frame;
        if (!is_stack(offset))
            continue;
        int failed = core_pt_unmap((struct va){slot + offset}, &frame);
        exo_assert(!failed);
        core_frame_release(NULL, frame, 1);
    }
}

static bool explain(void *ctx, struct va at, struct core_guard_hit *out)
{
    (void)ctx;
    uint64_t offset = (at.v - REGION) % SLOT_BYTES;
    for (uint32_t i = 0; i < EXO_COUNT(stacks); i++) {
        if (offset + PAGE < stacks[i].start || offset >= stacks[i].start)
            continue;
        *out = (struct core_guard_hit){
            .what = stacks[i].what,
            .start = {at.v - offset + stacks[i].start},
            .bytes = stacks[i].end - stacks[i].start,
        };
        return true;
    }
    return false;
}

int cpu_stacks_map(uint32_t slot, struct cpu_stacks *out)
{
    uint64_t start = REGION + slot * SLOT_BYTES;
    for (uint64_t offset = 0; offset < SLOT_BYTES; offset += PAGE) {
        int failed = is_stack(offset) ? map_page(start + offset) : 0;
        if (failed) {
            unmap_below(start, offset);
            return failed;
        }
    }
    out->top = start + stacks[0].end;
    for (uint32_t i = 0; i < HAL_FAULT_STACKS; i++)
        out->fault[i] = start + stacks[i + 1].end;
    return 0;
}

void cpu_stacks_explain(void)
{
    int failed = core_guard_add((struct va){REGION}, (struct va){CORE_PT_HIGH_END}, explain, NULL);
    if (failed)
        core_log("core: overflows of CPUs' stacks will not be named (%d)", failed);
}
