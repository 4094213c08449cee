// SPDX-License-Identifier: MIT
// debug_heap.c - a run of pages for each block, with nothing mapped on either side.
#include "sdk/glue/debug_heap.h"

#include "core/frame.h"
#include "core/guard.h"
#include "core/pt.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "exo/lock.h"

#include <string.h>

#define PAGE    ((uint64_t)CORE_FRAME_BYTES)
#define END     (DEBUG_HEAP_START + DEBUG_HEAP_BYTES)
#define PATTERN 0xa5
#define MAGIC   UINT64_C(0x64656275676e6f77) // mixed with the place, as the heap's heads are
#define FREED   (CORE_FRAME_BYTES / sizeof(struct freed))

struct header { // at the start of the run, at least this far before the block
    uint64_t magic;
    uint64_t block; // its address
    uint64_t bytes; // as asked for
    uint64_t pages; // of the run
};

struct freed { // a block that is gone, for reports
    uint64_t start, bytes;
    uint64_t end; // of its run
    uint64_t run;
};

static struct {
    struct exo_lock lock;
    uint64_t next;       // where the next run begins; behind it, up to END, if !wrapped, nothing is
    bool wrapped;        // addresses are used for the second time
    struct freed *freed; // a ring of one frame; null while the heap is off
    uint64_t freed_count;
    size_t bytes; // in runs
    size_t peak;
    size_t blocks;
} state;

bool debug_heap_is_on(void)
{
    return state.freed;
}

bool debug_heap_owns(const void *ptr)
{
    return (uint64_t)ptr - DEBUG_HEAP_START < DEBUG_HEAP_BYTES;
}

// --- addresses -------------------------------------------------------------------

static bool is_mapped(uint64_t at)
{
    struct core_pt_entry entry;
    return core_pt_query((struct va){at}, &entry) == 0;
}

// The first mapped page of [start, start + pages), or the end of that.
static uint64_t first_mapped(uint64_t start, uint64_t pages)
{
    uint64_t at = start;
    while (at < start + pages * PAGE && !is_mapped(at))
        at += PAGE;
    return at;
}

// A run begins behind a guard page. With an alignment above a page it is the second page that
// is aligned, behind the one with the header.
static uint64_t run_from(uint64_t at, size_t align)
{
    return align > PAGE ? exo_align_up(at + PAGE, align) - PAGE : at;
}

// Reserves addresses for a run with a guard page behind it; 0 if there are none. Goes round
// and round, so that what was freed last is used again last. The lock is held.
static uint64_t reserve(uint64_t pages, size_t align)
{
    bool again = false;
    for (uint64_t at = run_from(state.next, align);;) {
        if (at > END - PAGE || (END - at) / PAGE <= pages) {
            if (again)
                return 0;
            again = state.wrapped = true;
            at = run_from(DEBUG_HEAP_START + PAGE, align);
            continue;
        }
        uint64_t end = at + (pages + 1) * PAGE;
        uint64_t taken = state.wrapped ? first_mapped(at - PAGE, pages + 2) : end;
        if (taken >= end) {
            state.next = end;
            return at;
        }
        at = run_from(taken + 2 * PAGE, align);
    }
}

// --- pages -----------------------------------------------------------------------

static void unmap_run(uint64_t run, uint64_t pages)
{
    for (uint64_t at = run; at < run + pages * PAGE; at += PAGE) {
        struct pa frame;
        int failed = core_pt_unmap((struct va){at}, &frame);
        exo_assert(!failed);
        core_frame_release(NULL, frame, 1);
    }
}

static bool map_page(uint64_t at)
{
    struct pa frame;
    if (core_frame_claim(NULL, 1, 1, &frame) != 0)
        return false;
    if (core_pt_map((struct va){at}, frame, CORE_PT_WRITE) == 0)
        return true;
    core_frame_release(NULL, frame, 1);
    return false;
}

static bool map_run(uint64_t run, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        if (!map_page(run + i * PAGE)) {
            unmap_run(run, i);
            return false;
        }
    }
    return true;
}

// --- blocks ----------------------------------------------------------------------

static size_t align_of(size_t bytes)
{
    return bytes >= 16 ? 16 : bytes < 2 ? 1 : (size_t)1 << (63 - __builtin_clzll(bytes));
}

// Where in a run of `pages` the block begins: as near to the end as its alignment lets it.
static uint64_t offset_of(uint64_t pages, size_t align, size_t bytes)
{
    return align > PAGE ? PAGE : exo_align_down(pages * PAGE - bytes, align);
}

static uint64_t pages_for(size_t align, size_t bytes)
{
    if (align > PAGE)
        return 1 + exo_align_up(bytes, PAGE) / PAGE;
    uint64_t pages = exo_align_up(bytes + sizeof(struct header), PAGE) / PAGE;
    return pages + (offset_of(pages, align, bytes) < sizeof(struct header));
}

static struct header *header_of(uint64_t block)
{
    return (struct header *)exo_align_down(block - sizeof(struct header), PAGE);
}

static bool is_whole(const struct header *h)
{
    return h->magic == (MAGIC ^ (uint64_t)h) && header_of(h->block) == h;
}

static void count(size_t bytes, size_t blocks)
{
    state.bytes += bytes;
    state.blocks += blocks;
    state.peak = EXO_MAX(state.peak, state.bytes);
}

void *debug_heap_alloc(size_t align, size_t bytes)
{
    if (bytes > DEBUG_HEAP_BYTES / 4 || align > DEBUG_HEAP_BYTES / 4)
        return NULL;
    align = EXO_MAX(align, align_of(bytes));
    uint64_t pages = pages_for(align, bytes);
    if (pages > core_frame_stats().free)
        return NULL; // and nobody else goes without while it is found out page by page
    exo_lock_take(&state.lock);
    uint64_t run = reserve(pages, align);
    exo_lock_give(&state.lock);
    if (!run || !map_run(run, pages))
        return NULL;

    uint64_t block = run + offset_of(pages, align, bytes);
    memset((void *)run, PATTERN, pages * PAGE);
    *(struct header *)run = (struct header){MAGIC ^ run, block, bytes, pages};
    exo_lock_take(&state.lock);
    count(pages * PAGE, 1);
    exo_lock_give(&state.lock);
    return (void *)block;
}

static void check_pattern(uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at++)
        exo_assert(*(uint8_t *)at == PATTERN); // written before or behind the block's bytes
}

static struct header *checked_header(const void *ptr)
{
    struct header *h = header_of((uint64_t)ptr);
    exo_assert(is_mapped((uint64_t)h)); // freed twice, or never allocated
    exo_assert(is_whole(h) && h->block == (uint64_t)ptr);
    return h;
}

void debug_heap_free(void *ptr)
{
    struct header *h = checked_header(ptr);
    uint64_t run = (uint64_t)h;
    uint64_t pages = h->pages;
    struct freed gone = {h->block, h->bytes, run + pages * PAGE, run};
    check_pattern(run + sizeof *h, gone.start);
    check_pattern(gone.start + gone.bytes, gone.end);
    exo_lock_take(&state.lock);
    state.freed[state.freed_count++ % FREED] = gone;
    state.bytes -= pages * PAGE;
    state.blocks--;
    exo_lock_give(&state.lock);
    unmap_run(run, pages);
}

size_t debug_heap_size(const void *ptr)
{
    return checked_header(ptr)->bytes;
}

void debug_heap_count(struct heap_stats *stats)
{
    exo_lock_take(&state.lock);
    stats->total += state.bytes;
    stats->used += state.bytes;
    stats->blocks += state.blocks;
    stats->peak += state.peak;
    exo_lock_give(&state.lock);
}

// --- reports ---------------------------------------------------------------------

static bool hit(struct core_guard_hit *out, const char *what, uint64_t start, uint64_t bytes)
{
    *out = (struct core_guard_hit){.what = what, .start = {start}, .bytes = bytes};
    return true;
}

static const struct freed *find_freed(uint64_t at)
{
    uint64_t known = EXO_MIN(state.freed_count, (uint64_t)FREED);
    for (uint64_t i = 1; i <= known; i++) {
        const struct freed *f = &state.freed[(state.freed_count - i) % FREED];
        if (at >= f->run && at < f->end)
            return f;
    }
    return NULL;
}

// The header of the run whose last page ends at `end`, or null. Looks at one page after the
// other, so a long block takes a while: nobody waits for anything else any more.
static const struct header *run_before(uint64_t end)
{
    uint64_t at = end;
    while (is_mapped(at - PAGE))
        at -= PAGE;
    const struct header *h = (const struct header *)at;
    return at < end && is_whole(h) ? h : NULL;
}

static bool explain(void *ctx, struct va at, struct core_guard_hit *out)
{
    (void)ctx;
    uint64_t page = exo_align_down(at.v, PAGE);
    if (is_mapped(page))
        return false;
    const struct freed *gone = find_freed(page);
    if (gone)
        return hit(out, "use of a freed heap block", gone->start, gone->bytes);
    const struct header *before = run_before(page);
    if (before)
        return hit(out, "past the end of a heap block", before->block, before->bytes);
    const struct header *behind = (const struct header *)(page + PAGE);
    if (page + PAGE < END && is_mapped(page + PAGE) && is_whole(behind))
        return hit(out, "before the beginning of a heap block", behind->block, behind->bytes);
    return hit(out, "no block of the debug heap, or one freed long ago", at.v, 0);
}

int debug_heap_on(void)
{
    if (state.freed)
        return 0;
    struct pa at;
    if (core_frame_claim(NULL, 1, 1, &at) != 0)
        return -EXO_ENOMEM;
    int failed = core_guard_add((struct va){DEBUG_HEAP_START}, (struct va){END}, explain, NULL);
    if (failed) {
        core_frame_release(NULL, at, 1);
        return failed;
    }
    state.next = DEBUG_HEAP_START + PAGE;
    state.freed = core_phys(at);
    return 0;
}
