// SPDX-License-Identifier: MIT
// extensions.h - what this CPU can do beyond the x86-64 of 2003, turned on: AVX, AVX-512 and
// FSGSBASE for whoever compiles for them; SMEP and UMIP as protections.
//
// Nobody saves vector registers: tasks switch inside a call, where the ABI gives them up, and
// the interrupt stubs touch none (docs/decisions/vector-state.md).
#ifndef HAL_EXTENSIONS_H
#define HAL_EXTENSIONS_H

#include <stdint.h>

// Before the first code that may use them, and when there are gates (desc.h): from here on
// machine checks are exceptions, not shutdowns. Other CPUs inherit the registers (ap_start.h).
void hal_extensions_init(void);

// XCR0: which state XSAVE, and so AVX, may use; 0 where that is not turned on.
uint64_t hal_xcr0_read_if_any(void);

#endif
