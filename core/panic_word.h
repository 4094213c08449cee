// SPDX-License-Identifier: MIT
// panic_word.h - the command line's word for what comes after a report: panic=WORD. Pure.
#ifndef CORE_PANIC_WORD_H
#define CORE_PANIC_WORD_H

#include "exo/types.h"

enum panic_end {
    PANIC_EXIT,  // the hypervisor's exit device; where there is none, halt. Without a word
    PANIC_RESET, // boot again
    PANIC_HALT,  // stand still, so that the report can be read off the screen
    PANIC_OFF,   // switch the machine off
};

// What the first panic= of the command line says. False, with `out` PANIC_EXIT, if its word
// is none of exit, reset, halt and off.
bool panic_word(const char *cmdline, enum panic_end *out);

#endif
