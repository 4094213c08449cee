// SPDX-License-Identifier: MIT
// power.c - ends the machine in the way that the command line names.
#include "core/power.h"
#include "core/core_main.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    if (strcmp(core_cmdline(), "off") == 0)
        core_power_off();
    if (strcmp(core_cmdline(), "reset") == 0)
        core_power_reset();
    puts("power: off or reset?");
    return 1;
}
