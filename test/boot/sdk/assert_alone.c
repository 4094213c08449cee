// SPDX-License-Identifier: MIT
// assert_alone.c - <assert.h> in an app that links no layer and names no end of its own.
#include <assert.h>

int main(int argc, char **argv)
{
    (void)argv;
    assert(argc == 0);
    return 0;
}
