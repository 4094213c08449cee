// SPDX-License-Identifier: MIT
// place.h - what an address is, in words. Core's own business, for reports.
#ifndef CORE_PLACE_H
#define CORE_PLACE_H

#include "exo/types.h"

// Prints what is known of an address, behind a space and in parentheses:
//
//     (null pointer)                            (.text of netstack/tcp_in.c, tcp_input+0x40)
//     (stack overflow of task counter)          (memory: a frame that nobody has claimed)
//
// Nothing if nothing is known.
void place_print(uint64_t va);

#endif
