// SPDX-License-Identifier: MIT
// log.h - one line to the console, with the time in front: "[    0.001234] core: …".
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stddef.h>
#include <stdint.h>

// printf's formats; the newline is added.
__attribute__((format(printf, 1, 2))) void core_log(const char *format, ...);

// Raw bytes to the console, as they are ('\n' becomes CR LF on the wire).
void core_console_write(const char *bytes, size_t len);

// One byte from the console, or -1 if none has arrived.
int core_console_read(void);

#endif
