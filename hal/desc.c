// SPDX-License-Identifier: MIT
// desc.c - builds and loads GDT, TSS and IDT (Intel SDM vol. 3, chapters 3, 6 and 7).
#include "hal/desc.h"

#include "hal/cpu.h"
#include "hal/vectors.h"

#define GATE_INTERRUPT 0x8e // present, ring 0, 64-bit interrupt gate: IF is cleared on entry

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t stack; // interrupt stack table index, 0 = stay on the running stack
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

// Words of 32 bits because the 64-bit fields of the hardware format are misaligned.
struct tss {
    uint32_t reserved0;
    uint32_t rsp[3][2];
    uint32_t reserved1[2];
    uint32_t ist[7][2]; // [0] is index 1
    uint32_t reserved2[2];
    uint32_t io_map; // in its upper half: offset of the I/O permission map; its own size = none
};

struct __attribute__((packed)) table_pointer {
    uint16_t limit; // bytes - 1
    uint64_t base;
};

_Static_assert(sizeof(struct gate) == 16, "SDM vol. 3, 64-bit IDT gate descriptor");
_Static_assert(sizeof(struct tss) == 104, "SDM vol. 3, 64-bit TSS format");

static struct {
    uint64_t gdt[5]; // null, code, data, and the TSS, which takes two
    struct tss tss;
    struct gate idt[256];
    uint8_t stacks[HAL_STACK_MACHINE_CHECK][HAL_FAULT_STACK_BYTES] __attribute__((aligned(16)));
} tables;

// Not inlined: what runs once in a boot costs by its size, in an emulator at least.
__attribute__((noinline)) static void set_gate(uint32_t vector, uint64_t stub, uint8_t stack)
{
    tables.idt[vector] = (struct gate){
        .offset_low = (uint16_t)stub,
        .selector = HAL_CODE_SELECTOR,
        .stack = stack,
        .type = GATE_INTERRUPT,
        .offset_middle = (uint16_t)(stub >> 16),
        .offset_high = (uint32_t)(stub >> 32),
    };
}

static uint64_t stub_of(const int32_t *entry)
{
    return (uint64_t)entry + (uint64_t)(int64_t)*entry;
}

static uint8_t stack_of(uint32_t vector)
{
    switch (vector) {
    case 2:
        return HAL_STACK_NMI;
    case 8:
        return HAL_STACK_DOUBLE_FAULT;
    case 18:
        return HAL_STACK_MACHINE_CHECK;
    default:
        return HAL_STACK_FAULT;
    }
}

// Vectors that nobody uses stay not present: an interrupt there is a bug, and becomes a
// general protection fault that names the gate.
static void fill_idt(void)
{
    for (uint32_t i = 0; i < HAL_FAULT_COUNT; i++)
        set_gate(i, stub_of(&hal_fault_stubs[i]), stack_of(i));
    for (uint32_t i = 0; i < 16; i++)
        set_gate(HAL_VECTOR_PIC + i, (uint64_t)hal_ignore_stub, 0);
    for (uint32_t i = 0; i < HAL_LINE_COUNT; i++)
        set_gate(HAL_VECTOR_LINES + i, stub_of(&hal_line_stubs[i]), 0);
    set_gate(HAL_VECTOR_TIMER, (uint64_t)hal_timer_stub, 0);
    set_gate(HAL_VECTOR_SPURIOUS, (uint64_t)hal_ignore_stub, 0);
}

static void fill_tss(void)
{
    for (uint32_t i = 0; i < HAL_STACK_MACHINE_CHECK; i++) {
        uint64_t top = (uint64_t)&tables.stacks[i][HAL_FAULT_STACK_BYTES];
        tables.tss.ist[i][0] = (uint32_t)top;
        tables.tss.ist[i][1] = (uint32_t)(top >> 32);
    }
    tables.tss.io_map = (uint32_t)sizeof(struct tss) << 16;
}

static void fill_gdt(void)
{
    uint64_t base = (uint64_t)&tables.tss;
    uint64_t limit = sizeof(struct tss) - 1;

    tables.gdt[1] = UINT64_C(0x00af9b000000ffff); // code: ring 0, long mode, accessed
    tables.gdt[2] = UINT64_C(0x00cf93000000ffff); // data: ring 0, writable, accessed
    tables.gdt[3] = limit | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
                    (base >> 24 & 0xff) << 56; // available 64-bit TSS
    tables.gdt[4] = base >> 32;
}

static void load(void)
{
    struct table_pointer gdt = {sizeof(tables.gdt) - 1, (uint64_t)tables.gdt};
    struct table_pointer idt = {sizeof(tables.idt) - 1, (uint64_t)tables.idt};

    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%ss\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "movl %%eax, %%fs\n\t"
                     "movl %%eax, %%gs\n\t" ::"m"(gdt),
                     "i"(HAL_CODE_SELECTOR), "i"(HAL_DATA_SELECTOR)
                     : "rax", "memory");
    __asm__ volatile("lidt %0" ::"m"(idt) : "memory");
    __asm__ volatile("ltr %w0" ::"r"(HAL_TSS_SELECTOR) : "memory");
}

void hal_desc_init(void)
{
    fill_gdt();
    fill_tss();
    fill_idt();
    load();
    bool has_machine_check = hal_cpuid(1, 0).edx >> 7 & 1;
    if (has_machine_check)
        hal_cr4_write(hal_cr4_read() | HAL_CR4_MCE);
}
