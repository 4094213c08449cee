// SPDX-License-Identifier: MIT
// revoke.c - owners of frames: those that give back what they are asked for, and the others.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/frame.h"
#include "core/irq.h"
#include "core/pt.h"
#include "core/revoke.h"
#include "exo/bits.h"
#include "exo/err.h"

#define FRAMES    600u
#define FRAMES_2M (CORE_PT_2M / CORE_FRAME_BYTES)
#define WINDOW    (CORE_PT_HIGH_START + CORE_PT_1G) // where a keeper maps what it has

static int problems;

static void expect(bool ok, const char *what)
{
    if (ok)
        return;
    problems++;
    printf("revoke: %s\n", what);
}

// An owner that keeps frames, and gives back as many as it likes.
struct keeper {
    struct core_owner owner;
    struct pa frames[FRAMES];
    uint32_t count;
    uint64_t asked;   // for so many, in all
    uint64_t willing; // to give back, when asked
    uint32_t taken;   // from it, by force
    struct pa last_taken;
};

static void release_last(struct keeper *keeper)
{
    core_frame_release(&keeper->owner, keeper->frames[--keeper->count], 1);
}

static void give_back(void *ctx, uint64_t frames)
{
    struct keeper *keeper = ctx;
    keeper->asked += frames;
    for (uint64_t i = 0; i < EXO_MIN(frames, keeper->willing); i++)
        release_last(keeper);
}

static bool forget(struct keeper *keeper, struct pa frame)
{
    for (uint32_t i = 0; i < keeper->count; i++) {
        if (keeper->frames[i].v != frame.v)
            continue;
        keeper->frames[i] = keeper->frames[--keeper->count];
        return true;
    }
    return false;
}

static void taken(void *ctx, const struct pa *frames, uint32_t count)
{
    struct keeper *keeper = ctx;
    for (uint32_t i = 0; i < count; i++) {
        expect(forget(keeper, frames[i]), "another's frame was taken");
        const uint8_t *bytes = core_phys(frames[i]);
        expect(bytes[0] == 0 && memcmp(bytes, bytes + 1, CORE_FRAME_BYTES - 1) == 0,
               "a taken frame is not wiped");
    }
    keeper->taken += count;
    keeper->last_taken = frames[count - 1];
}

static void begin(struct keeper *keeper, uint32_t count, uint64_t willing)
{
    *keeper = (struct keeper){
        .owner = {.name = "keeper", .give_back = give_back, .taken = taken, .ctx = keeper},
        .willing = willing,
    };
    expect(core_owner_init(&keeper->owner) == 0, "no owner more");
    for (; keeper->count < count; keeper->count++) {
        struct pa *frame = &keeper->frames[keeper->count];
        expect(core_frame_claim(&keeper->owner, 1, 1, frame) == 0, "no frame");
        memset(core_phys(*frame), 0x5a, CORE_FRAME_BYTES);
    }
}

static void end(struct keeper *keeper)
{
    while (keeper->count > 0)
        release_last(keeper);
    expect(keeper->owner.frames == 0, "frames that nobody knows of");
    core_owner_fini(&keeper->owner);
}

static struct keeper one, another;

static void check_polite(void)
{
    begin(&one, 100, UINT64_MAX);
    expect(core_frame_owner(one.frames[0]) == &one.owner, "a frame of somebody else's");
    expect(core_revoke_ask(&one.owner, 30, core_clock_now() + EXO_S(60)) == 0, "owes something");
    expect(one.asked == 30 && one.count == 70 && one.owner.frames == 70, "not as asked");
    expect(core_revoke_take(&one.owner) == 0 && one.taken == 0, "taken by force all the same");
    expect(core_revoke_ask(&one.owner, 1000, EXO_NS_NEVER) == 0 && one.count == 0, "not all");
    expect(one.asked == 100, "asked for more than it has");
    end(&one);
}

static void check_late(void)
{
    begin(&one, 100, 10);
    expect(core_revoke_ask(&one.owner, 30, EXO_NS_NEVER) == 20, "does not owe the rest");
    expect(core_revoke_take(&one.owner) == -EXO_EAGAIN && one.taken == 0, "taken too early");
    struct pa more;
    expect(core_frame_claim(&one.owner, 1, 1, &more) == 0, "cannot claim");
    expect(core_revoke_owed(&one.owner) == 21, "does not owe what it claimed since");
    core_frame_release(&one.owner, more, 1);
    for (int i = 0; i < 20; i++)
        release_last(&one);
    expect(core_revoke_owed(&one.owner) == 0 && core_revoke_take(&one.owner) == 0, "still owes");
    end(&one);
}

// An owner that ends and begins again is not asked any more.
static void check_ended(void)
{
    struct pa frame;
    begin(&one, 5, 0);
    expect(core_revoke_ask(&one.owner, 5, EXO_NS_NEVER) == 5, "does not owe all");
    end(&one);
    expect(core_owner_init(&one.owner) == 0, "cannot begin again");
    expect(core_frame_claim(&one.owner, 1, 1, &frame) == 0, "no frame");
    expect(core_revoke_owed(&one.owner) == 0, "owes what another life was asked for");
    core_frame_release(&one.owner, frame, 1);
    core_owner_fini(&one.owner);
}

static void map_all(struct keeper *keeper)
{
    for (uint32_t i = 0; i < keeper->count; i++) {
        struct va at = {WINDOW + i * 7 * CORE_PT_4K}, low = {CORE_PT_LOW_START + i * CORE_PT_4K};
        expect(core_pt_map(at, keeper->frames[i], CORE_PT_WRITE) == 0, "not mapped");
        expect(i % 3 || core_pt_map(low, keeper->frames[i], 0) == 0, "not mapped a second time");
    }
}

// Unmaps what is still there, and says how many pages that was.
static uint32_t unmap_all(void)
{
    uint32_t pages = 0;
    struct pa frame;
    for (uint32_t i = 0; i < FRAMES; i++) {
        pages += core_pt_unmap((struct va){WINDOW + i * 7 * CORE_PT_4K}, &frame) == 0;
        core_pt_unmap((struct va){CORE_PT_LOW_START + i * CORE_PT_4K}, NULL);
    }
    return pages;
}

// The other owner, whose frames lie among those of the first, notices nothing.
static void check_force(void)
{
    uint64_t free_before = core_frame_stats().free;
    begin(&one, 100, 25);
    begin(&another, 50, 0);
    for (; one.count < FRAMES; one.count++)
        expect(core_frame_claim(&one.owner, 1, 1, &one.frames[one.count]) == 0, "no frame");
    map_all(&one);
    one.willing = 0; // mapped frames cannot be released
    exo_ns deadline = core_clock_now() + EXO_MS(2);
    expect(core_revoke_ask(&one.owner, 400, deadline) == 400, "gave what it would not");
    while (core_clock_now() < deadline)
        core_irq_wait(deadline);
    uint64_t free_frames = core_frame_stats().free;
    expect(core_revoke_take(&one.owner) == 400, "not as many as owed");
    expect(one.taken == 400 && one.count == 200 && one.owner.frames == 200, "not told of all");
    expect(core_frame_stats().free >= free_frames + 400, "taken, and not free");
    expect(another.taken == 0 && another.owner.frames == 50, "taken from somebody else");
    expect(unmap_all() == 200, "other pages gone than those of taken frames");
    expect(core_revoke_take(&one.owner) == 0, "taken twice");

    struct pa last = one.last_taken;
    expect(!core_frame_owner(last) && core_frame_claim_at(NULL, last, 1) == 0, "not free");
    core_frame_release(NULL, last, 1);
    end(&one);
    end(&another);
    expect(free_before - core_frame_stats().free <= 3, "frames are lost");
}

// A large page goes as a whole.
static void check_force_large(void)
{
    struct pa frames;
    struct core_pt_entry entry;
    struct va at = {WINDOW};
    struct core_owner owner = {.name = "large"};
    expect(core_owner_init(&owner) == 0, "no owner more");
    expect(core_frame_claim(&owner, FRAMES_2M, FRAMES_2M, &frames) == 0, "no frames");
    expect(core_pt_map_large(at, frames, CORE_PT_2M, CORE_PT_WRITE) == 0, "no large page");
    *(volatile uint64_t *)at.v = 7;
    expect(core_revoke_ask(&owner, 1, 0) == 1 && core_revoke_take(&owner) == 1, "not taken");
    expect(core_pt_query(at, &entry) < 0, "the large page is still there");
    expect(owner.frames == FRAMES_2M - 1 && !core_frame_owner(frames), "not the first one");
    core_frame_release(&owner, (struct pa){frames.v + CORE_FRAME_BYTES}, FRAMES_2M - 1);
    core_owner_fini(&owner);
}

static void check_zeroed(void)
{
    begin(&one, 3, 0);
    struct pa frame = one.frames[2];
    one.count--;
    core_frame_release_zeroed(&one.owner, frame, 1);
    expect(core_frame_claim_at(NULL, frame, 1) == 0, "not released");
    const uint8_t *bytes = core_phys(frame);
    expect(bytes[0] == 0 && memcmp(bytes, bytes + 1, CORE_FRAME_BYTES - 1) == 0, "not wiped");
    core_frame_release(NULL, frame, 1);
    end(&one);
}

static void check_limit(void)
{
    static struct core_owner owners[CORE_OWNER_MAX], one_more = {.name = "one more"};
    for (uint32_t i = 0; i < CORE_OWNER_MAX; i++) {
        owners[i].name = "one of many";
        expect(core_owner_init(&owners[i]) == 0, "fewer owners than promised");
    }
    expect(core_owner_init(&one_more) == -EXO_ENOSPC, "more owners than there are places");
    core_owner_fini(&owners[7]);
    expect(core_owner_init(&one_more) == 0, "a free place is not to be had");
    owners[7] = one_more;
    for (uint32_t i = 0; i < CORE_OWNER_MAX; i++)
        if (i != 7)
            core_owner_fini(&owners[i]);
    core_owner_fini(&one_more);
}

int main(void)
{
    check_polite();
    check_late();
    check_ended();
    check_force();
    check_force_large();
    check_zeroed();
    check_limit();
    printf("revoke: %s\n", problems ? "NOT well" : "well");
    return problems ? EXIT_FAILURE : EXIT_SUCCESS;
}
