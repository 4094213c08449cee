// SPDX-License-Identifier: MIT
// start.c - from core to main: the command line, constructors, the exit status.
#include "sdk/start/start.h"

#include <stdlib.h>

#include "core/core_main.h"
#include "core/log.h"
#include "core/panic_word.h"
#include "core/seal.h"
#include "exo/bits.h"
#include "exo/seal.h"

#define ARGS_MAX      32u
#define CMDLINE_BYTES 1024u // docs/handoff.md: at most 1023 bytes and a zero

// Jumps to main (call_main.asm).
int start_call_main(int argc, char **argv);

// Laid out by kernel.ld, one array after the other.
extern void (*const __preinit_array_start[])(void);
extern void (*const __init_array_end[])(void);

EXO_SEALED static uint32_t words_seen; // as args.seen

bool start_was_told(enum args_word word)
{
    return words_seen >> word & 1;
}

static void run_constructors(void)
{
    for (void (*const *fn)(void) = __preinit_array_start; fn != __init_array_end; fn++)
        (*fn)();
}

// Core reads it when there is a report to end, which is too late to learn of a typing error.
static void check_panic_word(void)
{
    enum panic_end end;
    if (!panic_word(core_cmdline(), &end))
        core_log("start: the command line's panic= is none of exit, reset, halt and off");
}

// argv[0] is the word that C wants there; the command line's words follow.
static int split_cmdline(char **argv)
{
    static char program[] = "exocore";
    static char bytes[CMDLINE_BYTES];
    struct args args = args_split(core_cmdline(), bytes, argv + 1, ARGS_MAX);
    words_seen = args.seen;
    if (start_was_told(ARGS_PANIC))
        check_panic_word();
    if (args.count > ARGS_MAX)
        core_log("start: main would get %zu words; only the first %u reach it", args.count,
                 ARGS_MAX);
    size_t words = EXO_MIN(args.count, ARGS_MAX);
    argv[0] = program;
    argv[words + 1] = NULL;
    return (int)words + 1;
}

int exo_start(void)
{
    static char *argv[ARGS_MAX + 2];
    int argc = split_cmdline(argv);
    run_constructors();
    core_seal();
    exit(start_call_main(argc, argv)); // runs destructors and flushes; never comes back here
}
