// SPDX-License-Identifier: MIT
// test_nic_wait.c - a task asleep at a NIC: what wakes it, and that it polls nothing meanwhile.
#include "core/clock.h"
#include "dev/nic.h"
#include "sdk/glue/nic_wait.h"
#include "sdk/glue/run.h"
#include "test/support/check_main.h"
#include "test/unit/sdk/fake_machine.h"

#include <string.h>

static struct sleeper {
    struct nic *nic, *other; // the two ends of the cable
    struct nic_wait wait;
    exo_ns deadline;
    uint32_t waits, heard;
    exo_ns woken;
} sleeper;

// Waits until there is a frame, or once if there is a deadline.
static void sleep_at_nic(void *arg)
{
    struct nic_buf buf;
    (void)arg;
    nic_wait_init(&sleeper.wait, sleeper.nic);
    do {
        nic_wait(&sleeper.wait, sleeper.deadline);
        sleeper.waits++;
        sleeper.heard += nic_rx_burst(sleeper.nic, &buf, 1);
    } while (!sleeper.heard && sleeper.deadline == EXO_NS_NEVER);
    sleeper.woken = core_clock_now();
    nic_wait_fini(&sleeper.wait);
}

static void send_later(void *arg)
{
    static uint8_t bytes[64];
    (void)arg;
    run_sleep(EXO_MS(5));
    struct nic_buf frame = {.data = bytes, .len = sizeof bytes};
    ck_assert_uint_eq(nic_tx_burst(sleeper.other, &frame, 1), 1);
}

static void end_later(void *arg)
{
    (void)arg;
    run_sleep(EXO_MS(7));
    sleeper.heard = 1; // what the sleeper looks at after each wait
    nic_wait_end(&sleeper.wait);
}

static void lab(exo_ns deadline, void (*waker)(void *))
{
    static uint8_t memory[64];
    fake_machine_init();
    sleeper = (struct sleeper){.deadline = deadline};
    ck_assert_int_eq(nic_open(0, 0, "test", &sleeper.nic), 0);
    ck_assert_int_eq(nic_open(1, 0, "test", &sleeper.other), 0);
    struct nic_buf empty = {.data = memory, .len = sizeof memory};
    ck_assert_uint_eq(nic_rx_post(sleeper.nic, &empty, 1), 1);
    ck_assert_int_eq(spawn("sleeper", sleep_at_nic, NULL), 0);
    if (waker)
        ck_assert_int_eq(spawn("waker", waker, NULL), 0);
    sched_run(run_sched());
    nic_close(sleeper.nic);
    nic_close(sleeper.other);
    ck_assert_uint_eq(machine.stacks_out, 0);
}

START_TEST(a_frame_wakes_its_sleeper_once)
{
    lab(EXO_NS_NEVER, send_later);
    ck_assert_uint_eq(sleeper.heard, 1);
    ck_assert_uint_eq(sleeper.waits, 1);
    ck_assert_uint_ge(machine.halts, 1);
    ck_assert_uint_ge(sleeper.woken, EXO_MS(5));
}
END_TEST

START_TEST(a_deadline_wakes_it)
{
    lab(EXO_MS(3), NULL);
    ck_assert_uint_eq(sleeper.heard, 0);
    ck_assert_uint_eq(sleeper.waits, 1);
    ck_assert_uint_ge(sleeper.woken, EXO_MS(3));
}
END_TEST

START_TEST(somebody_who_wants_it_to_stop_wakes_it)
{
    lab(EXO_NS_NEVER, end_later);
    ck_assert_uint_eq(sleeper.waits, 1);
    ck_assert_uint_ge(sleeper.woken, EXO_MS(7));
}
END_TEST

CHECK_MAIN("sdk.nic_wait", a_frame_wakes_its_sleeper_once, a_deadline_wakes_it,
           somebody_who_wants_it_to_stop_wakes_it)
