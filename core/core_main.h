// SPDX-License-Identifier: MIT
// core_main.h - where the loader's road ends and the app's begins.
#ifndef CORE_CORE_MAIN_H
#define CORE_CORE_MAIN_H

#include "core/handoff.h"

// Called by entry.asm on core's own stack, with the block where the loader put it and the
// time stamp counter at core's first instructions.
_Noreturn void core_main(const struct handoff *handoff, uint64_t tsc);

// The one call upward: supplied by whoever stands above core (sdk/start/start.c).
// Runs on core's stack with interrupts off and everything in core ready; its
// result is the machine's exit status.
int exo_start(void);

// The command line that the loader passed, zero-terminated, never null.
const char *core_cmdline(void);

#endif
