// SPDX-License-Identifier: MIT
// stack.h - task stacks, each with an unmapped page below it.
//
//     │ guard │ stack 16 KiB │ guard │ stack 16 KiB │ …
//     0                      20 KiB                 40 KiB, from STACK_REGION
//
// Who runs over the end of a stack faults at once, before anything else is trampled. The
// pages are single frames and go back to core with the stack, so a stack needs no run of
// frames. Stacks are not in the direct map: no device may be pointed at one.
#ifndef SDK_GLUE_STACK_H
#define SDK_GLUE_STACK_H

#include "core/pt.h"

#define STACK_REGION     CORE_PT_HIGH_START // in core's page tables, for owners
#define STACK_SLOT_BYTES UINT64_C(0x5000)   // guard included; larger stacks take several
#define STACK_SLOTS      16384u

// Maps a stack of at least `bytes` and gives its lowest address. stack_bytes_of says how
// large it is.
//
// Errors: -EXO_ENOMEM  no frames; -EXO_ENOSPC  no slots; -EXO_EINVAL  0 or out of all bounds.
int stack_alloc(size_t bytes, void **lowest);

// What a request for `bytes` gives: whole pages.
size_t stack_bytes_of(size_t bytes);

// Unmaps a stack and releases its frames. `bytes` as it was asked for.
void stack_free(void *lowest, size_t bytes);

#endif
