// SPDX-License-Identifier: MIT
// canary.c - the stack protector's word, and its alarm.
#include "core/canary.h"

#include "core/panic.h"
#include "core/trace.h"

#define SPREAD UINT64_C(0x9e3779b97f4a7c15) // odd, and without a pattern: 2^64 / golden ratio

// Names that gcc knows. The word is entry.asm's, so that no C code runs before it has a value.
extern uint64_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

// Every bit of chance reaches the bits that are kept.
__attribute__((no_stack_protector)) void canary_init(uint64_t chance)
{
    chance *= SPREAD;
    chance ^= chance >> 32;
    __stack_chk_guard = chance << 8;
}

// The call is the last thing its function does: the byte before the return address is in it.
void __stack_chk_fail(void)
{
    core_panic("stack smashed in %s", trace_function((uint64_t)__builtin_return_address(0) - 1));
}
