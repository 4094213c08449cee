// SPDX-License-Identifier: MIT
// random.c - draws from the machine's generator on all CPUs at once: nobody is given what
// somebody else was given. Then the C library's faces of it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cpu.h"
#include "core/random.h"
#include "core/smp.h"
#include "exo/bits.h"
#include "hal/cpu.h"
#include "sdk/glue/random_device.h"

#define CPUS  4u
#define DRAWS 4096u

static uint64_t drawn[CPUS * DRAWS];
static uint32_t problems;

static void expect(bool ok, const char *what)
{
    if (ok)
        return;
    problems++;
    printf("random: %s\n", what);
}

static void draw(void *into)
{
    uint64_t *out = into;
    for (uint32_t i = 0; i < DRAWS; i++)
        core_random(&out[i], sizeof(out[i]));
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void check_cpus(uint32_t count)
{
    int cpus[CPUS];
    for (uint32_t i = 1; i < count; i++) {
        cpus[i] = core_cpu_claim("random");
        expect(cpus[i] > 0, "a CPU cannot be claimed");
        core_cpu_start(cpus[i], draw, drawn + i * DRAWS);
    }
    draw(drawn);
    for (uint32_t i = 1; i < count; i++)
        while (!core_cpu_is_parked(cpus[i]))
            hal_pause();
    qsort(drawn, count * DRAWS, sizeof(drawn[0]), by_value);
    for (uint32_t i = 1; i < count * DRAWS; i++)
        expect(drawn[i] != drawn[i - 1], "a number was given twice");
}

static void check_libc(void)
{
    uint8_t a[256] = {0}, b[256] = {0}, none[257];
    expect(getentropy(a, sizeof(a)) == 0 && getentropy(b, sizeof(b)) == 0, "no entropy");
    expect(memcmp(a, b, sizeof(a)) != 0, "the same entropy twice");
    expect(getentropy(none, sizeof(none)) == -1 && errno == EINVAL, "more than there can be");
    arc4random_buf(a, sizeof(a));
    expect(memcmp(a, b, sizeof(a)) != 0, "arc4random_buf gives what getentropy gave");
    expect(arc4random() != arc4random() || arc4random() != arc4random(), "arc4random stands");
    for (int i = 0; i < 1000; i++)
        expect(arc4random_uniform(10) < 10, "arc4random_uniform is out of bounds");
}

int main(void)
{
    random_from_devices();
    uint32_t bits = core_random_bits();
    uint32_t count = EXO_MIN(core_cpu_count(), CPUS);
    check_cpus(count);
    check_libc();
    printf("random: %u bits, %u CPUs, %u problems\n", (unsigned)bits, (unsigned)count,
           (unsigned)problems);
    return problems ? EXIT_FAILURE : EXIT_SUCCESS;
}
