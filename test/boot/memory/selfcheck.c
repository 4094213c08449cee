// SPDX-License-Identifier: MIT
// selfcheck.c - frames, interrupts and time as an app meets them on a real machine.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/direct_map.h"
#include "core/frame.h"
#include "core/irq.h"
#include "core/nicq.h"
#include "core/pci.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/cpu.h"
#include "hal/entropy.h"

static int problems;

static void expect(bool ok, const char *what)
{
    if (ok)
        return;
    problems++;
    printf("selfcheck: %s\n", what);
}

// Beyond what the loader's tables show and 32 bits reach, and far beyond what was ever
// claimed. A small machine has no such frames.
static void check_high_frame(struct pa at, const char *name)
{
    if (core_frame_claim_at(NULL, at, 1) < 0)
        return;
    expect(core_frame_claim_at(NULL, at, 1) == -EXO_EBUSY, "a frame claimed twice");
    *(volatile uint64_t *)core_phys(at) = at.v;
    expect(*(volatile uint64_t *)core_phys(at) == at.v, "memory that does not remember");
    core_frame_release(NULL, at, 1);
    printf("selfcheck: memory %s\n", name);
}

// Claims the machine empty (a large one only up to FRAMES_MAX), writes into every frame, and gives
// all back. The frames are chained through their own first words, so the check needs no memory of
// its own.
#define FRAMES_MAX 32768u

static void check_frames(void)
{
    struct core_frame_stats before = core_frame_stats();
    uint64_t *chain = NULL, claimed = 0;
    struct pa at;
    while (claimed < FRAMES_MAX && core_frame_claim(NULL, 1, 1, &at) == 0) {
        uint64_t *frame = core_phys(at);
        frame[0] = (uint64_t)chain;
        frame[511] = at.v;
        chain = frame;
        claimed++;
    }
    expect(claimed == EXO_MIN(before.free, (uint64_t)FRAMES_MAX), "too few frames");
    expect(core_frame_stats().free == before.free - claimed, "the statistics are wrong");
    while (chain) {
        uint64_t *next = (uint64_t *)chain[0];
        expect(chain[511] == core_phys_of(chain).v, "two owners wrote to one frame");
        core_frame_release(NULL, core_phys_of(chain), 1);
        chain = next;
    }
    expect(core_frame_stats().free == before.free, "frames were lost");
    printf("selfcheck: %llu frames\n", (unsigned long long)claimed);
}

// Claims the machine empty, however large it is, in runs that get shorter; each is chained
// through its first frame. Then all is free again.
#define RUN_MAX (UINT64_C(1) << 18)

struct run {
    struct run *next;
    uint64_t count;
};

static void check_runs(void)
{
    struct core_frame_stats before = core_frame_stats();
    struct run *chain = NULL;
    uint64_t claimed = 0;
    for (uint64_t count = RUN_MAX; count > 0; count /= 2) {
        struct pa at;
        while (core_frame_claim(NULL, count, 1, &at) == 0) {
            struct run *run = core_phys(at);
            *run = (struct run){chain, count};
            chain = run;
            claimed += count;
        }
    }
    expect(claimed >= before.free, "not all frames are to be had");
    expect(claimed <= before.free + DIRECT_MAP_RESERVE, "more frames than there are");
    expect(core_frame_stats().free == 0, "some are free, and not to be had");
    while (chain) {
        struct run run = *chain;
        core_frame_release(NULL, core_phys_of(chain), run.count);
        chain = run.next;
    }
    expect(core_frame_stats().free == before.free, "frames of runs were lost");
}

static void check_clock(void)
{
    exo_ns last = core_clock_now();
    expect(last > 0, "the clock stands at zero");
    for (int i = 0; i < 10000; i++) {
        exo_ns now = core_clock_now();
        expect(now >= last, "the clock went back");
        last = now;
    }
    expect(core_clock_tsc_hz() > 1000000, "no rate");
}

// Waits return, and not before their time. Nothing is said about how late: that is the
// host's affair.
static void check_wait(void)
{
    static const exo_ns lengths[] = {0, 1, 1000, 50000, EXO_MS(1), EXO_MS(20)};
    for (uint32_t i = 0; i < EXO_COUNT(lengths); i++) {
        exo_ns begin = core_clock_now();
        core_irq_wait(begin + lengths[i]);
        expect(core_clock_now() - begin >= lengths[i], "a wait ended early");
        expect(!hal_irq_is_on(), "interrupts are on after a wait");
    }
    core_irq_wait(0); // long past
}

// Sends this CPU an interrupt on the line's vector, as a device's MSI would, by the LAPIC's
// self-IPI. It arrives while interrupts are off, so it has to wait, and must not be lost.
#define LAPIC_ICR ((volatile uint32_t *)(UINT64_C(0xffffc00000000000) + 0xfee00300))

static void raise(int irq)
{
    *LAPIC_ICR = 0x40000u | core_irq_vector(irq);
}

static void check_lines(void)
{
    int a = core_irq_claim("selfcheck a");
    int b = core_irq_claim("selfcheck b");
    expect(a >= 0 && b >= 0 && a != b, "no two lines to be had");
    expect(!core_irq_any() && !core_irq_take(a), "a line is pending from the start");

    raise(a);
    expect(core_irq_any(), "a pending line is not seen");
    expect(!core_irq_take(b) && core_irq_take(a) && !core_irq_take(a), "the wrong line");

    raise(b);
    core_irq_wait(EXO_NS_NEVER); // a lost wake-up would end the test by its time limit
    expect(core_irq_take(b), "a line did not end the wait");

    raise(a);
    core_irq_release(a);
    expect(!core_irq_any(), "a released line is pending");
    expect(core_irq_claim("selfcheck c") == a && !core_irq_take(a), "a line came with a past");
    core_irq_release(a);
    core_irq_release(b);
}

static void check_line_limit(void)
{
    int lines[CORE_IRQ_COUNT];
    for (int i = 0; i < CORE_IRQ_COUNT; i++) {
        lines[i] = core_irq_claim("selfcheck");
        raise(lines[i]);
    }
    expect(core_irq_claim("selfcheck") == -EXO_ENOSPC, "more lines than there are");
    for (int i = 0; i < CORE_IRQ_COUNT; i++) {
        expect(core_irq_take(lines[i]), "a line does not fire");
        core_irq_release(lines[i]);
    }
}

static void check_nicq(void)
{
    struct core_nic nic = core_nic_pci((struct pci_addr){.device = 9});
    struct core_nicq first, second, again;
    uint64_t free_before = core_frame_stats().free;
    expect(core_nicq_claim(nic, 0, 5000, 100, "selfcheck", &first) == 0, "no queue pair");
    expect(core_nicq_claim(nic, 1, 1, 1, "selfcheck", &second) == 0, "no second queue pair");
    expect(core_nicq_claim(nic, 0, 1, 1, "selfcheck", &again) == -EXO_EBUSY, "owned twice");
    expect(first.rx.bytes == 8192 && first.tx.bytes == 4096, "ring sizes");
    expect(first.rx.pa.v != second.rx.pa.v && first.irq != second.irq, "shared by two owners");
    for (uint32_t i = 0; i < first.rx.bytes; i++)
        expect(((uint8_t *)first.rx.mem)[i] == 0, "ring memory is not zero");
    core_nicq_release(&first);
    expect(core_nicq_claim(nic, 0, 1, 1, "selfcheck", &again) == 0, "not to be had again");
    core_nicq_release(&again);
    core_nicq_release(&second);
    if (core_frame_stats().free < UINT32_MAX / CORE_FRAME_BYTES)
        expect(core_nicq_claim(nic, 0, UINT32_MAX, 1, "selfcheck", &first) == -EXO_ENOMEM,
               "a ring larger than memory");
    expect(core_frame_stats().free == free_before, "queue pairs keep frames");
}

static void check_pci(void)
{
    struct core_pci_function function;
    uint32_t n = 0;
    while (core_pci_function(n, &function) == 0) {
        expect(function.vendor_id != 0xffff, "a function that is not there");
        expect(core_pci_read16(function.at, 0) == function.vendor_id, "two answers");
        expect(core_pci_claim(function.at, "selfcheck") == 0, "a free function is owned");
        expect(core_pci_claim(function.at, "another") == -EXO_EBUSY, "owned twice");
        for (uint32_t bar = 0; bar <= 6; bar++) {
            struct core_pci_bar out;
            if (core_pci_bar(function.at, bar, &out) == 0)
                expect(out.base && exo_is_pow2(out.bytes), "a BAR of odd size");
        }
        core_pci_release(function.at);
        n++;
    }
    expect(n > 0, "no PCI function at all");
    expect(core_pci_claim((struct pci_addr){.bus = 99, .device = 3}, "selfcheck") == -EXO_ENOENT,
           "a phantom");
}

static void check_entropy(void)
{
    uint8_t seed[2][32];
    struct hal_entropy worth = hal_entropy(seed[0], sizeof(seed[0]));
    hal_entropy(seed[1], sizeof(seed[1]));
    expect(worth.bits <= sizeof(seed[0]) * 8, "more bits than there are");
    expect(worth.bits == 0 || memcmp(seed[0], seed[1], sizeof(seed[0])) != 0, "the same twice");
    printf("selfcheck: %u bits of entropy from %s\n", (unsigned)worth.bits, worth.source);
}

int main(void)
{
    check_clock();
    check_wait();
    check_lines();
    check_line_limit();
    check_nicq();
    check_pci();
    check_entropy();
    check_high_frame((struct pa){UINT64_C(0x120000000)}, "above 4 GiB");
    check_high_frame((struct pa){UINT64_C(0xf00000000)}, "at 60 GiB");
    check_runs();
    check_frames();
    printf("selfcheck: %s\n", problems ? "NOT well" : "well");
    return problems ? EXIT_FAILURE : EXIT_SUCCESS;
}
