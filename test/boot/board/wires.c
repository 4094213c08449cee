// SPDX-License-Identifier: MIT
// wires.c - interrupts as they come in on real devices: the interval timer's wire, QEMU's
// device "edu" by message and by wire.
#include "core/core_main.h"
#include "core/gsi.h"
#include "core/irq.h"
#include "core/pci.h"
#include "exo/assert.h"
#include "exo/err.h"
#include "hal/mmio.h"
#include "hal/port.h"

#include <stdio.h>
#include <string.h>

// The 8254's channel 0, once: mode 0, which raises its output when the count has ended.
#define PIT_COMMAND  0x43
#define PIT_CHANNEL0 0x40
#define PIT_ONCE     0x30

// QEMU, docs/specs/edu.txt.
#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8
#define EDU_RAISE  0x60
#define EDU_STATUS 0x24
#define EDU_ACK    0x64
#define PCI_LINE   0x3c // the wire that the firmware gave it

// A lost interrupt would end the test by its time limit.
static void wait_for(int irq)
{
    while (!core_irq_take(irq))
        core_irq_wait(EXO_NS_NEVER);
}

static void fire_timer(void)
{
    hal_out8(PIT_COMMAND, PIT_ONCE);
    hal_out8(PIT_CHANNEL0, 0x40);
    hal_out8(PIT_CHANNEL0, 0);
}

static void check_timer(void)
{
    int irq = core_irq_claim("wires");
    uint32_t wire = core_gsi_of_isa(0);
    exo_assert(core_gsi_claim(wire, irq) == 0);
    exo_assert(core_gsi_claim(wire, irq) == -EXO_EBUSY);
    for (int i = 0; i < 3; i++) {
        fire_timer();
        wait_for(irq);
    }
    core_gsi_release(wire);
    exo_assert(core_gsi_claim(wire, irq) == 0);
    core_gsi_release(wire);
    exo_assert(core_gsi_claim(24 + 16, irq) == -EXO_ENODEV);
    exo_assert(core_gsi_claim(UINT32_MAX, irq) == -EXO_ENODEV);
    core_irq_release(irq);
    printf("wires: the timer's is %u\n", (unsigned)wire);
}

static struct pci_addr find_edu(void)
{
    struct core_pci_function function;
    for (uint32_t n = 0; core_pci_function(n, &function) == 0; n++) {
        if (function.vendor_id == EDU_VENDOR && function.device_id == EDU_DEVICE)
            return function.at;
    }
    exo_assert(!"the device is there");
    return (struct pci_addr){0};
}

// Three interrupts, each answered, each seen once.
static void fire_edu(volatile uint8_t *regs, int irq)
{
    for (uint32_t i = 1; i <= 3; i++) {
        hal_mmio_write32(regs + EDU_RAISE, i);
        wait_for(irq);
        exo_assert(hal_mmio_read32(regs + EDU_STATUS) == i);
        hal_mmio_write32(regs + EDU_ACK, i);
    }
    exo_assert(!core_irq_take(irq));
}

static void check_edu(void)
{
    struct pci_addr edu = find_edu();
    struct core_pci_bar bar;
    int irq = core_irq_claim("wires");
    exo_assert(core_pci_claim(edu, "wires") == 0 && core_pci_bar(edu, 0, &bar) == 0);

    uint32_t wire = core_pci_read8(edu, PCI_LINE);
    exo_assert(core_gsi_claim(wire, irq) == 0);
    exo_assert(core_irq_take(irq)); // of a level-triggered wire: look at once
    fire_edu(bar.base, irq);
    core_gsi_release(wire);
    printf("wires: three by wire %u\n", (unsigned)wire);

    exo_assert(core_pci_msix(edu, 0, irq) == -EXO_ENOTSUP);
    exo_assert(core_pci_msi(edu, irq) == 0);
    fire_edu(bar.base, irq);
    core_pci_release(edu);

    // The next owner finds a device that sends no messages of the last one's.
    int next = core_irq_claim("wires");
    exo_assert(core_pci_claim(edu, "wires") == 0 && core_gsi_claim(wire, next) == 0);
    exo_assert(core_irq_take(next));
    fire_edu(bar.base, next);
    exo_assert(!core_irq_take(irq));
    core_gsi_release(wire);
    core_pci_release(edu);
    core_irq_release(next);
    core_irq_release(irq);
    puts("wires: three by message");
}

int main(void)
{
    check_timer();
    if (strcmp(core_cmdline(), "edu") == 0)
        check_edu();
    puts("wires: done");
    return 0;
}
