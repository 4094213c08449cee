// SPDX-License-Identifier: MIT
// frame_pool.c - finds, sets and clears runs of bits, initialising them on the way.
#include "core/frame_pool.h"

#include "core/frame.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"

#define BITS UINT64_C(64) // in a word of the bitmap

void frame_pool_init(struct frame_pool *pool, uint64_t direct_map)
{
    pool->direct_map = direct_map;
    pool->count = 0;
}

bool frame_pool_add(struct frame_pool *pool, uint64_t start, uint64_t end)
{
    uint64_t first = exo_align_up(start, CORE_FRAME_BYTES) / CORE_FRAME_BYTES;
    uint64_t frames = end / CORE_FRAME_BYTES > first ? end / CORE_FRAME_BYTES - first : 0;
    uint64_t bits_per_frame = CORE_FRAME_BYTES * UINT64_C(8);
    uint64_t bitmap = (frames + bits_per_frame) / (bits_per_frame + 1); // rounded up
    if (frames <= bitmap)
        return true; // too small to pay for its own bitmap
    if (pool->count == FRAME_POOL_RANGES)
        return false;
    pool->ranges[pool->count++] = (struct frame_range){
        .first = first + bitmap,
        .count = frames - bitmap,
        .free = frames - bitmap,
        .bits = (uint64_t *)(pool->direct_map + first * CORE_FRAME_BYTES),
    };
    return true;
}

// Makes the bits of [0, end) valid.
static void raise_watermark(struct frame_range *range, uint64_t end)
{
    while (range->watermark < end) {
        range->bits[range->watermark / BITS] = 0;
        range->watermark = EXO_MIN(range->watermark + BITS, range->count);
    }
}

static uint64_t mask_from(uint64_t bit)
{
    return ~UINT64_C(0) << (bit % BITS);
}

// The first claimed frame in [at, end), or `end`.
static uint64_t next_claimed(const struct frame_range *range, uint64_t at, uint64_t end)
{
    uint64_t known = EXO_MIN(end, range->watermark);
    uint64_t mask = mask_from(at);
    for (at -= at % BITS; at < known; at += BITS, mask = ~UINT64_C(0)) {
        uint64_t claimed = range->bits[at / BITS] & mask;
        if (claimed)
            return EXO_MIN(at + (uint64_t)__builtin_ctzll(claimed), end);
    }
    return end;
}

// The first free frame at or behind `at`, or range->count.
static uint64_t next_free(const struct frame_range *range, uint64_t at)
{
    if (at >= range->watermark)
        return EXO_MIN(at, range->count);
    uint64_t mask = mask_from(at);
    for (at -= at % BITS; at < range->watermark; at += BITS, mask = ~UINT64_C(0)) {
        uint64_t free = ~range->bits[at / BITS] & mask;
        if (free)
            return EXO_MIN(at + (uint64_t)__builtin_ctzll(free), range->count);
    }
    return EXO_MIN(at, range->count);
}

// Sets or clears the bits of [at, at + count), all of which are valid and the opposite.
static void flip(struct frame_range *range, uint64_t at, uint64_t count)
{
    for (uint64_t end = at + count; at < end;) {
        uint64_t n = EXO_MIN(BITS - at % BITS, end - at);
        uint64_t ones = n == BITS ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
        range->bits[at / BITS] ^= ones << (at % BITS);
        at += n;
    }
}

static void take(struct frame_range *range, uint64_t at, uint64_t count)
{
    raise_watermark(range, at + count);
    flip(range, at, count);
    range->free -= count;
    if (at == range->hint)
        range->hint = at + count;
}

// The lowest run of `count` free frames whose number is a multiple of `align`; its index
// is returned, or range->count if there is none.
static uint64_t find_run(struct frame_range *range, uint64_t count, uint64_t align)
{
    uint64_t at = range->hint = next_free(range, range->hint);
    while (at < range->count) {
        at = exo_align_up(range->first + at, align) - range->first;
        if (at >= range->count || range->count - at < count)
            break;
        uint64_t claimed = next_claimed(range, at, at + count);
        if (claimed == at + count)
            return at;
        at = next_free(range, claimed);
    }
    return range->count;
}

// The common case without the search for a run: `free` says that the range has a frame.
static int claim_one(struct frame_pool *pool, struct pa *out)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        struct frame_range *range = &pool->ranges[i];
        if (range->free == 0)
            continue;
        uint64_t at = next_free(range, range->hint);
        raise_watermark(range, at + 1);
        range->bits[at / BITS] |= UINT64_C(1) << (at % BITS);
        range->free--;
        range->hint = at + 1;
        *out = (struct pa){(range->first + at) * CORE_FRAME_BYTES};
        return 0;
    }
    return -EXO_ENOMEM;
}

int frame_pool_claim(struct frame_pool *pool, uint64_t count, uint64_t align, struct pa *out)
{
    if (count == 0 || !exo_is_pow2(align))
        return -EXO_EINVAL;
    if (count == 1 && align == 1)
        return claim_one(pool, out);
    for (uint32_t i = 0; i < pool->count; i++) {
        struct frame_range *range = &pool->ranges[i];
        if (range->free < count)
            continue;
        uint64_t at = find_run(range, count, align);
        if (at == range->count)
            continue;
        take(range, at, count);
        *out = (struct pa){(range->first + at) * CORE_FRAME_BYTES};
        return 0;
    }
    return -EXO_ENOMEM;
}

// The range that holds all of the `count` frames from frame number `first` on, or null.
static struct frame_range *range_of(struct frame_pool *pool, uint64_t first, uint64_t count)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        struct frame_range *range = &pool->ranges[i];
        uint64_t at = first - range->first; // wraps to something huge if it is below
        if (at < range->count && count <= range->count - at)
            return range;
    }
    return NULL;
}

int frame_pool_claim_at(struct frame_pool *pool, struct pa at, uint64_t count)
{
    if (count == 0 || !exo_is_aligned(at.v, CORE_FRAME_BYTES))
        return -EXO_EINVAL;
    uint64_t first = at.v / CORE_FRAME_BYTES;
    struct frame_range *range = range_of(pool, first, count);
    if (!range)
        return -EXO_EINVAL;
    uint64_t index = first - range->first;
    if (next_claimed(range, index, index + count) != index + count)
        return -EXO_EBUSY;
    take(range, index, count);
    return 0;
}

void frame_pool_release(struct frame_pool *pool, struct pa at, uint64_t count)
{
    exo_assert(count != 0 && exo_is_aligned(at.v, CORE_FRAME_BYTES));
    uint64_t first = at.v / CORE_FRAME_BYTES;
    struct frame_range *range = range_of(pool, first, count);
    exo_assert(range);
    uint64_t index = first - range->first;
    exo_assert(index + count <= range->watermark); // else it was never claimed
    if (count == 1) {
        uint64_t bit = UINT64_C(1) << (index % BITS);
        exo_assert(range->bits[index / BITS] & bit);
        range->bits[index / BITS] ^= bit;
    } else {
        exo_assert(next_free(range, index) >= index + count);
        flip(range, index, count);
    }
    range->free += count;
    range->hint = EXO_MIN(range->hint, index);
}

uint64_t frame_pool_total(const struct frame_pool *pool)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < pool->count; i++)
        total += pool->ranges[i].count;
    return total;
}

uint64_t frame_pool_free(const struct frame_pool *pool)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < pool->count; i++)
        total += pool->ranges[i].free;
    return total;
}
