// SPDX-License-Identifier: MIT
// talk.c - more output than a pipe holds.
#include <stdio.h>

int main(void)
{
    for (int i = 0; i < 5000; i++)
        printf("talk: line %d of a story that is longer than its listener's patience\n", i);
    return 0;
}
