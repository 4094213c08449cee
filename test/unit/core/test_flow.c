// SPDX-License-Identifier: MIT
#include "core/flow.h"
#include "core/state.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "test/support/check_main.h"

#include <stdlib.h>
#include <string.h>

struct core_state core_state;

static const struct core_nic nic = {.bus = CORE_NIC_MMIO, .at = 0xfeb00000};

// Two of the NIC's pairs have an owner.
bool nicq_complete(struct core_nic which, uint16_t index)
{
    return core_nic_same(which, nic) && index < 2;
}

static const struct core_flow_filter ip = {.ethertype = 0x0800};
static const struct core_flow_filter dns = {.ethertype = 0x0800, .protocol = 17, .local_port = 53};
static const struct core_flow_filter from_dns = {
    .ethertype = 0x0800, .protocol = 17, .remote_port = 53};
static const struct core_flow_filter no_sense = {.ethertype = 0x0800, .local_port = 53};

static int bind(struct core_flow *flow, uint16_t index, const struct core_flow_filter *filter)
{
    return core_flow_bind(flow, nic, index, filter, "test");
}

START_TEST(one_inside_another_is_bound_in_any_order)
{
    struct core_flow outer, inner;
    ck_assert_int_eq(bind(&outer, 0, &ip), 0);
    ck_assert_int_eq(bind(&inner, 0, &dns), 0);
    core_flow_release(&outer);
    ck_assert_int_eq(bind(&outer, 0, &ip), 0);
    ck_assert(flow_bound(nic, 0) && !flow_bound(nic, 1));
    core_flow_release(&inner);
    core_flow_release(&outer);
    ck_assert(!flow_bound(nic, 0));
}
END_TEST

START_TEST(equal_and_crossing_filters_stand_in_the_way_on_one_queue)
{
    struct core_flow first, second;
    ck_assert_int_eq(bind(&first, 0, &dns), 0);
    ck_assert_int_eq(bind(&second, 0, &dns), -EXO_EBUSY);
    ck_assert_int_eq(bind(&second, 0, &from_dns), -EXO_EBUSY);
    ck_assert_int_eq(bind(&second, 1, &from_dns), 0);
    core_flow_release(&first);
    core_flow_release(&second);
}
END_TEST

START_TEST(a_bind_that_fails_changes_nothing)
{
    struct core_flow first, second, before;
    ck_assert_int_eq(bind(&first, 0, &dns), 0);
    memset(&second, 0xa5, sizeof second);
    before = second;
    ck_assert_int_eq(bind(&second, 0, &no_sense), -EXO_EINVAL);
    ck_assert_int_eq(bind(&second, 2, &ip), -EXO_ENOENT);
    ck_assert_int_eq(bind(&second, 0, &dns), -EXO_EBUSY);
    ck_assert_mem_eq(&second, &before, sizeof second);
    core_flow_release(&first);
    ck_assert_ptr_null(core_state.flows);
}
END_TEST

START_TEST(a_flow_that_is_bound_is_not_bound_again)
{
    struct core_flow flow;
    ck_assert_int_eq(bind(&flow, 0, &dns), 0);
    bind(&flow, 1, &dns);
}
END_TEST

START_TEST(a_flow_is_released_once)
{
    struct core_flow flow;
    ck_assert_int_eq(bind(&flow, 0, &dns), 0);
    core_flow_release(&flow);
    core_flow_release(&flow);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_inside_another_is_bound_in_any_order,
        equal_and_crossing_filters_stand_in_the_way_on_one_queue,
        a_bind_that_fails_changes_nothing,
    };
    const TTest *const misuses[] = {
        a_flow_that_is_bound_is_not_bound_again,
        a_flow_is_released_once,
    };
    return check_main_misuse("core.flow", tests, EXO_COUNT(tests), misuses, EXO_COUNT(misuses));
}
