// SPDX-License-Identifier: MIT
// log.c - formats into a buffer on the stack and sends it out of the first serial port.
#include "core/log.h"

#include <stdio.h>
#include <string.h>

#include "core/bringup.h"
#include "core/clock.h"
#include "core/frame.h"
#include "core/report.h"
#include "core/state.h"

#define TIME_BYTES 32u

void log_init(void)
{
    hal_uart_init(&core_state.console, HAL_UART_COM1);
}

static void send(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n')
            hal_uart_put(&core_state.console, '\r');
        hal_uart_put(&core_state.console, bytes[i]);
    }
}

// A report takes no lock, since whoever holds this one may have been stopped, and is no part
// of what it shows of the log.
void core_console_write(const char *bytes, size_t len)
{
    if (report_has_begun()) {
        report_make_way();
        send(bytes, len);
        return;
    }
    exo_lock_take(&core_state.console_lock);
    log_ring_put(&core_state.log, bytes, len);
    send(bytes, len);
    exo_lock_give(&core_state.console_lock);
}

int core_console_read(void)
{
    return hal_uart_read(&core_state.console);
}

size_t log_format(char out[LOG_LINE_BYTES], const char *format, va_list args)
{
    static const char cut[] = "…";
    int len = vsnprintf(out, LOG_LINE_BYTES, format, args);
    if (len >= 0 && (size_t)len < LOG_LINE_BYTES)
        return (size_t)len;
    if (len < 0) { // no format of ours; show at least which one it was
        size_t n = strnlen(format, LOG_LINE_BYTES);
        memcpy(out, format, n);
        return n;
    }
    memcpy(out + LOG_LINE_BYTES - strlen(cut), cut, strlen(cut));
    return LOG_LINE_BYTES;
}

// What a log begins with. A machine on which nothing is logged has none: the line would cost
// it, in an emulator, a tenth of the way to main.
static void log_heading(void)
{
    if (!__atomic_exchange_n(&core_state.log_has_heading, false, __ATOMIC_RELAXED))
        return; // another CPU was first, or this is the line below
    core_log("core: booted by %s; %llu KiB of memory free, kernel %llu KiB", core_state.loader,
             (unsigned long long)core_frame_stats().free * CORE_FRAME_BYTES >> 10,
             (unsigned long long)core_state.handoff.kernel_bytes >> 10);
}

// A message does not start the clock: before somebody else has, there is no time in front.
static size_t format_time(char out[TIME_BYTES])
{
    if (!clock_is_running())
        return (size_t)snprintf(out, TIME_BYTES, "[   booting  ] ");
    exo_ns now_us = core_clock_now() / 1000;
    return (size_t)snprintf(out, TIME_BYTES, "[%5llu.%06llu] ",
                            (unsigned long long)(now_us / 1000000),
                            (unsigned long long)(now_us % 1000000));
}

void core_log(const char *format, ...)
{
    if (core_state.log_has_heading)
        log_heading();
    char line[TIME_BYTES + LOG_LINE_BYTES + 1];
    size_t len = format_time(line);
    va_list args;
    va_start(args, format);
    len += log_format(line + len, format, args);
    va_end(args);
    line[len++] = '\n';
    core_console_write(line, len);
}
