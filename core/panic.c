// SPDX-License-Identifier: MIT
// panic.c - the ways in which the machine ends, the CPU's exceptions aside.
#include "core/panic.h"

#include "core/bringup.h"
#include "core/log.h"
#include "core/state.h"
#include "core/trace.h"
#include "exo/assert.h"
#include "hal/cpu.h"
#include "hal/port.h"

// QEMU's isa-debug-exit turns a byte v into the exit code v << 1 | 1. The 16 keeps a
// status of 0 away from QEMU's own failures, which exit with 1.
#define EXIT_PORT   0xf4
#define EXIT_OFFSET 16
#define STATUS_MAX  111

void core_exit(int status)
{
    if (status < 0 || status > STATUS_MAX)
        status = STATUS_MAX;
    hal_irq_off();
    hal_out8(EXIT_PORT, (uint8_t)(status + EXIT_OFFSET));
    log_print("exocore: stopped with status %d\n", status);
    hal_halt_forever();
}

// Whoever dies while dying says so in a line that needs no memory, and then not even that.
void panic_begin(int status)
{
    uint32_t depth = core_state.dying++;
    if (depth == 0)
        return;
    static const char again[] = "\nexocore: the report itself failed\n";
    if (depth == 1)
        core_console_write(again, sizeof(again) - 1);
    hal_out8(EXIT_PORT, (uint8_t)(status + EXIT_OFFSET));
    hal_halt_forever();
}

static _Noreturn void end(void)
{
    log_print("\nbacktrace:\n");
    trace_print((uint64_t)__builtin_frame_address(0));
    core_exit(CORE_PANIC_STATUS);
}

void core_panic(const char *format, ...)
{
    panic_begin(CORE_PANIC_STATUS);
    log_print("\npanic: ");
    va_list args;
    va_start(args, format);
    log_vprint(format, args);
    va_end(args);
    end();
}

void exo_assert_failed(const char *what, const char *file, int line)
{
    panic_begin(CORE_PANIC_STATUS);
    log_print("\nassertion failed: %s (%s:%d)", what, file, line);
    end();
}

void bringup_fail(const char *format, ...)
{
    log_print("exocore: ");
    va_list args;
    va_start(args, format);
    log_vprint(format, args);
    va_end(args);
    log_print("\n");
    core_exit(CORE_BRINGUP_STATUS);
}
