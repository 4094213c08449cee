// SPDX-License-Identifier: MIT
// canary.h - the word that functions keep below their return address, and look at before they
// use that: gcc's -fstack-protector-strong, for every function with an array or with a local
// variable whose address it takes.
//
// One word for all CPUs and tasks, chosen anew in each boot, in sealed memory. Its lowest byte
// is zero, so that no string runs through it. A function that finds it changed ends the machine:
//
//     panic: stack smashed in read_name
#ifndef CORE_CANARY_H
#define CORE_CANARY_H

#include <stdint.h>

// Chooses it. Whoever called this must not return: its own canary would be the old one.
void canary_init(uint64_t chance);

#endif
