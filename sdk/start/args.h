// SPDX-License-Identifier: MIT
// args.h - a command line split into words.
#ifndef SDK_START_ARGS_H
#define SDK_START_ARGS_H

#include <stdbool.h>
#include <stddef.h>

// Words that are meant for a library and do not reach main.
#define ARGS_VIRTIO_MMIO "virtio_mmio.device=" // dev/virtio_mmio: where a device is
#define ARGS_PANIC       "panic="              // core/panic: what comes after a report
#define ARGS_NOKASLR     "nokaslr"             // the loader: keep the image where it is linked
#define ARGS_HEAP_DEBUG  "heap=debug"          // sdk/libc/malloc: blocks on pages of their own

// Splits `line` in place at blanks and stores the words in argv[0..max). A pair of
// double quotes keeps blanks; an open quote ends with the line. Returns how many words
// there are, which may be more than `max`: the rest are not stored.
size_t args_split(char *line, char **argv, size_t max);

// Takes the words that are `name` out of argv[0..count), or, if it ends with "=", those that
// begin with it; the others keep their order. Returns how many are left.
size_t args_drop(char **argv, size_t count, const char *name);

// True if `word` is one of the words of `line`, which is left alone; quotes mean nothing here.
bool args_has(const char *line, const char *word);

#endif
