// SPDX-License-Identifier: MIT
// test_gsi_map.c - wires and pins, as boards and liars number them.
#include "core/gsi_map.h"

#include "test/support/check_main.h"

static volatile uint32_t registers[3][8];

START_TEST(gsi_map_follows_what_is_told)
{
    struct gsi_map map = {0};
    ck_assert_ptr_null(gsi_map_find(&map, 0));
    ck_assert(gsi_map_add(&map, registers[1], 24, 8)); // not in order
    ck_assert(gsi_map_add(&map, registers[0], 0, 24));
    ck_assert(gsi_map_find(&map, 0)->regs == registers[0]);
    ck_assert(gsi_map_find(&map, 23)->regs == registers[0]);
    ck_assert(gsi_map_find(&map, 24)->regs == registers[1]);
    ck_assert_uint_eq(gsi_map_find(&map, 31)->first, 24);
    ck_assert_ptr_null(gsi_map_find(&map, 32));
}
END_TEST

START_TEST(gsi_map_counts_on_where_nothing_is_told)
{
    struct gsi_map map = {0};
    ck_assert(gsi_map_add(&map, registers[0], 0, 24));
    ck_assert(gsi_map_add(&map, registers[1], HAL_GSI_UNTOLD, 16));
    ck_assert(gsi_map_add(&map, registers[2], HAL_GSI_UNTOLD, 4));
    ck_assert(gsi_map_find(&map, 39)->regs == registers[1]);
    ck_assert(gsi_map_find(&map, 40)->regs == registers[2]);
    ck_assert_ptr_null(gsi_map_find(&map, 44));
}
END_TEST

START_TEST(gsi_map_refuses_wires_twice)
{
    struct gsi_map map = {0};
    ck_assert(gsi_map_add(&map, registers[0], 8, 24));
    ck_assert(!gsi_map_add(&map, registers[1], 8, 24));
    ck_assert(!gsi_map_add(&map, registers[1], 31, 1));
    ck_assert(!gsi_map_add(&map, registers[1], 0, 9));
    ck_assert(!gsi_map_add(&map, registers[1], 0, 100));
    ck_assert(!gsi_map_add(&map, registers[1], UINT32_MAX - 1, 24)); // wraps around
    ck_assert_uint_eq(map.count, 1);
    ck_assert(gsi_map_add(&map, registers[1], 0, 8));
    for (uint32_t i = 2; i < HAL_IOAPICS_MAX; i++)
        ck_assert(gsi_map_add(&map, registers[2], HAL_GSI_UNTOLD, 240));
    ck_assert(!gsi_map_add(&map, registers[2], HAL_GSI_UNTOLD, 240));
}
END_TEST

START_TEST(gsi_map_shapes_are_those_of_overrides)
{
    struct hal_apics apics = {.nmi_count = 1, .nmis = {{.gsi = 23}}};
    for (uint32_t irq = 0; irq < HAL_ISA_IRQS; irq++)
        apics.isa[irq].gsi = irq;
    apics.isa[0] = (struct hal_wire){.gsi = 2}; // 2 stays what it is beside it
    apics.isa[9] = (struct hal_wire){.gsi = 20, .shape = HAL_WIRE_ACTIVE_LOW | HAL_WIRE_LEVEL};
    ck_assert_uint_eq(gsi_map_shape(&apics, 2), 0);
    ck_assert_uint_eq(gsi_map_shape(&apics, 9), 0);
    ck_assert_uint_eq(gsi_map_shape(&apics, 20), HAL_WIRE_ACTIVE_LOW | HAL_WIRE_LEVEL);
    ck_assert_uint_eq(gsi_map_shape(&apics, 200), 0);
    ck_assert(gsi_map_is_nmi(&apics, 23));
    ck_assert(!gsi_map_is_nmi(&apics, 0));
}
END_TEST

CHECK_MAIN("core.gsi_map", gsi_map_follows_what_is_told, gsi_map_counts_on_where_nothing_is_told,
           gsi_map_refuses_wires_twice, gsi_map_shapes_are_those_of_overrides)
