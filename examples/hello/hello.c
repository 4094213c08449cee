// SPDX-License-Identifier: MIT
// hello.c - the smallest app: it says so and ends, and the machine ends with it.
#include <stdio.h>

int main(void)
{
    puts("hello from exocore");
    return 0;
}
