// SPDX-License-Identifier: MIT
// console.c - stdin, stdout and stderr of picolibc, on core's console.
//
// Output gathers in one buffer and leaves a line at a time, so that a printf of ten
// pieces is one write. stdout and stderr share it: they end on the same wire, and what
// was printed first comes out first. _exit and abort flush it. CPUs share it too: what two of
// them print at once comes out mixed, and whole.
#include "core/clock.h"
#include "core/irq.h"
#include "core/log.h"
#include "exo/lock.h"

#include <stdio.h>

static struct {
    struct exo_lock lock;
    char bytes[256];
    size_t used;
} output;

static void write_out(void)
{
    core_console_write(output.bytes, output.used);
    output.used = 0;
}

static int console_flush(FILE *file)
{
    (void)file;
    exo_lock_take(&output.lock);
    write_out();
    exo_lock_give(&output.lock);
    return 0;
}

static int console_put(char c, FILE *file)
{
    (void)file;
    exo_lock_take(&output.lock);
    output.bytes[output.used++] = c;
    if (c == '\n' || output.used == sizeof output.bytes)
        write_out();
    exo_lock_give(&output.lock);
    return (unsigned char)c;
}

// Blocks the machine, every task included, until a key comes. The console has no
// interrupt, so this looks every 10 ms, about as often as a key can follow another.
// Who wants to serve others meanwhile calls core_console_read.
static int console_get(FILE *file)
{
    console_flush(file); // the prompt
    int c;
    while ((c = core_console_read()) < 0)
        core_irq_wait(core_clock_now() + EXO_MS(10));
    return c == '\r' ? '\n' : c; // a terminal's Enter key
}

static FILE console_in = FDEV_SETUP_STREAM(NULL, console_get, NULL, _FDEV_SETUP_READ);
static FILE console_out = FDEV_SETUP_STREAM(console_put, NULL, console_flush, _FDEV_SETUP_WRITE);
static FILE console_err = FDEV_SETUP_STREAM(console_put, NULL, console_flush, _FDEV_SETUP_WRITE);

FILE *const stdin = &console_in;
FILE *const stdout = &console_out;
FILE *const stderr = &console_err;
