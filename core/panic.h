// SPDX-License-Identifier: MIT
// panic.h - the end of the machine, on purpose or not.
//
// A panic, a failed assertion and a CPU exception end it with a report, on the serial port
// and on the screen. What comes then, the command line says: panic=exit (the default, as
// core_exit), reset, halt or off.
#ifndef CORE_PANIC_H
#define CORE_PANIC_H

// Ends the machine with an exit status: 0 is success. A hypervisor with the
// debug-exit device passes it on (docs/handoff.md, "Exit"); elsewhere the machine
// halts after a line that says so. Values above 111 are reported as 111.
_Noreturn void core_exit(int status);

// Says why, prints a backtrace with function names, and ends the machine with status
// CORE_PANIC_STATUS. The message takes printf's formats.
__attribute__((format(printf, 1, 2))) _Noreturn void core_panic(const char *format, ...);

#define CORE_PANIC_STATUS   101 // a panic or a failed assertion
#define CORE_FAULT_STATUS   102 // an unhandled CPU exception
#define CORE_BRINGUP_STATUS 103 // no machine that core can run on

#endif
