// SPDX-License-Identifier: MIT
// trace.h - who called whom, for reports.
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "exo/types.h"

// Prints " name+0x12 (core/pt.c)" behind an address of the image's code, nothing behind any
// other.
void trace_name(uint64_t rip);

// The function that an address of the image's code is in; "?" if nobody knows.
const char *trace_function(uint64_t rip);

// May this address be read? A report asks before it follows a pointer.
bool trace_is_readable(uint64_t at);

// As trace_print, for a machine that stopped at `rip` in the middle of something: there
// the innermost caller may be known only to the top of the stack.
void trace_print_from(uint64_t rip, uint64_t rsp, uint64_t rbp);

// Prints one line for each caller, 32 at most, following the chain of frame pointers from `rbp`.
// Every word is looked up in the page tables before it is read, so a smashed stack ends
// the trace and not the report.
void trace_print(uint64_t rbp);

#endif
