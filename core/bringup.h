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

// Takes over the loader's page tables.
void pt_init(void);

// A pool without frames. They come, all at once, when somebody first wants one: frame_know reads
// the loader's map, unless that has been done. On CPU 0 the first time, without locks.
void frame_init(void);
void frame_know(void);

// The interrupt controller, unless it is up, and the beginning of a measurement that clock.c
// may end later. Before interrupts are let in.
void lapic_know(void);

// Does the clock tell time already? A log line before that must not make it.
bool clock_is_running(void);

#endif
