// SPDX-License-Identifier: MIT
// extensions.c - CR4 and XCR0 (Intel SDM vol. 1, chapter 13; vol. 3, "Control Registers").
#include "hal/extensions.h"

#include "hal/cpu.h"

#define XCR0_X87    UINT64_C(0x01)
#define XCR0_SSE    UINT64_C(0x02)
#define XCR0_AVX    UINT64_C(0x04)
#define XCR0_AVX512 UINT64_C(0xe0) // masks, upper halves, upper registers: all or none
#define XCR0_WANTED (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512)

static void xcr0_write(uint64_t value)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

uint64_t hal_xcr0_read_if_any(void)
{
    if (!(hal_cr4_read() & HAL_CR4_OSXSAVE))
        return 0;
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

// AVX-512 stands on AVX: a CPU, or a hypervisor, that tells one without the other gets neither.
static uint64_t xcr0_for(uint64_t can)
{
    uint64_t xcr0 = can & XCR0_WANTED;
    if (!(xcr0 & XCR0_AVX) || (xcr0 & XCR0_AVX512) != XCR0_AVX512)
        xcr0 &= ~XCR0_AVX512;
    return xcr0;
}

// 0 to leave XSAVE off: where the leaf that describes it is missing, and where XSAVEOPT is, which
// only AMD's first CPUs with AVX (family 15h) lack. QEMU (7.2) emulates those, and hangs at the
// write to CR4.
static uint64_t xcr0_wanted(void)
{
    bool has_xsaveopt = hal_cpuid_if_any(13, 1).eax & 1;
    uint64_t can = hal_cpuid_if_any(13, 0).eax;
    return has_xsaveopt && (can & XCR0_X87) && (can & XCR0_SSE) ? xcr0_for(can) : 0;
}

void hal_extensions_init(void)
{
    struct hal_cpuid old = hal_cpuid(1, 0);
    struct hal_cpuid new = hal_cpuid_if_any(7, 0);
    uint64_t xcr0 = old.ecx >> 26 & 1 ? xcr0_wanted() : 0;
    uint64_t cr4 = hal_cr4_read();
    cr4 |= old.edx >> 7 & 1 ? HAL_CR4_MCE : 0;
    cr4 |= xcr0 ? HAL_CR4_OSXSAVE : 0;
    cr4 |= new.ebx & 1 ? HAL_CR4_FSGSBASE : 0;
    cr4 |= new.ebx >> 7 & 1 ? HAL_CR4_SMEP : 0;
    cr4 |= new.ecx >> 2 & 1 ? HAL_CR4_UMIP : 0;
    hal_cr4_write(cr4);
    if (xcr0)
        xcr0_write(xcr0);
}
