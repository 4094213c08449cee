// SPDX-License-Identifier: MIT
// assert.c - a failed assert, of <assert.h>, is reported as exo_assert's are.
#include "exo/assert.h"

#include <assert.h>
#include <stdio.h>

_Noreturn void __assert_func(const char *file, int line, const char *function, const char *what)
{
    (void)function; // the backtrace has it
    fflush(stdout);
    exo_assert_failed(what, file, line);
}
