// SPDX-License-Identifier: MIT
// args.h - a command line split into words: main's, and those that are meant for a library.
#ifndef SDK_START_ARGS_H
#define SDK_START_ARGS_H

#include <stddef.h>
#include <stdint.h>

// Words that do not reach main. args.c spells them.
enum args_word {
    ARGS_VIRTIO_MMIO, // virtio_mmio.device=…, dev/virtio_mmio: where a device is
    ARGS_PANIC,       // panic=…, core/panic: what comes after a report
    ARGS_NOKASLR,     // nokaslr, the loader: keep the image where it is linked
    ARGS_HEAP_DEBUG,  // heap=debug, sdk/libc/malloc: blocks on pages of their own
};

struct args {
    size_t count;  // main's words
    uint32_t seen; // bit n: args_word n is there
};

// Splits `line` at blanks and copies its words to `bytes`, which has room for the whole line;
// those for main are stored in argv[0..max). There may be more than `max`: they are counted. A
// pair of double quotes keeps blanks; an open quote ends with the line.
struct args args_split(const char *line, char *bytes, char **argv, size_t max);

#endif
