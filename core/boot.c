// SPDX-License-Identifier: MIT
// boot.c - a slot's state as it lies on the disk.
#include "core/boot.h"

#include <string.h>

#include "core/frame.h"
#include "core/state.h"
#include "exo/err.h"

#define PAGE      CORE_FRAME_BYTES // a slot's records have a page each
#define CRC_AT    508u
#define SECTOR    512u
#define GUID_AT   56u // in a GPT header (UEFI 2.10 §5.3.2)
#define STATES_AT 1u  // page of copy 0

struct slot_state {
    char magic[8];
    uint64_t generation;
    uint8_t priority;
    uint8_t tries;
    uint8_t successful;
    uint8_t zero[CRC_AT - 19];
    uint32_t crc;
};

_Static_assert(sizeof(struct slot_state) == SECTOR, "docs/handoff.md §6");

static const char state_magic[8] = {'E', 'X', 'O', 'S', 'T', 'A', 'T', 'E'};

// IEEE 802.3, reflected. Three records a boot: a table would be more code than it saves.
static uint32_t crc32(const void *bytes, size_t n)
{
    const uint8_t *byte = bytes;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= byte[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}

static bool is_sound(const struct slot_state *state)
{
    return memcmp(state->magic, state_magic, sizeof state->magic) == 0 && state->generation &&
           state->crc == crc32(state, CRC_AT);
}

static int read_page(const struct core_boot_disk *disk, uint64_t at, void *page)
{
    return disk->read(disk->ctx, at / disk->sector_bytes, page, PAGE / disk->sector_bytes);
}

// Does the header of a partition table at byte `at` bear the GUID that the loader saw?
static int check_header(const struct core_boot_disk *disk, uint64_t at, uint8_t *page)
{
    const uint8_t *header = page + at % disk->sector_bytes;
    int err = disk->read(disk->ctx, at / disk->sector_bytes, page, 1);
    if (err < 0)
        return err;
    bool ours = memcmp(header, "EFI PART", 8) == 0 &&
                memcmp(header + GUID_AT, core_state.handoff.disk_guid, 16) == 0;
    return ours ? 0 : -EXO_ENODEV;
}

// The table is counted in blocks of 512 bytes, but on disks of 4096; its copy ends the disk.
static int check_disk(const struct core_boot_disk *disk, uint8_t *page)
{
    uint64_t block = disk->sector_bytes == PAGE ? PAGE : SECTOR;
    int err = check_header(disk, block, page);
    if (err < 0 && disk->sectors > 1 &&
        check_header(disk, disk->sectors * disk->sector_bytes - block, page) == 0)
        return 0;
    return err;
}

// Reads both copies. Returns which one counts: the sound one of the higher generation. One that
// cannot be read is not sound: a power cut may leave a sector so.
static int read_state(const struct core_boot_disk *disk, void *page, struct slot_state *state)
{
    const struct slot_state *found = page;
    int which = -EXO_EIO;
    for (int copy = 0; copy < 2; copy++) {
        uint64_t at = core_state.handoff.slot_offset + (STATES_AT + (uint64_t)copy) * PAGE;
        if (read_page(disk, at, page) < 0)
            continue;
        if (is_sound(found) && (which < 0 || found->generation > state->generation)) {
            *state = *found;
            which = copy;
        }
    }
    return which;
}

// Writes the state over copy `copy`, one sector, and looks whether it is there.
static int write_state(const struct core_boot_disk *disk, int copy, void *page,
                       const struct slot_state *state)
{
    uint64_t at = core_state.handoff.slot_offset + (STATES_AT + (uint64_t)copy) * PAGE;
    memset(page, 0, PAGE);
    memcpy(page, state, sizeof *state);
    int err = disk->write(disk->ctx, at / disk->sector_bytes, page, 1);
    if (err == 0)
        err = read_page(disk, at, page);
    if (err < 0)
        return err;
    return memcmp(page, state, sizeof *state) == 0 ? 0 : -EXO_EIO;
}

static int confirm(const struct core_boot_disk *disk, void *page)
{
    struct slot_state state;
    int err = check_disk(disk, page);
    if (err < 0)
        return err;
    int copy = read_state(disk, page, &state);
    if (copy < 0 || state.successful)
        return copy < 0 ? copy : 0;
    if (++state.generation == 0)
        return -EXO_EIO; // nobody would believe it
    state.successful = 1;
    state.crc = crc32(&state, CRC_AT);
    return write_state(disk, copy ^ 1, page, &state);
}

int core_boot_slot(void)
{
    return core_state.handoff.slot_bytes ? (int)core_state.handoff.slot : -EXO_ENOENT;
}

int core_boot_confirm(const struct core_boot_disk *disk)
{
    struct pa frame;
    if (core_boot_slot() < 0)
        return -EXO_ENOENT;
    int err = core_frame_claim(NULL, 1, 1, &frame);
    if (err < 0)
        return err;
    err = confirm(disk, core_phys(frame));
    core_frame_release(NULL, frame, 1);
    return err;
}
