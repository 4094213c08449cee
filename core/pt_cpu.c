// SPDX-License-Identifier: MIT
// pt_cpu.c - what a CPU must be told before page tables mean what pt.h says.
#include "core/pt.h"
#include "core/state.h"
#include "hal/cpu.h"

#define MSR_PAT 0x277u

// IA32_PAT (SDM vol. 3, "Page Attribute Table"): a byte for each combination of an entry's
// PAT, cache-disable and write-through bits. It is as after reset, but write-through alone
// means write-combining; and PAT makes no difference, because its place in the entry depends
// on the size of the page.
#define WRITE_BACK      UINT64_C(6)
#define WRITE_COMBINING UINT64_C(1)
#define UNCACHED_WEAK   UINT64_C(7)
#define UNCACHED        UINT64_C(0)
#define PAT_HALF        (WRITE_BACK | WRITE_COMBINING << 8 | UNCACHED_WEAK << 16 | UNCACHED << 24)

static void set_memory_types(void)
{
    bool has_pat = hal_cpuid(1, 0).edx >> 16 & 1;
    if (has_pat) // else the frame buffer is written through: slower, and right
        hal_msr_write(MSR_PAT, PAT_HALF | PAT_HALF << 32);
}

void pt_cpu_init(void)
{
    hal_msr_write(HAL_MSR_EFER, hal_msr_read(HAL_MSR_EFER) | HAL_EFER_NXE);
    hal_cr0_write(hal_cr0_read() | HAL_CR0_WP);
    set_memory_types();
}
