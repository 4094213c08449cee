// SPDX-License-Identifier: MIT
// vector.c - two tasks on each of two CPUs compute with 256-bit registers and yield in the
// middle of it. Compiled with -mavx2; its answer is known by integer arithmetic.
#include "core/irq.h"
#include "core/smp.h"
#include "exo/bits.h"
#include "hal/cpu.h"
#include "sdk/glue/run_cpu.h"

#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 200u

static uint32_t finished;

static void expect(bool good, const char *what)
{
    if (good)
        return;
    printf("FAILED: %s\n", what);
    exit(1);
}

// Eight sums at a time, held in registers across each yield as far as the compiler likes;
// interrupts are let in as well.
static void add_up(void *arg)
{
    uint32_t start = (uint32_t)(uintptr_t)arg;
    uint32_t sums[8], total = 0, wanted = 0;
    __m256i sum = _mm256_setzero_si256();
    __m256i step = _mm256_set1_epi32((int)start);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        sum = _mm256_add_epi32(sum, _mm256_mullo_epi32(step, _mm256_set1_epi32((int)i)));
        core_irq_any();
        task_yield(run_sched());
        wanted += 8 * start * i;
    }
    _mm256_storeu_si256((__m256i *)sums, sum);
    for (uint32_t i = 0; i < EXO_COUNT(sums); i++)
        total += sums[i];
    expect(total == wanted, "a vector register changed across a yield");
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

// FSGSBASE is on too: the same address by the instruction as by the MSR.
static void check_gs_base(void)
{
    uint64_t base;
    __asm__ volatile("rdgsbase %0" : "=r"(base));
    expect(base == hal_msr_read(HAL_MSR_GS_BASE), "GS' base is not what the MSR says");
}

static void two_tasks(void *arg)
{
    uint32_t start = (uint32_t)(uintptr_t)arg;
    check_gs_base();
    expect(spawn("sum", add_up, (void *)(uintptr_t)(start + 1)) == 0, "no task");
    add_up(arg);
}

static void all(void *arg)
{
    (void)arg;
    struct run_cpu other;
    expect(run_cpu_start(&other, "other", two_tasks, (void *)1000) > 0, "no CPU");
    expect(spawn("two", two_tasks, (void *)7) == 0, "no task");
    expect(run_cpu_join(&other) == 0, "no first task");
    while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) != 4)
        task_yield(run_sched());
    puts("four sums are right");
}

int main(void)
{
    bool has_avx2 = hal_cpuid_if_any(7, 0).ebx >> 5 & 1;
    expect(has_avx2, "this CPU has no AVX2");
    return run_main("all", all, NULL);
}
