// SPDX-License-Identifier: MIT
// deaths.c - several CPUs, of which one dies, or all at the same moment. The command line says
// which.
#include <stdio.h>
#include <string.h>

#include "core/core_main.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/smp.h"
#include "hal/cpu.h"

static uint32_t arrived, expected;

static void arrive(void)
{
    __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
}

static void wait_for_all(void)
{
    arrive();
    while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < expected)
        hal_pause();
}

__attribute__((noipa)) static _Noreturn void spin_forever(void)
{
    arrive();
    for (;;)
        hal_pause();
}

// Noise of a CPU that knows nothing of the report.
__attribute__((noipa)) static _Noreturn void talk_forever(void)
{
    core_log("chatter");
    arrive();
    for (;;)
        core_log("chatter");
}

__attribute__((noinline)) static void die_together(void *unused)
{
    (void)unused;
    wait_for_all();
    core_panic("this is CPU %u", (unsigned)core_cpu_self()->index);
}

__attribute__((noinline)) static void fault_together(void *unused)
{
    (void)unused;
    wait_for_all();
    __asm__ volatile("ud2");
}

static void die_alone(void *unused)
{
    (void)unused;
    wait_for_all();
    __asm__ volatile("movl $1, (%0)" ::"r"(0L) : "memory");
}

static void start_others(void (*entry)(void *), uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        int cpu = core_cpu_claim("deaths");
        if (cpu > 0)
            core_cpu_start(cpu, entry, NULL);
    }
}

int main(void)
{
    const char *what = core_cmdline();
    uint32_t count = core_cpu_count();
    bool together = strcmp(what, "panics") == 0 || strcmp(what, "faults") == 0;
    expected = together ? count : 2;
    if (strcmp(what, "panics") == 0) {
        start_others(die_together, count);
        die_together(NULL);
    }
    if (strcmp(what, "faults") == 0) {
        start_others(fault_together, count);
        fault_together(NULL);
    }
    start_others(die_alone, 2);
    if (strcmp(what, "talk") == 0)
        talk_forever();
    spin_forever();
}
