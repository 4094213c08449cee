// SPDX-License-Identifier: MIT
// exit.c - the ends of a program. exit, _Exit and atexit are picolibc's and end here.
#include "core/panic.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void _exit(int status)
{
    fflush(stdout);
    core_exit(status);
}

// There is no signal to catch it, and a backtrace says more than a status.
_Noreturn void abort(void)
{
    fflush(stdout);
    core_panic("abort called");
}
