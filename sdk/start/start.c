// SPDX-License-Identifier: MIT
// start.c - from core to main: constructors, the command line, the exit status.
#include "core/core_main.h"
#include "core/log.h"
#include "core/seal.h"
#include "sdk/start/args.h"

#include <stdlib.h>
#include <string.h>

#define ARGS_MAX      32u
#define CMDLINE_BYTES 1024u // docs/handoff.md: at most 1023 bytes and a zero

// Jumps to main (call_main.asm).
int start_call_main(int argc, char **argv);

// Laid out by kernel.ld, one array after the other.
extern void (*const __preinit_array_start[])(void);
extern void (*const __init_array_end[])(void);

static void run_constructors(void)
{
    for (void (*const *fn)(void) = __preinit_array_start; fn != __init_array_end; fn++)
        (*fn)();
}

// argv[0] is the word that C wants there; the command line's words follow.
static int split_cmdline(char *line, char **argv)
{
    static char program[] = "exocore";
    memccpy(line, core_cmdline(), '\0', CMDLINE_BYTES);
    size_t words = args_split(line, argv + 1, ARGS_MAX);
    if (words > ARGS_MAX) {
        core_log("start: the command line has %zu words; only the first %u reach main", words,
                 ARGS_MAX);
        words = ARGS_MAX;
    }
    words = args_drop(argv + 1, words, ARGS_VIRTIO_MMIO);
    words = args_drop(argv + 1, words, ARGS_HEAP_DEBUG);
    words = args_drop(argv + 1, words, ARGS_PANIC);
    words = args_drop(argv + 1, words, ARGS_NOKASLR);
    argv[0] = program;
    argv[words + 1] = NULL;
    return (int)words + 1;
}

int exo_start(void)
{
    static char line[CMDLINE_BYTES];
    static char *argv[ARGS_MAX + 2];
    run_constructors();
    core_seal();
    int argc = split_cmdline(line, argv);
    exit(start_call_main(argc, argv)); // runs destructors and flushes; never comes back here
}
