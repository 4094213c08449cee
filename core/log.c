// SPDX-License-Identifier: MIT
// log.c - formats into a buffer on the stack and sends it out of the first serial port.
#include "core/log.h"

#include <stdio.h>
#include <string.h>

#include "core/bringup.h"
#include "core/clock.h"
#include "core/state.h"

void log_init(void)
{
    hal_uart_init(&core_state.console, HAL_UART_COM1);
}

void core_console_write(const char *bytes, size_t len)
{
    while (len > 0) {
        const char *newline = memchr(bytes, '\n', len);
        size_t run = newline ? (size_t)(newline - bytes) : len;
        hal_uart_write(&core_state.console, bytes, run);
        if (!newline)
            return;
        hal_uart_write(&core_state.console, "\r\n", 2);
        bytes += run + 1;
        len -= run + 1;
    }
}

int core_console_read(void)
{
    return hal_uart_read(&core_state.console);
}

void log_vprint(const char *format, va_list args)
{
    char line[LOG_LINE_BYTES];
    int len = vsnprintf(line, sizeof(line), format, args);
    if (len < 0) { // no format of ours; show at least which one it was
        core_console_write(format, strlen(format));
        return;
    }
    if ((size_t)len < sizeof(line)) {
        core_console_write(line, (size_t)len);
        return;
    }
    core_console_write(line, sizeof(line) - 1);
    core_console_write("…", strlen("…"));
}

void log_print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_vprint(format, args);
    va_end(args);
}

// A message does not start the clock: before somebody else has, there is no time in front.
static void print_time(void)
{
    if (!clock_is_running()) {
        log_print("[   booting  ] ");
        return;
    }
    exo_ns now_us = core_clock_now() / 1000;
    log_print("[%5llu.%06llu] ", (unsigned long long)(now_us / 1000000),
              (unsigned long long)(now_us % 1000000));
}

void core_log(const char *format, ...)
{
    print_time();
    va_list args;
    va_start(args, format);
    log_vprint(format, args);
    va_end(args);
    core_console_write("\n", 1);
}
