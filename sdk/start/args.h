// SPDX-License-Identifier: MIT
// args.h - a command line split into words.
#ifndef SDK_START_ARGS_H
#define SDK_START_ARGS_H

#include <stddef.h>

// Splits `line` in place at blanks and stores the words in argv[0..max). A pair of
// double quotes keeps blanks; an open quote ends with the line. Returns how many words
// there are, which may be more than `max`: the rest are not stored.
size_t args_split(char *line, char **argv, size_t max);

// Takes the words that are `name` out of argv[0..count), or, if it ends with "=", those that
// begin with it; the others keep their order. Returns how many are left.
size_t args_drop(char **argv, size_t count, const char *name);

#endif
