// SPDX-License-Identifier: MIT
// panic.c - the ways in which the machine ends, the CPU's exceptions aside.
#include "core/panic.h"

#include "core/bringup.h"
#include "core/panic_word.h"
#include "core/power.h"
#include "core/report.h"
#include "core/smp.h"
#include "core/state.h"
#include "core/trace.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "hal/cpu.h"
#include "hal/port.h"

// QEMU's isa-debug-exit turns a byte v into the exit code v << 1 | 1. The 16 keeps a
// status of 0 away from QEMU's own failures, which exit with 1.
#define EXIT_PORT   0xf4
#define EXIT_OFFSET 16
#define STATUS_MAX  111

// ---- the end itself ----

static void tell_hypervisor(int status)
{
    hal_out8(EXIT_PORT, (uint8_t)(status + EXIT_OFFSET));
}

void core_exit(int status)
{
    if (status < 0 || status > STATUS_MAX)
        status = STATUS_MAX;
    hal_irq_off();
    report_make_way(); // an end by a report is not to become another one
    tell_hypervisor(status);
    report_print("exocore: stopped with status %d\n", status);
    panic_halt();
}

// The words come first, for they need a lock that one of the others may hold.
void panic_halt(void)
{
    core_cpu_stop_others();
    hal_halt_forever();
}

// Not read before it matters, for most machines end without a report. What the start code
// complained about is exit.
static enum panic_end wanted_end(void)
{
    enum panic_end end;
    (void)panic_word(core_state.cmdline, &end);
    return end;
}

void panic_end(int status)
{
    switch (wanted_end()) {
    case PANIC_EXIT:
        core_exit(status);
    case PANIC_RESET:
        core_power_reset();
    case PANIC_OFF:
        core_power_off();
    case PANIC_HALT:
        report_print("exocore: halted\n");
        panic_halt();
    }
    __builtin_unreachable();
}

void panic_end_at_once(int status)
{
    enum panic_end end = wanted_end();
    if (end == PANIC_EXIT)
        tell_hypervisor(status);
    if (end == PANIC_RESET)
        power_triple_fault();
    hal_halt_forever();
}

// ---- reports without an exception ----

struct complaint {
    struct report report;
    const char *format;
    va_list *args;
    uint64_t rbp; // of whoever complained
};

static void print_message(const struct complaint *c)
{
    va_list args; // a copy for each time that it is told
    va_copy(args, *c->args);
    report_vprint(c->format, args);
    va_end(args);
}

static void tell_panic(const struct report *r)
{
    const struct complaint *c = EXO_CONTAINER(r, const struct complaint, report);
    report_print("\npanic: ");
    print_message(c);
    report_print("\n");
    report_context();
    report_print("backtrace:\n");
    trace_print(c->rbp);
    report_last_lines();
}

// Core has not come far enough to know more than the reason.
static void tell_bringup(const struct report *r)
{
    report_print("exocore: ");
    print_message(EXO_CONTAINER(r, const struct complaint, report));
    report_print("\n");
}

void core_panic(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(&(struct complaint){
        .report = {CORE_PANIC_STATUS, (uint64_t)__builtin_return_address(0), tell_panic},
        .format = format,
        .args = &args,
        .rbp = (uint64_t)__builtin_frame_address(0),
    }
                .report);
}

struct failed_assertion {
    struct report report;
    const char *what, *file;
    int line;
    uint64_t rbp;
};

static void tell_assertion(const struct report *r)
{
    const struct failed_assertion *a = EXO_CONTAINER(r, const struct failed_assertion, report);
    report_print("\nassertion failed: %s (%s:%d)\n", a->what, a->file, a->line);
    report_context();
    report_print("backtrace:\n");
    trace_print(a->rbp);
    report_last_lines();
}

void exo_assert_failed(const char *what, const char *file, int line)
{
    report(&(struct failed_assertion){
        .report = {CORE_PANIC_STATUS, (uint64_t)__builtin_return_address(0), tell_assertion},
        .what = what,
        .file = file,
        .line = line,
        .rbp = (uint64_t)__builtin_frame_address(0),
    }
                .report);
}

void bringup_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(&(struct complaint){
        .report = {CORE_BRINGUP_STATUS, (uint64_t)__builtin_return_address(0), tell_bringup},
        .format = format,
        .args = &args,
    }
                .report);
}
