// SPDX-License-Identifier: MIT
// test_dma.c - spans over a machine of a few frames: which run is found, and that none is lost.
#include "core/dma.h"
#include "core/frame.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"

#include <string.h>

// Frame 0 is not usable; as in core, those from 8 on are handed out before those below.
#define FRAMES 64u
#define LOW    8u
#define FRAME  (uint64_t) CORE_FRAME_BYTES

static bool claimed[FRAMES];
static uint8_t memory[FRAMES][CORE_FRAME_BYTES];
static struct core_owner owner;

static bool is_free(uint64_t first, uint64_t count)
{
    if (first == 0 || first + count > FRAMES)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (claimed[first + i])
            return false;
    }
    return true;
}

static void set(uint64_t first, uint64_t count, bool value)
{
    for (uint64_t i = 0; i < count; i++) {
        ck_assert(claimed[first + i] != value);
        claimed[first + i] = value;
    }
}

int core_frame_claim(struct core_owner *who, uint64_t count, uint64_t align, struct pa *out)
{
    ck_assert_ptr_eq(who, &owner);
    for (uint64_t n = 0; n < FRAMES; n++) {
        uint64_t at = (n + LOW) % FRAMES;
        if (at % align || !is_free(at, count))
            continue;
        set(at, count, true);
        *out = (struct pa){at * FRAME};
        return 0;
    }
    return -EXO_ENOMEM;
}

int core_frame_claim_at(struct core_owner *who, struct pa at, uint64_t count)
{
    ck_assert_ptr_eq(who, &owner);
    if (at.v / FRAME >= FRAMES)
        return -EXO_EINVAL;
    if (!is_free(at.v / FRAME, count))
        return -EXO_EBUSY;
    set(at.v / FRAME, count, true);
    return 0;
}

void core_frame_release(struct core_owner *who, struct pa at, uint64_t count)
{
    ck_assert_ptr_eq(who, &owner);
    set(at.v / FRAME, count, false);
}

void *core_phys(struct pa at)
{
    return memory[at.v / FRAME];
}

static void machine_init(void)
{
    memset(claimed, 0, sizeof claimed);
    memset(memory, 0xee, sizeof memory);
}

static uint32_t claimed_count(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < FRAMES; i++)
        n += claimed[i];
    return n;
}

START_TEST(a_span_is_whole_frames_of_zeros)
{
    struct core_dma dma;
    machine_init();
    ck_assert_int_eq(core_dma_claim(&owner, 5000, 1, CORE_DMA_ANYWHERE, &dma), 0);
    ck_assert_uint_eq(dma.bytes, 2 * FRAME);
    ck_assert_uint_eq(dma.pa.v, LOW * FRAME);
    ck_assert_ptr_eq(dma.mem, memory[LOW]);
    const uint8_t *bytes = dma.mem;
    for (uint64_t i = 0; i < dma.bytes; i++)
        ck_assert_uint_eq(bytes[i], 0);
    ck_assert_uint_eq(memory[LOW + 2][0], 0xee);
    core_dma_release(&dma);
    ck_assert_uint_eq(claimed_count(), 0);
}
END_TEST

START_TEST(the_limit_and_the_alignment_hold)
{
    for (uint64_t limit = 0; limit <= FRAMES + 2; limit++) {
        for (uint64_t align = 1; align <= 32; align *= 2) {
            for (uint64_t count = 1; count <= 9; count++) {
                struct core_dma dma;
                machine_init();
                int err = core_dma_claim(&owner, count * FRAME, align * FRAME, limit * FRAME, &dma);
                bool possible = align + count <= EXO_MIN(limit, (uint64_t)FRAMES);
                ck_assert_int_eq(err, possible ? 0 : -EXO_ENOMEM);
                ck_assert_uint_eq(claimed_count(), possible ? count : 0);
                if (err < 0)
                    continue;
                ck_assert_uint_eq(dma.pa.v % (align * FRAME), 0);
                ck_assert_uint_le(dma.pa.v + dma.bytes, limit * FRAME);
                core_dma_release(&dma);
            }
        }
    }
}
END_TEST

START_TEST(a_run_below_the_limit_is_found_between_others)
{
    struct core_dma dma;
    machine_init();
    set(1, FRAMES - 1, true);
    set(20, 3, false);
    set(40, 10, false);
    ck_assert_int_eq(core_dma_claim(&owner, 3 * FRAME, 1, 32 * FRAME, &dma), 0);
    ck_assert_uint_eq(dma.pa.v, 20 * FRAME);
    ck_assert_int_eq(core_dma_claim(&owner, 3 * FRAME, 1, 32 * FRAME, &dma), -EXO_ENOMEM);
    ck_assert_int_eq(core_dma_claim(&owner, FRAME, 1, 42 * FRAME, &dma), 0);
    ck_assert_uint_eq(dma.pa.v, 40 * FRAME);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    struct core_dma dma;
    machine_init();
    ck_assert_int_eq(core_dma_claim(&owner, 0, 1, CORE_DMA_ANYWHERE, &dma), -EXO_EINVAL);
    ck_assert_int_eq(core_dma_claim(&owner, 1, 0, CORE_DMA_ANYWHERE, &dma), -EXO_EINVAL);
    ck_assert_int_eq(core_dma_claim(&owner, 1, 3, CORE_DMA_ANYWHERE, &dma), -EXO_EINVAL);
    ck_assert_int_eq(core_dma_claim(&owner, UINT64_MAX, 1, CORE_DMA_32BIT, &dma), -EXO_ENOMEM);
    ck_assert_int_eq(core_dma_claim(&owner, UINT64_MAX / 2, 1, CORE_DMA_ANYWHERE, &dma),
                     -EXO_ENOMEM);
    ck_assert_uint_eq(claimed_count(), 0);
}
END_TEST

CHECK_MAIN("core.dma", a_span_is_whole_frames_of_zeros, the_limit_and_the_alignment_hold,
           a_run_below_the_limit_is_found_between_others, nonsense_is_refused)
