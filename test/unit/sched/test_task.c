// SPDX-License-Identifier: MIT
#include "test/unit/sched/world.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct actor {
    struct world *w;
    const char *mark;
    exo_ns until;
    struct task *other;
    uint32_t turns;
    bool in_time;
};

static void say_and_yield(void *arg)
{
    struct actor *a = arg;
    for (uint32_t i = 0; i < a->turns; i++) {
        world_say(a->w, a->mark);
        task_yield(&a->w->sched);
    }
}

START_TEST(tasks_take_turns_in_the_order_they_started)
{
    struct world w;
    world_init(&w);
    struct actor a = {.w = &w, .mark = "a", .turns = 3};
    struct actor b = {.w = &w, .mark = "b", .turns = 2};
    struct actor c = {.w = &w, .mark = "c", .turns = 3};
    world_start(&w, "a", say_and_yield, &a);
    world_start(&w, "b", say_and_yield, &b);
    world_start(&w, "c", say_and_yield, &c);
    sched_run(&w.sched);
    ck_assert_str_eq(w.trace, "abcabcac");
    ck_assert_uint_eq(w.exits, 3);
    ck_assert_uint_eq(w.sched.live, 0);
    ck_assert_ptr_null(task_self(&w.sched));
}
END_TEST

static void sleep_and_say(void *arg)
{
    struct actor *a = arg;
    task_sleep_until(&a->w->sched, a->until);
    ck_assert_uint_eq(a->w->now, a->until);
    world_say(a->w, a->mark);
}

START_TEST(sleepers_wake_at_their_deadline_in_virtual_time)
{
    struct world w;
    world_init(&w);
    struct actor late = {.w = &w, .mark = "late ", .until = EXO_S(3600)};
    struct actor soon = {.w = &w, .mark = "soon ", .until = EXO_MS(1)};
    struct actor also = {.w = &w, .mark = "also ", .until = EXO_MS(1)};
    world_start(&w, "late", sleep_and_say, &late);
    world_start(&w, "soon", sleep_and_say, &soon);
    world_start(&w, "also", sleep_and_say, &also);
    sched_run(&w.sched);
    ck_assert_str_eq(w.trace, "soon also late ");
    ck_assert_uint_eq(w.now, EXO_S(3600));
    ck_assert_uint_eq(w.idles, 2);
}
END_TEST

static void park_and_note(void *arg)
{
    struct actor *a = arg;
    a->in_time = task_park(&a->w->sched, a->until);
}

static void wake_other_at(void *arg)
{
    struct actor *a = arg;
    task_sleep_until(&a->w->sched, a->until);
    task_wake(a->other);
    task_wake(a->other); // it is ready now: does nothing
}

static bool parked_until_woken_at(exo_ns deadline, exo_ns woken_at, exo_ns *ended)
{
    struct world w;
    world_init(&w);
    struct actor sleeper = {.w = &w, .until = deadline};
    struct actor waker = {.w = &w, .until = woken_at};
    waker.other = world_start(&w, "sleeper", park_and_note, &sleeper);
    world_start(&w, "waker", wake_other_at, &waker);
    // A sleeper that is gone must not be woken: keep it until the waker is done.
    waker.other->on_exit = NULL;
    sched_run(&w.sched);
    *ended = w.now;
    world_bury(waker.other, &w);
    return sleeper.in_time;
}

START_TEST(park_ends_by_the_waker_or_by_the_deadline)
{
    exo_ns ended;
    ck_assert(parked_until_woken_at(EXO_NS_NEVER, 10, &ended));
    ck_assert_uint_eq(ended, 10);
    ck_assert(parked_until_woken_at(20, 10, &ended));
    ck_assert_uint_eq(ended, 10); // and the deadline is forgotten
    ck_assert(!parked_until_woken_at(10, 20, &ended));
    ck_assert_uint_eq(ended, 20); // waking the dead does nothing
}
END_TEST

// Both are due at the same instant; whoever parked first is looked at first.
START_TEST(a_deadline_at_the_instant_of_the_wake_is_one_wake)
{
    exo_ns ended;
    ck_assert(!parked_until_woken_at(10, 10, &ended));
    ck_assert_uint_eq(ended, 10);
}
END_TEST

START_TEST(a_deadline_in_the_past_ends_a_park_at_once)
{
    struct world w;
    world_init(&w);
    w.now = EXO_S(5);
    struct actor a = {.w = &w, .until = EXO_S(4), .in_time = true};
    world_start(&w, "a", park_and_note, &a);
    sched_run(&w.sched);
    ck_assert(!a.in_time);
    ck_assert_uint_eq(w.now, EXO_S(5));
    ck_assert_uint_eq(w.idles, 0);
}
END_TEST

static void spin_until_told(void *arg)
{
    struct actor *a = arg;
    while (!a->in_time) {
        a->w->now += EXO_US(1); // work takes time
        a->turns++;
        task_yield(&a->w->sched);
    }
}

static void sleep_and_tell(void *arg)
{
    struct actor *a = arg;
    struct actor *spinners = (struct actor *)a->mark;
    task_sleep_until(&a->w->sched, a->until);
    for (uint32_t i = 0; i < a->turns; i++)
        spinners[i].in_time = true;
}

START_TEST(tasks_that_only_yield_do_not_starve_sleepers)
{
    struct world w;
    world_init(&w);
    struct actor spinners[3] = {{.w = &w}, {.w = &w}, {.w = &w}};
    struct actor teller = {.w = &w, .mark = (const char *)spinners, .until = EXO_MS(1), .turns = 3};
    for (size_t i = 0; i < 3; i++)
        world_start(&w, "spinner", spin_until_told, &spinners[i]);
    world_start(&w, "teller", sleep_and_tell, &teller);
    sched_run(&w.sched);
    ck_assert_uint_lt(w.now, EXO_MS(1) + EXO_US(2 * SCHED_TURNS));
    ck_assert_uint_eq(w.idles, 0);
    ck_assert_uint_ge(w.polls, w.sched.switches / (SCHED_TURNS + 1)); // nor devices
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_le(spinners[0].turns - spinners[i].turns + 1, 2); // and all are equal
}
END_TEST

static void leave(struct sched *s)
{
    task_exit(s);
}

static void exit_from_below(void *arg)
{
    struct actor *a = arg;
    world_say(a->w, "in ");
    leave(&a->w->sched);
    world_say(a->w, "never");
}

static void start_a_child(void *arg)
{
    struct actor *a = arg;
    world_start(a->w, "child", exit_from_below, a);
    task_yield(&a->w->sched);
    world_say(a->w, "after ");
    ck_assert_uint_eq(a->w->exits, 1); // it was buried before we ran again
}

START_TEST(exit_frees_before_anyone_else_runs)
{
    struct world w;
    world_init(&w);
    struct actor a = {.w = &w};
    world_start(&w, "parent", start_a_child, &a);
    sched_run(&w.sched);
    ck_assert_str_eq(w.trace, "in after ");
    ck_assert_uint_eq(w.exits, 2);
}
END_TEST

static void sleep_a_little(void *arg)
{
    struct actor *a = arg;
    for (uint32_t i = 0; i < a->turns; i++)
        task_sleep_until(&a->w->sched, a->w->now + a->until);
}

START_TEST(five_thousand_tasks_sleep_and_end)
{
    enum { N = 5000 };
    struct world w;
    world_init(&w);
    struct actor *actors = calloc(N, sizeof *actors);
    for (uint32_t i = 0; i < N; i++) {
        actors[i] = (struct actor){.w = &w, .turns = 3, .until = EXO_US(1 + i * 7919 % 1000)};
        struct task *task = malloc(sizeof *task);
        void *stack = malloc(8192);
        task_start(&w.sched, task, "one of many", stack, 8192, sleep_a_little, &actors[i],
                   world_bury, &w);
    }
    sched_run(&w.sched);
    ck_assert_uint_eq(w.exits, N);
    ck_assert_uint_eq(w.now, EXO_US(3000));
    free(actors);
}
END_TEST

START_TEST(two_schedulers_do_not_know_each_other)
{
    struct world one, two;
    world_init(&one);
    world_init(&two);
    struct actor a = {.w = &one, .mark = "1", .until = 10};
    struct actor b = {.w = &two, .mark = "2", .until = 99};
    world_start(&one, "a", sleep_and_say, &a);
    world_start(&two, "b", sleep_and_say, &b);
    sched_run(&two.sched);
    ck_assert_str_eq(one.trace, "");
    sched_run(&one.sched);
    ck_assert_uint_eq(one.now, 10);
    ck_assert_uint_eq(two.now, 99);
}
END_TEST

// Writes the word that a frame one too deep would write.
static void overflow(void *arg)
{
    struct actor *a = arg;
    struct task *self = task_self(&a->w->sched);
    memset(self->stack, 0xee, 16);
    task_yield(&a->w->sched);
}

static uint32_t dig(volatile uint8_t *outer, uintptr_t floor)
{
    volatile uint8_t frame[256];
    memset((void *)frame, 0xee, sizeof frame);
    if ((uintptr_t)frame > floor)
        frame[0] = (uint8_t)dig(frame, floor);
    return frame[0] + outer[0];
}

static void recurse_too_deep(void *arg)
{
    struct actor *a = arg;
    uint8_t first = 0;
    a->turns = dig(&first, (uintptr_t)task_self(&a->w->sched)->stack);
    task_yield(&a->w->sched);
}

static int signal_that_ends(void (*fn)(void *))
{
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        struct world w;
        world_init(&w);
        struct actor a = {.w = &w};
        struct task task;
        // Room below the stack takes the overflow, so that only the canary can notice.
        uint8_t *room = malloc(128 * 1024);
        task_start(&w.sched, &task, "victim", room + 64 * 1024, 64 * 1024, fn, &a, NULL, NULL);
        sched_run(&w.sched);
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(a_stack_overflow_is_caught_when_the_task_stops)
{
    ck_assert_int_eq(signal_that_ends(overflow), SIGABRT);
    ck_assert_int_eq(signal_that_ends(recurse_too_deep), SIGABRT);
}
END_TEST

CHECK_MAIN("sched.task", tasks_take_turns_in_the_order_they_started,
           sleepers_wake_at_their_deadline_in_virtual_time,
           park_ends_by_the_waker_or_by_the_deadline,
           a_deadline_at_the_instant_of_the_wake_is_one_wake,
           a_deadline_in_the_past_ends_a_park_at_once, tasks_that_only_yield_do_not_starve_sleepers,
           exit_frees_before_anyone_else_runs, five_thousand_tasks_sleep_and_end,
           two_schedulers_do_not_know_each_other, a_stack_overflow_is_caught_when_the_task_stops)
