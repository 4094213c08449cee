// SPDX-License-Identifier: MIT
// cpu.h - the CPU that runs: each has a block of its own, and GS points at it.
//
// Code never moves from one CPU to another by itself, so the pointer is good for as long
// as the caller runs. The stubs of hal know some of the offsets.
#ifndef CORE_CPU_H
#define CORE_CPU_H

#include <stddef.h>
#include <stdint.h>

#include "core/cpu_stacks.h"
#include "hal/desc.h"
#include "hal/vectors.h"

enum core_cpu_state {
    CORE_CPU_STARTING, // has been sent for
    CORE_CPU_PARKED,   // halts until core_cpu_start; shoot-downs pass it over
    CORE_CPU_RUNNING,
};

struct core_cpu {
    struct core_cpu *self;      // what gs:0 reads
    uint32_t index;             // 0 is the one that booted
    uint32_t apic_id;           // where interrupts for it are sent
    uint64_t lines_pending;     // bit n: interrupt line n has fired; changed by this CPU alone
    uint32_t nmi_work;          // HAL_NMI_…, set by others
    uint32_t state;             // enum core_cpu_state, changed atomically
    void *app;                  // whatever the app's runtime keeps for each CPU; null at first
    struct hal_stopped stopped; // where core_cpu_stop_others found it

    const char *(*running)(void); // names the task that runs here, for reports; null: no tasks
    void *heap_cache;             // malloc's small blocks on this CPU (sdk/libc/malloc.c), or null

    // irq.c
    uint64_t lines_mine;  // bit n: this CPU has claimed line n
    uint64_t lines_awake; // of those, not masked: what ends a wait

    // smp.c
    const char *owner;     // null while nobody has claimed it
    void (*entry)(void *); // what it shall run; null while parked
    void *arg;
    uint64_t tsc_at_start; // its time stamp counter when it came up
    struct cpu_stacks stacks;
    struct hal_desc desc; // of CPU 0 hal has it, and of its stacks
};

_Static_assert(offsetof(struct core_cpu, self) == 0, "core_cpu_self reads gs:0");
_Static_assert(offsetof(struct core_cpu, lines_pending) == HAL_CPU_LINES, "vectors.asm writes it");
_Static_assert(offsetof(struct core_cpu, nmi_work) == HAL_CPU_NMI, "vectors.asm reads it");
_Static_assert(offsetof(struct core_cpu, stopped) == HAL_CPU_STOPPED, "vectors.asm writes it");

static inline struct core_cpu *core_cpu_self(void)
{
    struct core_cpu *self;
    __asm__("movq %%gs:0, %0" : "=r"(self)); // the same at every call: may be merged
    return self;
}

// One instruction, where core_cpu_self()->heap_cache is two: malloc and free count them.
static inline void *core_cpu_heap_cache(void)
{
    void *cache;
    __asm__ volatile("movq %%gs:%c1, %0"
                     : "=r"(cache)
                     : "i"(offsetof(struct core_cpu, heap_cache))
                     : "memory"); // it reads what an assignment just wrote
    return cache;
}

#endif
