// SPDX-License-Identifier: MIT
// cpu.h - the CPU that runs: each has a block of its own, and GS points at it.
//
// Code never moves from one CPU to another by itself, so the pointer is good for as long
// as the caller runs.
#ifndef CORE_CPU_H
#define CORE_CPU_H

#include <stddef.h>
#include <stdint.h>

struct core_cpu {
    struct core_cpu *self;        // what gs:0 reads
    uint32_t index;               // 0 is the one that booted
    uint32_t apic_id;             // where interrupts for it are sent
    const char *(*running)(void); // names the task that runs here, for reports; null: no tasks
    void *heap_cache;             // malloc's small blocks on this CPU (sdk/libc/malloc.c), or null
};

_Static_assert(offsetof(struct core_cpu, self) == 0, "core_cpu_self reads gs:0");

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
