// SPDX-License-Identifier: MIT
// ap_start.h - the road of a second CPU: from real mode into C (ap_start.asm).
//
// A start-up interrupt sets a CPU off in real mode at the start of a frame below 1 MiB. The
// code there is copied from the image, with what it needs to know behind it:
//
//     frame 0   hal_ap_code, and at HAL_AP_FACTS a struct hal_ap_facts
//     frame 1   a top page table: the upper half as CPU 0 has it, and frame 2 for address 0
//     frame 2   … which shows frame 3
//     frame 3   … which shows the first 2 MiB, not writable, where they are
//
// so that the code is still there in the moment when paging comes on. All control registers
// are CPU 0's from then on, its page tables too, and the frames are free again once the
// last CPU has left them.
// (Intel SDM vol. 3, "Multiple-Processor (MP) Initialization".)
#ifndef HAL_AP_START_H
#define HAL_AP_START_H

#include <stdint.h>

#define HAL_AP_FRAMES 4u
#define HAL_AP_FACTS  0xc00u // offset in frame 0

struct hal_ap_facts {
    uint32_t ticket;    // 1: one CPU may come in; it takes the ticket with it, and a 0 stops it
    uint32_t tables;    // physical address of frame 1
    uint32_t far[2];    // where long mode begins: address, selector
    uint32_t gdt_limit; // for the way; in its upper half, so that the base follows it
    uint32_t gdt_base;
    uint64_t efer, cr0, cr3, cr4, pat;
    uint64_t xcr0;               // 0: this CPU has none
    uint64_t enter;              // the second half of the code, in the image
    uint64_t gs_base;            // the CPU's block
    uint64_t stack;              // where its stack begins
    void (*main)(void *gs_base); // on that stack, interrupts off; does not return
    uint64_t gdt[3];             // null, code, data
};

// Fills the four frames at `pa`, seen at `frames`, with the registers of the CPU that calls
// and its top page table. Left open: ticket, gs_base, stack, main.
struct hal_ap_facts *hal_ap_prepare(void *frames, uint64_t pa, const uint64_t *top_table);

#endif
