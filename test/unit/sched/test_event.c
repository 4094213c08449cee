// SPDX-License-Identifier: MIT
#include "test/unit/sched/world.h"

struct actor {
    struct world *w;
    struct event *event;
    const char *mark;
    uint32_t since; // the mark to wait after
    exo_ns deadline;
    bool signalled;
};

static void wait_and_say(void *arg)
{
    struct actor *a = arg;
    a->signalled = event_wait(&a->w->sched, a->event, a->since, a->deadline);
    world_say(a->w, a->mark);
}

static void signal_at(void *arg)
{
    struct actor *a = arg;
    task_sleep_until(&a->w->sched, a->deadline);
    event_signal(a->event);
}

START_TEST(signal_wakes_all_who_wait_first_come_first)
{
    struct world w;
    struct event e;
    world_init(&w);
    event_init(&e);
    struct actor a = {&w, &e, "a", 0, EXO_NS_NEVER, false};
    struct actor b = {&w, &e, "b", 0, EXO_S(1), false};
    struct actor c = {&w, &e, "c", 0, EXO_NS_NEVER, false};
    struct actor signaller = {.w = &w, .event = &e, .deadline = 10};
    world_start(&w, "b", wait_and_say, &b);
    world_start(&w, "a", wait_and_say, &a);
    world_start(&w, "c", wait_and_say, &c);
    world_start(&w, "signaller", signal_at, &signaller);
    sched_run(&w.sched);
    ck_assert_str_eq(w.trace, "bac");
    ck_assert(a.signalled && b.signalled && c.signalled);
    ck_assert_uint_eq(w.now, 10); // b's deadline went with its wait
}
END_TEST

START_TEST(a_signal_after_the_mark_is_not_lost)
{
    struct world w;
    struct event e;
    world_init(&w);
    event_init(&e);
    struct actor a = {&w, &e, "a", event_mark(&e), EXO_NS_NEVER, false};
    event_signal(&e); // nobody waits yet
    world_start(&w, "a", wait_and_say, &a);
    sched_run(&w.sched);
    ck_assert(a.signalled);
    ck_assert_uint_eq(w.idles, 0);
}
END_TEST

START_TEST(a_wait_past_its_deadline_says_so_and_leaves_the_list)
{
    struct world w;
    struct event e;
    world_init(&w);
    event_init(&e);
    struct actor a = {&w, &e, "a", 0, EXO_MS(2), true};
    world_start(&w, "a", wait_and_say, &a);
    sched_run(&w.sched);
    ck_assert(!a.signalled);
    ck_assert_uint_eq(w.now, EXO_MS(2));
    ck_assert(list_is_empty(&e.waiters));
    event_signal(&e); // wakes nobody, touches no freed task
}
END_TEST

START_TEST(a_signal_from_idle_wakes)
{
    struct world w;
    struct event e;
    world_init(&w);
    event_init(&e);
    struct actor a = {&w, &e, "a", 0, EXO_NS_NEVER, false};
    w.at_idle = &e;
    world_start(&w, "a", wait_and_say, &a);
    sched_run(&w.sched);
    ck_assert(a.signalled);
    ck_assert_uint_eq(w.idles, 1);
}
END_TEST

struct rally {
    struct world *w;
    struct event ping;
    struct event pong;
    uint32_t balls;
};

static void serve(void *arg)
{
    struct rally *r = arg;
    for (int i = 0; i < 100; i++) {
        uint32_t mark = event_mark(&r->pong);
        r->balls++;
        event_signal(&r->ping);
        event_wait(&r->w->sched, &r->pong, mark, EXO_NS_NEVER);
    }
}

static void answer(void *arg)
{
    struct rally *r = arg;
    uint32_t seen = 0;
    while (seen < 100) {
        if (seen == r->balls)
            event_wait(&r->w->sched, &r->ping, event_mark(&r->ping), EXO_NS_NEVER);
        seen++;
        event_signal(&r->pong);
    }
}

START_TEST(two_tasks_hand_a_ball_to_and_fro)
{
    struct world w;
    struct rally r = {.w = &w};
    world_init(&w);
    event_init(&r.ping);
    event_init(&r.pong);
    world_start(&w, "server", serve, &r);
    world_start(&w, "answerer", answer, &r);
    sched_run(&w.sched);
    ck_assert_uint_eq(r.balls, 100);
    ck_assert_uint_eq(w.idles, 0);
}
END_TEST

CHECK_MAIN("sched.event", signal_wakes_all_who_wait_first_come_first,
           a_signal_after_the_mark_is_not_lost,
           a_wait_past_its_deadline_says_so_and_leaves_the_list, a_signal_from_idle_wakes,
           two_tasks_hand_a_ball_to_and_fro)
