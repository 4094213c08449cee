// SPDX-License-Identifier: MIT
// log.h - one line to the console, with the time in front: "[    0.001234] core: …".
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

// printf's formats; the newline is added. A longer line than LOG_LINE_BYTES is cut, and
// ends in "…".
__attribute__((format(printf, 1, 2))) void core_log(const char *format, ...);

// Raw bytes to the console, as they are ('\n' becomes CR LF on the wire). What one call writes
// stays together, whichever CPUs write.
void core_console_write(const char *bytes, size_t len);

// One byte from the console, or -1 if none has arrived.
int core_console_read(void);

#define LOG_LINE_BYTES 384u

// Formats at most LOG_LINE_BYTES and returns how many. What is longer is cut, and ends in "…".
__attribute__((format(printf, 2, 0))) size_t log_format(char out[LOG_LINE_BYTES],
                                                        const char *format, va_list args);

#endif
