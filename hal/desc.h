// SPDX-License-Identifier: MIT
// desc.h - the descriptor tables: segments, the task state's spare stacks, the gates.
//
// The gates are the same for all CPUs. Segments and task state are a CPU's own: the task
// state holds its stacks, and the CPU marks its descriptor busy.
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

#define HAL_FAULT_STACKS      4u
#define HAL_FAULT_STACK_BYTES 8192u

// The task state, in words of 32 bits because the hardware's 64-bit fields are misaligned.
struct hal_tss {
    uint32_t reserved0;
    uint32_t rsp[3][2];
    uint32_t reserved1[2];
    uint32_t ist[7][2]; // [0] is index 1
    uint32_t reserved2[2];
    uint32_t io_map; // in its upper half: offset of the I/O permission map; its own size = none
};

// What each CPU has of its own.
struct hal_desc {
    uint64_t gdt[5]; // null, code, data, and the TSS, which takes two
    struct hal_tss tss;
};

// Loads GDT, TSS and IDT of the CPU that booted; from here on an exception is reported, not
// a reset.
void hal_desc_init(void);

// The same for another CPU, which calls it. `desc` is lent for good; stack_tops[n] is where
// the stack of index n + 1 begins.
void hal_desc_join(struct hal_desc *desc, const uint64_t stack_tops[HAL_FAULT_STACKS]);

#endif
