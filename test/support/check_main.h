// SPDX-License-Identifier: MIT
// check_main.h - one suite, one main: CHECK_MAIN("name", test_a, test_b, …). Where misuse is
// tested too, whose assertion ends a test by SIGABRT, main calls check_main_misuse itself.
#ifndef TEST_SUPPORT_CHECK_MAIN_H
#define TEST_SUPPORT_CHECK_MAIN_H

#include <check.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

static inline int check_main_misuse(const char *name, const TTest *const *tests, size_t count,
                                    const TTest *const *misuses, size_t misuse_count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 0); // ctest bounds the program; sanitizers are slow
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    for (size_t i = 0; i < misuse_count; i++)
        tcase_add_test_raise_signal(tcase, misuses[i], SIGABRT);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define CHECK_MAIN(name, ...)                                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return check_main_misuse(name, tests, sizeof tests / sizeof tests[0], NULL, 0);            \
    }

#endif
