// SPDX-License-Identifier: MIT
// confirm.c - an app that confirms its slot, as often as the command line has words.
#include "core/boot.h"
#include "core/frame.h"
#include "sdk/glue/boot_confirm.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argv;
    uint64_t before = 0;
    printf("confirm: slot %d\n", core_boot_slot());
    for (int i = 1; i < argc; i++) {
        printf("confirm: %d\n", exo_boot_confirm());
        if (i == 1) // the first one's page tables for device registers stay
            before = core_frame_stats().free;
    }
    return argc < 2 || core_frame_stats().free == before ? 0 : 1;
}
