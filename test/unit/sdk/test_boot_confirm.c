// SPDX-License-Identifier: MIT
// test_boot_confirm.c - which disks are asked for the slot, and what is told of them.
#include "core/boot.h"
#include "dev/blk.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "sdk/glue/boot_confirm.h"
#include "test/support/check_main.h"

#define DISKS 3

// What core says of a disk; BUSY: somebody has it, and core is not asked.
#define BUSY (-EXO_EBUSY)

static struct machine {
    int slot;
    int answers[DISKS];
    uint32_t asked; // disks that core was asked about
    int open;       // disks
    struct blk disks[DISKS];
} machine;

static void close_disk(struct blk *blk)
{
    (void)blk;
    machine.open--;
}

static const struct blk_ops ops = {.close = close_disk};

int blk_open(uint32_t nth, const char *owner, struct blk **out)
{
    (void)owner;
    if (nth >= DISKS)
        return -EXO_ENODEV;
    if (machine.answers[nth] == BUSY)
        return BUSY;
    machine.disks[nth] = (struct blk){.ops = &ops};
    machine.open++;
    *out = &machine.disks[nth];
    return 0;
}

int core_boot_slot(void)
{
    return machine.slot;
}

int core_boot_confirm(const struct core_boot_disk *disk)
{
    machine.asked++;
    return machine.answers[(struct blk *)disk->ctx - machine.disks];
}

static int confirm(int a, int b, int c)
{
    machine = (struct machine){.answers = {a, b, c}};
    const int err = exo_boot_confirm();
    ck_assert_int_eq(machine.open, 0);
    return err;
}

START_TEST(the_search_ends_at_the_disk_that_was_booted)
{
    ck_assert_int_eq(confirm(-EXO_ENODEV, 0, -EXO_ENODEV), 0);
    ck_assert_uint_eq(machine.asked, 2);
    ck_assert_int_eq(confirm(BUSY, -EXO_ENODEV, 0), 0);
    ck_assert_uint_eq(machine.asked, 2);
}
END_TEST

START_TEST(a_disk_that_fails_is_passed_over)
{
    ck_assert_int_eq(confirm(-EXO_EIO, -EXO_ENODEV, 0), 0);
    ck_assert_int_eq(confirm(-EXO_EIO, 0, -EXO_EIO), 0);
}
END_TEST

START_TEST(its_error_is_the_answer_if_no_other_is_ours)
{
    ck_assert_int_eq(confirm(-EXO_ENODEV, -EXO_EIO, -EXO_ENODEV), -EXO_EIO);
    ck_assert_int_eq(confirm(-EXO_ENODEV, BUSY, -EXO_ENODEV), -EXO_ENOTSUP);
}
END_TEST

START_TEST(a_kernel_of_no_slot_asks_nobody)
{
    machine = (struct machine){.slot = -1};
    ck_assert_int_eq(exo_boot_confirm(), -EXO_ENOENT);
    ck_assert_uint_eq(machine.asked, 0);
}
END_TEST

CHECK_MAIN("sdk.boot_confirm", the_search_ends_at_the_disk_that_was_booted,
           a_disk_that_fails_is_passed_over, its_error_is_the_answer_if_no_other_is_ours,
           a_kernel_of_no_slot_asks_nobody)
