// SPDX-License-Identifier: MIT
// cpu.h - the CPU's own registers: CPUID, MSRs, control registers, time stamp, halt.
//
// Names and bit positions are those of the Intel SDM, vol. 3 and 4.
#ifndef HAL_CPU_H
#define HAL_CPU_H

#include <stdbool.h>
#include <stdint.h>

#define HAL_CR0_WP       (UINT64_C(1) << 16) // read-only pages bind ring 0 too
#define HAL_CR4_MCE      (UINT64_C(1) << 6)  // machine checks are exceptions, not shutdowns
#define HAL_CR4_UMIP     (UINT64_C(1) << 11) // SGDT and friends fault outside ring 0
#define HAL_CR4_FSGSBASE (UINT64_C(1) << 16) // RDGSBASE and friends are allowed
#define HAL_CR4_OSXSAVE  (UINT64_C(1) << 18) // XSAVE is, and XCR0 says of what
#define HAL_CR4_SMEP     (UINT64_C(1) << 20) // ring 0 executes no user page
#define HAL_RFLAGS_IF    (UINT64_C(1) << 9)

#define HAL_MSR_APIC_BASE    0x1bu
#define HAL_MSR_PAT          0x277u
#define HAL_MSR_TSC_DEADLINE 0x6e0u
#define HAL_MSR_EFER         0xc0000080u
#define HAL_MSR_GS_BASE      0xc0000101u
#define HAL_EFER_NXE         (UINT64_C(1) << 11)

struct hal_cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct hal_cpuid hal_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct hal_cpuid r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

// As hal_cpuid, but all zeros for a leaf that this CPU does not have: an Intel CPU
// answers those with whatever its highest leaf says.
static inline struct hal_cpuid hal_cpuid_if_any(uint32_t leaf, uint32_t subleaf)
{
    uint32_t highest = hal_cpuid(leaf & 0xf0000000u, 0).eax;
    bool has_it = highest - leaf <= 0x0fffffffu; // a smaller one wraps around
    return has_it ? hal_cpuid(leaf, subleaf) : (struct hal_cpuid){0, 0, 0, 0};
}

static inline uint64_t hal_msr_read(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void hal_msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

#define HAL_CONTROL_REGISTER(reg)                                                                  \
    static inline uint64_t hal_##reg##_read(void)                                                  \
    {                                                                                              \
        uint64_t value;                                                                            \
        __asm__ volatile("mov %%" #reg ", %0" : "=r"(value)::"memory");                            \
        return value;                                                                              \
    }                                                                                              \
    static inline void hal_##reg##_write(uint64_t value)                                           \
    {                                                                                              \
        __asm__ volatile("mov %0, %%" #reg ::"r"(value) : "memory");                               \
    }

HAL_CONTROL_REGISTER(cr0)
HAL_CONTROL_REGISTER(cr2)
HAL_CONTROL_REGISTER(cr3)
HAL_CONTROL_REGISTER(cr4)

#undef HAL_CONTROL_REGISTER

// Forgets the translation of one page.
static inline void hal_invlpg(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

static inline uint64_t hal_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline void hal_pause(void)
{
    __asm__ volatile("pause");
}

static inline void hal_irq_off(void)
{
    __asm__ volatile("cli" ::: "memory");
}

// Lets interrupts in that are pending, and shuts the door again. STI takes effect only
// after the instruction behind it, so there has to be one before CLI.
static inline void hal_irq_window(void)
{
    __asm__ volatile("sti; nop; cli" ::: "memory");
}

// Opens interrupts and halts as one step: STI holds them off until HLT has begun, so
// an interrupt that came before it wakes the CPU at once. Returns with interrupts off.
static inline void hal_irq_halt(void)
{
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}

static inline _Noreturn void hal_halt_forever(void)
{
    for (;;)
        __asm__ volatile("cli; hlt" ::: "memory");
}

static inline bool hal_irq_is_on(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags)::"memory");
    return flags & HAL_RFLAGS_IF;
}

#endif
