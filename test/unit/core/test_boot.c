// SPDX-License-Identifier: MIT
// test_boot.c - confirming a slot on disks in memory: whole, torn, foreign and broken ones.
#include "core/boot.h"

#include <string.h>

#include "core/frame.h"
#include "core/state.h"
#include "exo/err.h"
#include "test/support/check_main.h"

#define PAGE        4096u
#define DISK_BYTES  (16 * PAGE)
#define SLOT_OFFSET (4 * PAGE)
#define STATE_BYTES 512u

struct core_state core_state;

static uint8_t page[PAGE] __attribute__((aligned(PAGE)));
static uint32_t pages_claimed;
static uint8_t disk_bytes[DISK_BYTES];
static uint32_t writes;
static uint32_t kept;       // bytes of a write that reach the disk; the rest are lost
static int write_result;    // what the disk says
static uint64_t unreadable; // a read that begins there fails

int core_frame_claim(struct core_owner *owner, uint64_t count, uint64_t align, struct pa *out)
{
    (void)owner;
    ck_assert(count == 1 && align == 1);
    pages_claimed++;
    out->v = (uintptr_t)page;
    return 0;
}

void core_frame_release(struct core_owner *owner, struct pa at, uint64_t count)
{
    (void)owner;
    ck_assert(at.v == (uintptr_t)page && count == 1);
    pages_claimed--;
}

void *core_phys(struct pa at)
{
    return (void *)at.v;
}

static int disk_read(void *ctx, uint64_t lba, void *buf, uint32_t sectors)
{
    const struct core_boot_disk *disk = ctx;
    uint64_t at = lba * disk->sector_bytes;
    uint64_t bytes = (uint64_t)sectors * disk->sector_bytes;
    ck_assert(at + bytes <= DISK_BYTES);
    if (at == unreadable)
        return -EXO_EIO;
    memcpy(buf, disk_bytes + at, bytes);
    return 0;
}

static int disk_write(void *ctx, uint64_t lba, const void *buf, uint32_t sectors)
{
    const struct core_boot_disk *disk = ctx;
    uint64_t at = lba * disk->sector_bytes;
    ck_assert(at + (uint64_t)sectors * disk->sector_bytes <= DISK_BYTES && sectors == 1);
    memcpy(disk_bytes + at, buf, kept < disk->sector_bytes ? kept : disk->sector_bytes);
    writes++;
    return write_result;
}

static struct core_boot_disk disk = {disk_read, disk_write, &disk, DISK_BYTES / 512, 512};

// zlib's CRC, as slowly as it can be said.
static uint32_t crc_of(const uint8_t *bytes, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t bit = 0; bit < n * 8; bit++) {
        uint32_t in = bytes[bit / 8] >> bit % 8 & 1;
        crc = crc >> 1 ^ ((crc ^ in) & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static uint8_t *state_at(int copy)
{
    return disk_bytes + SLOT_OFFSET + PAGE * (1 + (uint32_t)copy);
}

static void put_state(int copy, uint8_t generation, uint8_t successful)
{
    uint8_t *state = state_at(copy);
    memset(state, 0, STATE_BYTES);
    memcpy(state, "EXOSTATE", 8);
    state[8] = generation;
    state[16] = 7; // priority
    state[17] = 2; // tries
    state[18] = successful;
    uint32_t crc = crc_of(state, 508);
    memcpy(state + 508, &crc, 4);
}

static bool is_sound(int copy)
{
    uint32_t crc = crc_of(state_at(copy), 508);
    return memcmp(state_at(copy) + 508, &crc, 4) == 0;
}

static void put_header(uint32_t at)
{
    memcpy(disk_bytes + at, "EFI PART", 8);
    memset(disk_bytes + at + 56, 0xd1, 16);
}

// A disk of this sector size whose slot is in its second try.
static void make(uint32_t sector_bytes)
{
    memset(disk_bytes, 0, sizeof disk_bytes);
    disk.sector_bytes = sector_bytes;
    disk.sectors = DISK_BYTES / sector_bytes;
    put_header(sector_bytes == PAGE ? PAGE : 512);
    put_state(0, 4, 0);
    put_state(1, 3, 0);

    memset(&core_state, 0, sizeof core_state);
    memset(core_state.handoff.disk_guid, 0xd1, 16);
    core_state.handoff.slot = 1;
    core_state.handoff.slot_offset = SLOT_OFFSET;
    core_state.handoff.slot_bytes = 12 * PAGE;
    writes = 0;
    unreadable = UINT64_MAX;
    kept = PAGE;
    write_result = 0;
}

START_TEST(boot_confirms_over_the_older_copy)
{
    static const uint32_t sizes[] = {512, 2048, 4096};
    for (size_t i = 0; i < 3; i++) {
        make(sizes[i]);
        ck_assert_int_eq(core_boot_slot(), 1);
        ck_assert_int_eq(core_boot_confirm(&disk), 0);
        const uint8_t *state = state_at(1);
        ck_assert(is_sound(1));
        ck_assert_uint_eq(state[8], 5);
        ck_assert(state[16] == 7 && state[18] == 1);
        ck_assert_uint_eq(state_at(0)[8], 4);
        ck_assert_uint_eq(pages_claimed, 0);
    }
}
END_TEST

START_TEST(boot_writes_nothing_when_repeated)
{
    make(512);
    ck_assert_int_eq(core_boot_confirm(&disk), 0);
    ck_assert_int_eq(core_boot_confirm(&disk), 0);
    ck_assert_uint_eq(writes, 1);
}
END_TEST

START_TEST(boot_torn_write_leaves_the_state_before)
{
    for (kept = 0; kept < STATE_BYTES; kept++) {
        uint32_t cut = kept;
        make(512);
        kept = cut;
        int err = core_boot_confirm(&disk);
        ck_assert(err == -EXO_EIO || (err == 0 && is_sound(1)));
        ck_assert(is_sound(0));
        ck_assert_uint_eq(state_at(0)[8], 4);
    }
}
END_TEST

START_TEST(boot_takes_the_one_sound_copy)
{
    make(512);
    state_at(0)[100] ^= 1;
    ck_assert_int_eq(core_boot_confirm(&disk), 0);
    ck_assert(is_sound(0));
    ck_assert_uint_eq(state_at(0)[8], 4); // 3 + 1, over the damaged one
    make(512);
    state_at(0)[100] ^= 1;
    state_at(1)[100] ^= 1;
    ck_assert_int_eq(core_boot_confirm(&disk), -EXO_EIO);
    ck_assert_uint_eq(writes, 0);
}
END_TEST

START_TEST(boot_takes_the_one_copy_that_can_be_read)
{
    for (int bad = 0; bad < 2; bad++) {
        make(512);
        put_state(bad ^ 1, 9, 1);
        unreadable = (uint64_t)(state_at(bad) - disk_bytes);
        ck_assert_int_eq(core_boot_confirm(&disk), 0);
        ck_assert_uint_eq(writes, 0); // it is confirmed already
        state_at(bad ^ 1)[100] ^= 1;
        ck_assert_int_eq(core_boot_confirm(&disk), -EXO_EIO);
    }
}
END_TEST

START_TEST(boot_writes_nothing_older_than_the_last_generation)
{
    make(512);
    put_state(0, 1, 0);
    memset(state_at(0) + 8, 0xff, 8);
    uint32_t crc = crc_of(state_at(0), 508);
    memcpy(state_at(0) + 508, &crc, 4);
    ck_assert_int_eq(core_boot_confirm(&disk), -EXO_EIO);
    ck_assert_uint_eq(writes, 0);
}
END_TEST

START_TEST(boot_knows_its_disk_by_the_second_table)
{
    static const uint32_t sizes[] = {512, 2048, 4096};
    for (size_t i = 0; i < 3; i++) {
        uint32_t block = sizes[i] == PAGE ? PAGE : 512;
        make(sizes[i]);
        disk_bytes[block] ^= 1;
        put_header(DISK_BYTES - block);
        ck_assert_int_eq(core_boot_confirm(&disk), 0);
        make(sizes[i]);
        put_header(DISK_BYTES - block);
        unreadable = block / sizes[i] * sizes[i]; // the sector that the first one lies in
        ck_assert_int_eq(core_boot_confirm(&disk), 0);
        disk_bytes[DISK_BYTES - block] ^= 1;
        ck_assert_int_eq(core_boot_confirm(&disk), -EXO_EIO);
    }
}
END_TEST

START_TEST(boot_leaves_other_disks_alone)
{
    make(512);
    disk_bytes[512 + 60] ^= 1;
    ck_assert_int_eq(core_boot_confirm(&disk), -EXO_ENODEV);
    make(512);
    disk_bytes[512] ^= 1;
    ck_assert_int_eq(core_boot_confirm(&disk), -EXO_ENODEV);
    ck_assert_uint_eq(writes, 0);
}
END_TEST

START_TEST(boot_without_a_slot_there_is_nothing_to_confirm)
{
    make(512);
    core_state.handoff.slot_bytes = 0;
    ck_assert_int_eq(core_boot_slot(), -EXO_ENOENT);
    ck_assert_int_eq(core_boot_confirm(&disk), -EXO_ENOENT);
}
END_TEST

START_TEST(boot_passes_on_what_the_disk_says)
{
    make(512);
    write_result = -EXO_ETIMEDOUT;
    ck_assert_int_eq(core_boot_confirm(&disk), -EXO_ETIMEDOUT);
    ck_assert_uint_eq(pages_claimed, 0);
}
END_TEST

CHECK_MAIN("core.boot", boot_confirms_over_the_older_copy, boot_writes_nothing_when_repeated,
           boot_torn_write_leaves_the_state_before, boot_takes_the_one_sound_copy,
           boot_takes_the_one_copy_that_can_be_read,
           boot_writes_nothing_older_than_the_last_generation,
           boot_knows_its_disk_by_the_second_table, boot_leaves_other_disks_alone,
           boot_without_a_slot_there_is_nothing_to_confirm, boot_passes_on_what_the_disk_says)
