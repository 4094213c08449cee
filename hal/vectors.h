// SPDX-License-Identifier: MIT
// vectors.h - where the CPU goes on an exception or an interrupt (vectors.asm).
//
//     vector   0 …  31  exceptions: one frame is built, hal_fault is called, no return
//              2        NMI: what another CPU wants of this one, else an exception too
//             32 …  47  the legacy PIC, masked: only its spurious interrupts, ignored
//             64 … 127  interrupt lines 0 … 63: the stub sets the line's bit, no more
//            128        the LAPIC timer, or a call to a parked CPU: ends a halt, sets nothing
//            255        the LAPIC's spurious interrupt, ignored
//
// All CPUs share the vectors. What a stub changes lies in the CPU's own block, at GS. No stub
// touches a vector or floating-point register, so there is no such state to save.
#ifndef HAL_VECTORS_H
#define HAL_VECTORS_H

#include <stdint.h>

#define HAL_VECTOR_NMI      2
#define HAL_VECTOR_PIC      32
#define HAL_VECTOR_LINES    64
#define HAL_VECTOR_TIMER    128
#define HAL_VECTOR_SPURIOUS 255
#define HAL_FAULT_COUNT     32
#define HAL_LINE_COUNT      64

// Byte offsets in the block that GS points at, whose owner stands above hal: the words that
// the stubs use.
#define HAL_CPU_LINES   16 // 64 bits; bit n: line n has fired. Changed with interrupts off only
#define HAL_CPU_NMI     24 // 32 bits, HAL_NMI_…: why another CPU sends an NMI; set atomically
#define HAL_CPU_STOPPED 40 // struct hal_stopped, written by HAL_NMI_STOP

enum {
    HAL_NMI_FLUSH = 1, // forget the translations that hal_shootdown names
    HAL_NMI_STOP = 2,  // stand still for good
};

// Where a CPU was when it was stopped.
struct hal_stopped {
    uint64_t rip, rsp, rbp;
    uint32_t done; // the CPU stands still, and the rest is filled in
};

// The one shoot-down under way. Whoever sends HAL_NMI_FLUSH has it to himself meanwhile.
struct hal_shootdown {
    uint64_t va;      // of the first page
    uint64_t pages;   // of 4 KiB; 0 is everything
    uint32_t waiting; // CPUs that have not done it yet
};

extern volatile struct hal_shootdown hal_shootdown;

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

// The LAPIC's end-of-interrupt register, for the stubs; null in x2APIC mode. hal_lapic sets it.
extern volatile uint32_t *hal_lapic_eoi;

// Code, one stub after the other: no table of addresses (kernel.ld says why).
#define HAL_STUB_BYTES 16
extern const uint8_t hal_fault_stubs[HAL_FAULT_COUNT][HAL_STUB_BYTES];
extern const uint8_t hal_line_stubs[HAL_LINE_COUNT][HAL_STUB_BYTES];
void hal_timer_stub(void);
void hal_ignore_stub(void);

#endif
