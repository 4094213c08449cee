// SPDX-License-Identifier: MIT
// bringup.h - the parts of core that core_main starts, in its order. Core's own business.
#ifndef CORE_BRINGUP_H
#define CORE_BRINGUP_H

#include <stdbool.h>

// Says "exocore: …" in one line and ends the machine: it is not one that core can run
// on. Takes printf's formats.
__attribute__((format(printf, 1, 2))) _Noreturn void bringup_fail(const char *format, ...);

// What the command line wants after a report, or after a failed one: with no more memory and no
// more words than it takes.
_Noreturn void panic_end(int status);
_Noreturn void panic_end_at_once(int status);

// Behind the machine's last words: no CPU goes on.
_Noreturn void panic_halt(void);

// The console; core_log works from here on.
void log_init(void);

// Cleans the memory map and takes over all frames but those the loader still uses.
void frame_init(void);

// Takes over the loader's memory, once nothing points into it any more.
void frame_take_loaders(void);

// Builds core's own page tables and leaves the loader's.
void pt_init(void);

// The interrupt controller, and the beginning of a measurement that clock.c may end later.
void clock_init(void);

// Does the clock tell time already? A log line before that must not make it.
bool clock_is_running(void);

#endif
