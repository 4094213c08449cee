// SPDX-License-Identifier: MIT
// desc.h - the descriptor tables: segments, the task state's spare stacks, the gates.
#ifndef HAL_DESC_H
#define HAL_DESC_H

#include <stdint.h>

// Selectors. Long mode ignores base and limit: one code and one data segment do.
#define HAL_CODE_SELECTOR 0x08
#define HAL_DATA_SELECTOR 0x10
#define HAL_TSS_SELECTOR  0x18

// Every exception leaves the running stack for one of these, since the running stack
// may be what failed: an overflow's page fault has nowhere else to push its frame.
// The three that can come in the middle of another exception have one each.
enum hal_fault_stack {
    HAL_STACK_FAULT = 1, // interrupt stack table indices (SDM vol. 3, "Interrupt Stack Table")
    HAL_STACK_DOUBLE_FAULT,
    HAL_STACK_NMI,
    HAL_STACK_MACHINE_CHECK,
};

#define HAL_FAULT_STACK_BYTES 8192u

// Loads GDT, TSS and IDT; from here on an exception is reported, not a reset.
void hal_desc_init(void);

#endif
