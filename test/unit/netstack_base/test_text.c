// SPDX-License-Identifier: MIT
#include "netstack/base/text.h"
#include "test/support/check_main.h"

#include <stdio.h>

START_TEST(decimals_are_those_of_printf)
{
    static const uint64_t values[] = {0, 1, 9, 10, 99, 100, 4294967296, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[TEXT_DECIMAL_MAX + 1] = {0};
        char expected[TEXT_DECIMAL_MAX + 1];
        snprintf(expected, sizeof expected, "%llu", (unsigned long long)values[i]);
        ck_assert_str_eq(text_decimal(text + TEXT_DECIMAL_MAX, values[i]), expected);
    }
}
END_TEST

START_TEST(addresses_are_dotted)
{
    char text[TEXT_IP4_MAX + 1] = {0};
    ck_assert_str_eq(text_ip4(text + TEXT_IP4_MAX, ip4_of(255, 255, 255, 255)), "255.255.255.255");
    ck_assert_str_eq(text_ip4(text + TEXT_IP4_MAX, ip4_of(10, 0, 2, 15)), "10.0.2.15");
    ck_assert_str_eq(text_ip4(text + TEXT_IP4_MAX, ip4_of(0, 0, 0, 0)), "0.0.0.0");
}
END_TEST

CHECK_MAIN("netstack.text", decimals_are_those_of_printf, addresses_are_dotted)
