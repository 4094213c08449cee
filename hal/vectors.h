// SPDX-License-Identifier: MIT
// vectors.h - where the CPU goes on an exception or an interrupt (vectors.asm).
//
//     vector   0 …  31  exceptions: one frame is built, hal_fault is called, no return
//             32 …  47  the legacy PIC, masked: only its spurious interrupts, ignored
//             64 … 127  interrupt lines 0 … 63: the stub sets the line's bit, no more
//            128        the LAPIC timer: wakes a halted CPU, sets nothing
//            255        the LAPIC's spurious interrupt, ignored
#ifndef HAL_VECTORS_H
#define HAL_VECTORS_H

#include <stdint.h>

#define HAL_VECTOR_PIC      32
#define HAL_VECTOR_LINES    64
#define HAL_VECTOR_TIMER    128
#define HAL_VECTOR_SPURIOUS 255
#define HAL_FAULT_COUNT     32
#define HAL_LINE_COUNT      64

// The machine at the moment of an exception, in the order in which vectors.asm and the
// CPU push it.
struct hal_fault_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector;
    uint64_t error; // the CPU's error code; 0 for vectors that have none
    uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(sizeof(struct hal_fault_frame) == 22 * 8, "vectors.asm pushes 22 words");

// The one call upward: whoever stands above hal says what an exception means. Runs on
// the exception's own stack with interrupts off.
_Noreturn void hal_fault(const struct hal_fault_frame *frame);

// Bit n: interrupt line n has fired since somebody cleared it. Only written by the
// stubs, which run only while interrupts are on (hal_irq_window, hal_irq_halt), and by
// core with interrupts off: no lock is needed.
extern volatile uint64_t hal_lines_pending;

// The LAPIC's end-of-interrupt register, for the stubs. hal_lapic_init sets it.
extern volatile uint32_t *hal_lapic_eoi;

// How far from the entry itself its stub is: no addresses (kernel.ld says why).
extern const int32_t hal_fault_stubs[HAL_FAULT_COUNT];
extern const int32_t hal_line_stubs[HAL_LINE_COUNT];
void hal_timer_stub(void);
void hal_ignore_stub(void);

#endif
