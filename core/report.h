// SPDX-License-Identifier: MIT
// report.h - what a dying machine says: once, whole, and by one CPU. Core's own business.
//
//     report ─► the other CPUs stop ─► tell (serial port) ─► tell (screen) ─► panic= says
//
// It is told twice because the serial port needs nothing, while a screen has to be mapped, at
// which a broken machine may fail: by then the report is out.
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include "exo/types.h"
#include <stdarg.h>

struct report {
    int status;                           // the machine's exit status
    uint64_t rip;                         // where it happened
    void (*tell)(const struct report *r); // by report_print and its like; in a larger struct
};

// Ends the machine with a report. Of several CPUs that come here, one reports and the others
// stop. Called from within a report it ends the machine at once, with one more line.
_Noreturn void report(const struct report *r);

// printf's formats; no newline is added.
__attribute__((format(printf, 1, 2))) void report_print(const char *format, ...);
__attribute__((format(printf, 1, 0))) void report_vprint(const char *format, va_list args);

// A name that may lie in trampled memory: as much of it as is readable text.
void report_name(const char *name);

// Two lines: which CPU, which task and when; which image, where, and who booted it.
void report_context(void);

// What was last on the console before the report.
void report_last_lines(void);

// Is there a report? Then locks mean nothing: whoever held one has stopped.
bool report_has_begun(void);

// Stops this CPU if another one reports.
void report_make_way(void);

#endif
