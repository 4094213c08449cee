// SPDX-License-Identifier: MIT
// start.h - what the command line told the libraries.
#ifndef SDK_START_START_H
#define SDK_START_START_H

#include <stdbool.h>

#include "sdk/start/args.h"

// True if the word is on the command line. Constructors may ask, too.
bool start_was_told(enum args_word word);

#endif
