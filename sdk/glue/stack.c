// SPDX-License-Identifier: MIT
// stack.c - slots of address space, and the frames behind those in use.
#include "sdk/glue/stack.h"

#include "core/frame.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "exo/lock.h"

#define GUARD_BYTES ((uint64_t)CORE_FRAME_BYTES)
#define MAX_BYTES   (STACK_SLOTS * STACK_SLOT_BYTES - GUARD_BYTES)

static struct {
    struct exo_lock lock;
    uint64_t taken[STACK_SLOTS / 64]; // one bit a slot
    uint32_t hint;                    // no slot below is free
} slots;

static bool is_taken(uint32_t slot)
{
    return slots.taken[slot / 64] >> (slot % 64) & 1;
}

static void mark(uint32_t slot, uint32_t count, bool taken)
{
    for (uint32_t i = slot; i < slot + count; i++) {
        uint64_t bit = UINT64_C(1) << (i % 64);
        exo_assert(is_taken(i) != taken);
        slots.taken[i / 64] ^= bit;
    }
}

// The lowest run of free slots; STACK_SLOTS if there is none.
static uint32_t find_run(uint32_t count)
{
    uint32_t run = 0;
    for (uint32_t slot = slots.hint; slot < STACK_SLOTS; slot++) {
        run = is_taken(slot) ? 0 : run + 1;
        if (run == count)
            return slot + 1 - count;
    }
    return STACK_SLOTS;
}

static uint32_t slots_for(size_t bytes)
{
    return (uint32_t)((bytes + GUARD_BYTES + STACK_SLOT_BYTES - 1) / STACK_SLOT_BYTES);
}

size_t stack_bytes_of(size_t bytes)
{
    return exo_align_up(bytes, CORE_FRAME_BYTES);
}

static void unmap_pages(uint64_t lowest, uint64_t end)
{
    for (uint64_t at = lowest; at < end; at += CORE_FRAME_BYTES) {
        struct pa frame;
        int failed = core_pt_unmap((struct va){at}, &frame);
        exo_assert(!failed);
        core_frame_release(NULL, frame, 1);
    }
}

static int map_page(uint64_t at)
{
    struct pa frame;
    if (core_frame_claim(NULL, 1, 1, &frame) != 0)
        return -EXO_ENOMEM;
    int failed = core_pt_map((struct va){at}, frame, CORE_PT_WRITE);
    if (failed)
        core_frame_release(NULL, frame, 1);
    return failed;
}

static int map_pages(uint64_t lowest, uint64_t end)
{
    for (uint64_t at = lowest; at < end; at += CORE_FRAME_BYTES) {
        int failed = map_page(at);
        if (failed) {
            unmap_pages(lowest, at);
            return failed;
        }
    }
    return 0;
}

static uint32_t claim_slots(uint32_t count)
{
    exo_lock_take(&slots.lock);
    uint32_t slot = find_run(count);
    if (slot != STACK_SLOTS) {
        mark(slot, count, true);
        slots.hint = slot == slots.hint ? slot + count : slots.hint;
    }
    exo_lock_give(&slots.lock);
    return slot;
}

static void release_slots(uint32_t slot, uint32_t count)
{
    exo_lock_take(&slots.lock);
    mark(slot, count, false);
    slots.hint = EXO_MIN(slots.hint, slot);
    exo_lock_give(&slots.lock);
}

int stack_alloc(size_t bytes, void **lowest)
{
    if (bytes == 0 || bytes > MAX_BYTES)
        return -EXO_EINVAL;
    uint32_t count = slots_for(stack_bytes_of(bytes));
    uint32_t slot = claim_slots(count);
    if (slot == STACK_SLOTS)
        return -EXO_ENOSPC;
    uint64_t base = STACK_REGION + slot * STACK_SLOT_BYTES + GUARD_BYTES;
    int failed = map_pages(base, base + stack_bytes_of(bytes));
    if (failed) {
        release_slots(slot, count);
        return failed;
    }
    *lowest = (void *)base;
    return 0;
}

// The pages first: a slot that is free has nothing mapped.
void stack_free(void *lowest, size_t bytes)
{
    uint64_t base = (uint64_t)lowest;
    uint32_t slot = (uint32_t)((base - STACK_REGION) / STACK_SLOT_BYTES);
    unmap_pages(base, base + stack_bytes_of(bytes));
    release_slots(slot, slots_for(stack_bytes_of(bytes)));
}
