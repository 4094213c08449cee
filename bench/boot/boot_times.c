// SPDX-License-Identifier: MIT
// boot_times.c - hello, with three readings of the time stamp counter: at the loader's first
// instructions, at core's, and here at main's.
//
// Under QEMU's -icount shift=0,sleep=off a tick is one executed instruction.
#include "core/state.h"

#include <stdio.h>

int main(void)
{
    uint64_t at_main = __builtin_ia32_rdtsc();
    uint64_t at_loader = core_state.handoff.tsc_at_entry;
    uint64_t at_core = core_state.tsc_at_core;
    printf("boot: to_core %llu to_main %llu\n", (unsigned long long)(at_core - at_loader),
           (unsigned long long)(at_main - at_core));
    return 0;
}
