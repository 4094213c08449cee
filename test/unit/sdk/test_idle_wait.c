// SPDX-License-Identifier: MIT
#include "core/irq.h"
#include "sdk/glue/idle_wait.h"
#include "sdk/glue/local.h"
#include "test/support/check_main.h"
#include "test/unit/sdk/fake_cpu.h"

#include <pthread.h>
#include <string.h>

static char trace[128]; // what happened, in order

struct device {
    struct idle_source source;
    const char *name;
    bool has_something;
};

static struct core_cpu cpus[2];

static struct local locals[2];

static void enter(uint32_t cpu)
{
    fake_cpu_enter(&cpus[cpu], cpu);
    list_init(&locals[cpu].sources);
    cpus[cpu].app = &locals[cpu];
}

static void enter_first(void)
{
    enter(0);
}

struct local *local_first(void)
{
    ck_abort_msg("every CPU has entered");
}

static void say(const char *what, const char *who)
{
    strcat(strcat(strcat(trace, what), who), " ");
}

void core_irq_wait(exo_ns deadline)
{
    say("halt", deadline == 7 ? "7" : "?");
}

static bool arm(void *ctx)
{
    struct device *d = ctx;
    say("arm-", d->name);
    return d->has_something;
}

static void disarm(void *ctx, bool arrived)
{
    struct device *d = ctx;
    say(arrived ? "wake-" : "off-", d->name);
}

static void add(struct device *d, const char *name, bool has_something)
{
    *d = (struct device){{.arm = arm, .disarm = disarm, .ctx = d}, name, has_something};
    idle_add(&d->source);
}

static const char *wait(void)
{
    trace[0] = '\0';
    idle_wait(7);
    return trace;
}

START_TEST(a_halt_lies_between_arming_and_disarming_all)
{
    struct device a, b;
    enter_first();
    ck_assert_str_eq(wait(), "halt7 ");
    add(&a, "a", false);
    add(&b, "b", false);
    ck_assert_str_eq(wait(), "arm-a arm-b halt7 off-a off-b ");
    idle_remove(&a.source);
    ck_assert_str_eq(wait(), "arm-b halt7 off-b ");
    idle_remove(&b.source);
}
END_TEST

START_TEST(who_has_something_prevents_the_halt_and_is_told)
{
    struct device a, b, c;
    enter_first();
    add(&a, "a", false);
    add(&b, "b", true);
    add(&c, "c", true);
    ck_assert_str_eq(wait(), "arm-a arm-b off-a wake-b ");
    idle_remove(&b.source);
    ck_assert_str_eq(wait(), "arm-a arm-c off-a wake-c ");
    idle_remove(&a.source);
    idle_remove(&c.source);
}
END_TEST

START_TEST(polling_asks_each_without_a_halt)
{
    struct device a, b;
    enter_first();
    add(&a, "a", false);
    add(&b, "b", true);
    trace[0] = '\0';
    idle_poll();
    ck_assert_str_eq(trace, "arm-a off-a arm-b wake-b ");
    idle_remove(&a.source);
    idle_remove(&b.source);
}
END_TEST

static void *wait_elsewhere(void *arg)
{
    enter(1);
    strcpy(arg, wait());
    return NULL;
}

START_TEST(a_source_is_of_the_cpu_that_added_it)
{
    struct device a;
    char elsewhere[sizeof trace];
    pthread_t other;
    enter_first();
    add(&a, "a", false);
    ck_assert_int_eq(pthread_create(&other, NULL, wait_elsewhere, elsewhere), 0);
    pthread_join(other, NULL);
    ck_assert_str_eq(elsewhere, "halt7 ");
    ck_assert_str_eq(wait(), "arm-a halt7 off-a ");
    idle_remove(&a.source);
}
END_TEST

CHECK_MAIN("sdk.idle_wait", a_halt_lies_between_arming_and_disarming_all,
           who_has_something_prevents_the_halt_and_is_told, polling_asks_each_without_a_halt,
           a_source_is_of_the_cpu_that_added_it)
