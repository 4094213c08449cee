// SPDX-License-Identifier: MIT
// stack_guard.c - finds the stack beside a page that is not mapped, and the task in it.
//
// All this runs in the report of a fault: it looks at page tables before it reads, and takes
// a name only from the image's constants.
#include "sdk/glue/stack_guard.h"

#include "core/guard.h"
#include "core/image.h"
#include "core/log.h"
#include "exo/bits.h"
#include "sched/sched.h"
#include "sdk/glue/stack.h"

#define PAGE       UINT64_C(4096)
#define REGION_END (STACK_REGION + STACK_SLOTS * STACK_SLOT_BYTES)

static bool is_mapped(uint64_t at)
{
    struct core_pt_entry entry;
    return at >= STACK_REGION && at < REGION_END && core_pt_query((struct va){at}, &entry) == 0;
}

static const char *name_of(const struct task *task, uint64_t lowest)
{
    const uint8_t *name = (const uint8_t *)task->name;
    bool is_literal = name >= core_text_end && name < core_rodata_end;
    return (uint64_t)task->stack == lowest && is_literal ? task->name : NULL;
}

// The pages of one stack are mapped in a row, and those on either side of it are not.
static void describe(uint64_t inside, struct core_guard_hit *out)
{
    uint64_t lowest = exo_align_down(inside, PAGE), end = lowest + PAGE;
    while (is_mapped(lowest - PAGE))
        lowest -= PAGE;
    while (is_mapped(end))
        end += PAGE;
    out->name = name_of((const struct task *)(end - sizeof(struct task)), lowest);
    out->start.v = lowest;
    out->bytes = end - lowest;
}

static bool explain(void *ctx, struct va at, struct core_guard_hit *out)
{
    (void)ctx;
    uint64_t page = exo_align_down(at.v, PAGE);
    if (is_mapped(page))
        return false;
    if (is_mapped(page + PAGE)) {
        out->what = "stack overflow of task";
        describe(page + PAGE, out);
    } else if (is_mapped(page - PAGE)) {
        out->what = "above the stack of task";
        describe(page - PAGE, out);
    } else {
        *out = (struct core_guard_hit){.what = "no stack, or that of a task that has ended"};
    }
    return true;
}

void stack_guard_watch(void)
{
    static bool watched;
    if (__atomic_exchange_n(&watched, true, __ATOMIC_RELAXED))
        return;
    int failed = core_guard_add((struct va){STACK_REGION}, (struct va){REGION_END}, explain, NULL);
    if (failed)
        core_log("run: stack overflows will be reported without a name (error %d)", -failed);
}
