// SPDX-License-Identifier: MIT
// fail.c - what a failed exo_assert does on the host: say so and abort.
#include "exo/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void exo_assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
    abort();
}
