// SPDX-License-Identifier: MIT
// fake_cpu.h - GS points at a CPU's block, as core has it: on Linux nobody else uses GS.
#ifndef TEST_UNIT_SDK_FAKE_CPU_H
#define TEST_UNIT_SDK_FAKE_CPU_H

#include "core/cpu.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Makes the thread that calls run on `cpu`, which is number `index`.
static inline void fake_cpu_enter(struct core_cpu *cpu, uint32_t index)
{
    *cpu = (struct core_cpu){.self = cpu, .index = index};
    syscall(SYS_arch_prctl, ARCH_SET_GS, cpu);
}

#endif
