// SPDX-License-Identifier: MIT
// desc.c - builds and loads GDT, TSS and IDT (Intel SDM vol. 3, chapters 3, 6 and 7).
#include "hal/desc.h"

#include "exo/seal.h"
#include "hal/cpu.h"
#include "hal/vectors.h"

#define GATE_INTERRUPT 0x8e // present, ring 0, 64-bit interrupt gate: IF is cleared on entry

#define VECTOR_DOUBLE_FAULT  8
#define VECTOR_MACHINE_CHECK 18

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t stack; // interrupt stack table index, 0 = stay on the running stack
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

struct __attribute__((packed)) table_pointer {
    uint16_t limit; // bytes - 1
    uint64_t base;
};

_Static_assert(sizeof(struct gate) == 16, "SDM vol. 3, 64-bit IDT gate descriptor");
_Static_assert(sizeof(struct hal_tss) == 104, "SDM vol. 3, 64-bit TSS format");

// Sealed: accessed and busy bits are set before that, and the CPU writes nothing else there.
EXO_SEALED static struct {
    struct gate idt[256]; // of all CPUs; the rest is the first one's
    struct hal_desc desc;
} tables;

static uint8_t stacks[HAL_FAULT_STACKS][HAL_FAULT_STACK_BYTES] __attribute__((aligned(16)));

// Sets gates that follow one another; so do their stubs, so many bytes apart. `stack` is 0 to
// stay on the running one.
static void set_gates(uint32_t first, uint32_t count, uint64_t stub, uint64_t stub_bytes,
                      uint8_t stack)
{
    for (uint32_t i = first; i < first + count; i++, stub += stub_bytes) {
        tables.idt[i] = (struct gate){
            .offset_low = (uint16_t)stub,
            .selector = HAL_CODE_SELECTOR,
            .stack = stack,
            .type = GATE_INTERRUPT,
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
        };
    }
}

// Vectors that nobody uses stay not present: an interrupt there is a bug, and becomes a
// general protection fault that names the gate.
static void fill_idt(void)
{
    set_gates(0, HAL_FAULT_COUNT, (uint64_t)hal_fault_stubs, HAL_STUB_BYTES, HAL_STACK_FAULT);
    tables.idt[HAL_VECTOR_NMI].stack = HAL_STACK_NMI;
    tables.idt[VECTOR_DOUBLE_FAULT].stack = HAL_STACK_DOUBLE_FAULT;
    tables.idt[VECTOR_MACHINE_CHECK].stack = HAL_STACK_MACHINE_CHECK;
    set_gates(HAL_VECTOR_PIC, 16, (uint64_t)hal_ignore_stub, 0, 0);
    set_gates(HAL_VECTOR_LINES, HAL_LINE_COUNT, (uint64_t)hal_line_stubs, HAL_STUB_BYTES, 0);
    set_gates(HAL_VECTOR_TIMER, 1, (uint64_t)hal_timer_stub, 0, 0);
    set_gates(HAL_VECTOR_SPURIOUS, 1, (uint64_t)hal_ignore_stub, 0, 0);
}

static void fill_tss(struct hal_tss *tss, const uint64_t stack_tops[HAL_FAULT_STACKS])
{
    for (uint32_t i = 0; i < HAL_FAULT_STACKS; i++) {
        tss->ist[i][0] = (uint32_t)stack_tops[i];
        tss->ist[i][1] = (uint32_t)(stack_tops[i] >> 32);
    }
    tss->io_map = (uint32_t)sizeof(*tss) << 16;
}

static void fill_gdt(struct hal_desc *desc)
{
    uint64_t base = (uint64_t)&desc->tss;
    uint64_t limit = sizeof(desc->tss) - 1;

    desc->gdt[1] = UINT64_C(0x00af9b000000ffff); // code: ring 0, long mode, accessed
    desc->gdt[2] = UINT64_C(0x00cf93000000ffff); // data: ring 0, writable, accessed
    desc->gdt[3] = limit | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
                   (base >> 24 & 0xff) << 56; // available 64-bit TSS
    desc->gdt[4] = base >> 32;
}

// The data segments but SS stay as they are: nothing looks at their selectors, and loading FS
// or GS would clear its base. SS goes to the stack with each interrupt, and comes back.
static void load(const struct hal_desc *desc)
{
    struct table_pointer gdt = {sizeof(desc->gdt) - 1, (uint64_t)desc->gdt};
    struct table_pointer idt = {sizeof(tables.idt) - 1, (uint64_t)tables.idt};

    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%eax\n\t"
                     "movl %%eax, %%ss\n\t" ::"m"(gdt),
                     "i"(HAL_CODE_SELECTOR), "i"(HAL_DATA_SELECTOR)
                     : "rax", "memory");
    __asm__ volatile("lidt %0" ::"m"(idt) : "memory");
    __asm__ volatile("ltr %w0" ::"r"(HAL_TSS_SELECTOR) : "memory");
}

void hal_desc_join(struct hal_desc *desc, const uint64_t stack_tops[HAL_FAULT_STACKS])
{
    fill_gdt(desc);
    fill_tss(&desc->tss, stack_tops);
    load(desc);
}

void hal_desc_init(void)
{
    uint64_t tops[HAL_FAULT_STACKS];
    for (uint32_t i = 0; i < HAL_FAULT_STACKS; i++)
        tops[i] = (uint64_t)&stacks[i][HAL_FAULT_STACK_BYTES];
    fill_idt();
    hal_desc_join(&tables.desc, tops);
}
