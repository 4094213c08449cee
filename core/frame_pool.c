// SPDX-License-Identifier: MIT
// frame_pool.c - finds, takes and returns runs of frames, describing them on the way.
#include "core/frame_pool.h"

#include <string.h>

#include "core/frame.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"

#define STEP_MAX (8u * FRAME_WORD) // frames made known at a time: 2 MiB

// Bytes that describe a frame are 33 eighths; and bits come by whole words.
#define EIGHTHS_PER_FRAME UINT64_C(33)
#define EIGHTHS_MORE      UINT64_C(64)

void frame_pool_init(struct frame_pool *pool, uint64_t direct_map)
{
    pool->direct_map = direct_map;
    pool->show = NULL;
    pool->count = 0;
    pool->recent = &pool->ranges[0];
    pool->ranges[0].watermark = 0; // nothing is known there
    pool->empty = 0;
    pool->hand = (struct frame_hand){.free = &pool->empty, .base = UINT64_MAX};
}

bool frame_pool_add(struct frame_pool *pool, uint64_t start, uint64_t end)
{
    uint64_t first = exo_align_up(start, CORE_FRAME_BYTES) / CORE_FRAME_BYTES;
    uint64_t frames = end / CORE_FRAME_BYTES > first ? end / CORE_FRAME_BYTES - first : 0;
    uint64_t per_frame = CORE_FRAME_BYTES * UINT64_C(8) + EIGHTHS_PER_FRAME;
    uint64_t own = (frames * EIGHTHS_PER_FRAME + EIGHTHS_MORE + per_frame - 1) / per_frame;
    if (frames <= own)
        return true; // too small to pay for its own description
    if (pool->count == FRAME_POOL_RANGES)
        return false;
    uint64_t count = frames - own;
    uint64_t words = (count + FRAME_WORD - 1) / FRAME_WORD;
    uint64_t *bits = (uint64_t *)(pool->direct_map + first * CORE_FRAME_BYTES);
    pool->ranges[pool->count++] = (struct frame_range){
        .first = first + own,
        .count = count,
        .free = bits,
        .records = (uint32_t *)(bits + words),
    };
    return true;
}

// --- watermark ----------------------------------------------------------------------

static bool show_bytes(const struct frame_pool *pool, const void *at, uint64_t bytes)
{
    uint64_t start = (uint64_t)at - pool->direct_map;
    return !pool->show || pool->show(pool->ctx, start, start + bytes);
}

static bool show(const struct frame_pool *pool, const struct frame_range *range, uint64_t from,
                 uint64_t to)
{
    const uint64_t *bits = &range->free[from / FRAME_WORD];
    uint64_t words = (to - from + FRAME_WORD - 1) / FRAME_WORD;
    const void *frames =
        (const void *)(pool->direct_map + (range->first + from) * CORE_FRAME_BYTES);
    return show_bytes(pool, bits, words * sizeof(*bits)) &&
           show_bytes(pool, &range->records[from], (to - from) * sizeof(*range->records)) &&
           show_bytes(pool, frames, (to - from) * CORE_FRAME_BYTES);
}

// Makes the frames of [0, end) known. In steps, because `show` may claim what is known by
// then; so whoever found a run before looks again behind.
static bool raise_watermark(struct frame_pool *pool, struct frame_range *range, uint64_t end)
{
    while (range->watermark < end) {
        uint64_t from = range->watermark;
        uint64_t to = EXO_MIN(exo_align_up(end, FRAME_WORD), from + STEP_MAX);
        to = EXO_MIN(to, range->count);
        if (!show(pool, range, from, to))
            return false;
        memset(&range->records[from], 0, (to - from) * sizeof(*range->records));
        for (uint64_t at = from; at < to; at += FRAME_WORD) {
            uint64_t n = EXO_MIN(to - at, (uint64_t)FRAME_WORD);
            range->free[at / FRAME_WORD] = ~UINT64_C(0) >> (FRAME_WORD - n);
        }
        range->watermark = to;
    }
    return true;
}

// --- search -------------------------------------------------------------------------

static uint64_t mask_from(uint64_t bit)
{
    return ~UINT64_C(0) << (bit % FRAME_WORD);
}

// The first frame in [at, end) that is known and free, or not (`flip` has all bits set); or
// `end`, which is at most the watermark.
static uint64_t scan(const struct frame_range *range, uint64_t at, uint64_t end, uint64_t flip)
{
    uint64_t mask = mask_from(at);
    for (at -= at % FRAME_WORD; at < end; at += FRAME_WORD, mask = ~UINT64_C(0)) {
        uint64_t found = (range->free[at / FRAME_WORD] ^ flip) & mask;
        if (found)
            return EXO_MIN(at + (uint64_t)__builtin_ctzll(found), end);
    }
    return end;
}

// The first claimed frame in [at, end), or `end`.
static uint64_t next_claimed(const struct frame_range *range, uint64_t at, uint64_t end)
{
    uint64_t known = EXO_MIN(end, range->watermark);
    uint64_t found = at < known ? scan(range, at, known, ~UINT64_C(0)) : known;
    return found < known ? found : end;
}

// The first free frame at or behind `at`, or range->count.
static uint64_t next_free(const struct frame_range *range, uint64_t at)
{
    if (at >= range->watermark)
        return EXO_MIN(at, range->count);
    return scan(range, at, range->watermark, 0);
}

// The lowest run of `count` free frames whose number is a multiple of `align`; its index
// is returned, or range->count if there is none.
static uint64_t find_run(const struct frame_range *range, uint64_t count, uint64_t align)
{
    uint64_t at = next_free(range, range->hint);
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

// Moves the hint up to the lowest free frame, but not beyond the word in the hand: frames
// come back there without a look at the hint.
static void settle_hint(const struct frame_pool *pool, struct frame_range *range)
{
    uint64_t at = next_free(range, range->hint);
    uint64_t in_hand = ((uint64_t)pool->hand.free - (uint64_t)range->free) * 8;
    range->hint = in_hand < range->count ? EXO_MIN(at, in_hand) : at;
}

// As find_run, and all frames of the run are known.
static uint64_t find_known_run(struct frame_pool *pool, struct frame_range *range, uint64_t count,
                               uint64_t align)
{
    settle_hint(pool, range);
    for (;;) {
        uint64_t at = find_run(range, count, align);
        if (at == range->count || at + count <= range->watermark)
            return at;
        if (!raise_watermark(pool, range, at + count))
            return range->count;
    }
}

// --- claim and release --------------------------------------------------------------

// Sets or clears the bits of [at, at + count), all of which are known and the opposite.
static void flip_bits(struct frame_range *range, uint64_t at, uint64_t count)
{
    for (uint64_t end = at + count; at < end;) {
        uint64_t n = EXO_MIN(FRAME_WORD - at % FRAME_WORD, end - at);
        range->free[at / FRAME_WORD] ^= ~UINT64_C(0) >> (FRAME_WORD - n) << (at % FRAME_WORD);
        at += n;
    }
}

static struct pa take(struct frame_range *range, uint16_t tag, uint64_t at, uint64_t count)
{
    flip_bits(range, at, count);
    for (uint64_t i = 0; i < count; i++)
        range->records[at + i] = tag;
    return (struct pa){(range->first + at) * CORE_FRAME_BYTES};
}

// Puts the range's lowest word with a free frame into the hand. No free frame is below its
// start, now or when the hand gets one back, so there is the next hint.
static bool fill_hand(struct frame_pool *pool, struct frame_range *range)
{
    uint64_t at = next_free(range, range->hint);
    if (at == range->count || !raise_watermark(pool, range, at + 1))
        return false;
    at -= at % FRAME_WORD;
    range->hint = at;
    pool->hand = (struct frame_hand){
        .free = &range->free[at / FRAME_WORD],
        .records = &range->records[at],
        .base = (range->first + at) * CORE_FRAME_BYTES,
    };
    return true;
}

static int claim_one(struct frame_pool *pool, uint16_t tag, struct pa *out)
{
    if (frame_hand_claim(&pool->hand, tag, out))
        return 0;
    for (uint32_t i = 0; i < pool->count; i++) {
        if (fill_hand(pool, &pool->ranges[i]) && frame_hand_claim(&pool->hand, tag, out))
            return 0;
    }
    return -EXO_ENOMEM;
}

int frame_pool_claim(struct frame_pool *pool, uint16_t tag, uint64_t count, uint64_t align,
                     struct pa *out)
{
    if (count == 0 || !exo_is_pow2(align))
        return -EXO_EINVAL;
    if (count == 1 && align == 1)
        return claim_one(pool, tag, out);
    for (uint32_t i = 0; i < pool->count; i++) {
        struct frame_range *range = &pool->ranges[i];
        uint64_t at = find_known_run(pool, range, count, align);
        if (at == range->count)
            continue;
        *out = take(range, tag, at, count);
        return 0;
    }
    return -EXO_ENOMEM;
}

int frame_pool_claim_known(struct frame_pool *pool, uint16_t tag, struct pa *out)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        struct frame_range *range = &pool->ranges[i];
        uint64_t at = next_free(range, range->hint);
        if (at >= range->watermark)
            continue;
        *out = take(range, tag, at, 1);
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

int frame_pool_claim_at(struct frame_pool *pool, uint16_t tag, struct pa at, uint64_t count)
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
    if (!raise_watermark(pool, range, index + count))
        return -EXO_ENOMEM;
    if (next_claimed(range, index, index + count) != index + count)
        return -EXO_EBUSY;
    take(range, tag, index, count);
    return 0;
}

bool frame_pool_is_idle(struct frame_pool *pool, uint16_t tag, struct pa at, uint64_t count)
{
    if (count == 0 || !exo_is_aligned(at.v, CORE_FRAME_BYTES))
        return false;
    uint64_t first = at.v / CORE_FRAME_BYTES;
    const struct frame_range *range = range_of(pool, first, count);
    if (!range || first - range->first + count > range->watermark)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (range->records[first - range->first + i] != tag)
            return false;
    }
    return true;
}

void frame_pool_release(struct frame_pool *pool, uint16_t tag, struct pa at, uint64_t count)
{
    exo_assert(frame_pool_is_idle(pool, tag, at, count)); // the owner's, and mapped nowhere
    uint64_t first = at.v / CORE_FRAME_BYTES;
    struct frame_range *range = range_of(pool, first, count);
    uint64_t index = first - range->first;
    memset(&range->records[index], 0, count * sizeof(*range->records));
    flip_bits(range, index, count);
    range->hint = EXO_MIN(range->hint, index);
}

__attribute__((noinline, cold)) uint32_t *frame_pool_find_record(struct frame_pool *pool,
                                                                 struct pa at)
{
    if (!exo_is_aligned(at.v, CORE_FRAME_BYTES))
        return NULL;
    uint64_t number = at.v / CORE_FRAME_BYTES;
    for (uint32_t i = 0; i < pool->count; i++) {
        const struct frame_range *range = &pool->ranges[i];
        if (number - range->first >= range->watermark)
            continue;
        pool->recent = range;
        return &range->records[number - range->first];
    }
    return NULL;
}

uint64_t frame_pool_total(const struct frame_pool *pool)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < pool->count; i++)
        total += pool->ranges[i].count;
    return total;
}

uint64_t frame_pool_find(const struct frame_pool *pool, struct frame_cursor *cursor, uint16_t tag,
                         uint64_t most, struct pa *out)
{
    uint64_t found = 0;
    for (uint32_t looks = 0; looks < FRAME_WORD && found < most; looks++) {
        while (cursor->range < pool->count &&
               cursor->index >= pool->ranges[cursor->range].watermark) {
            cursor->range++;
            cursor->index = 0;
        }
        cursor->at_end = cursor->range == pool->count;
        if (cursor->at_end)
            break;
        const struct frame_range *range = &pool->ranges[cursor->range];
        if ((range->records[cursor->index] & FRAME_OWNER_MASK) == tag)
            out[found++] = (struct pa){(range->first + cursor->index) * CORE_FRAME_BYTES};
        cursor->index++;
    }
    return found;
}
