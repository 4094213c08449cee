// SPDX-License-Identifier: MIT
// msix.c - several messages of one function, each to its own line, from one owner to the next;
// on QEMU's rocker, whose test register sends the message whose number it is given, at once.
#include "core/irq.h"
#include "core/pci.h"
#include "exo/assert.h"
#include "exo/err.h"
#include "hal/mmio.h"

#include <stdio.h>

// QEMU docs/specs/rocker.txt: a switch, here without ports, which has the four messages of the
// switch itself.
#define VENDOR       0x1b36
#define DEVICE       0x0006
#define REG_TEST_IRQ 0x20
#define MESSAGES     4

static struct pci_addr find_switch(void)
{
    struct core_pci_function function;
    for (uint32_t n = 0; core_pci_function(n, &function) == 0; n++) {
        if (function.vendor_id == VENDOR && function.device_id == DEVICE)
            return function.at;
    }
    exo_assert(!"the device is there");
    return (struct pci_addr){0};
}

static volatile uint8_t *claim(struct pci_addr at, const char *owner)
{
    struct core_pci_bar bar;
    exo_assert(core_pci_claim(at, owner) == 0 && core_pci_bar(at, 0, &bar) == 0);
    return bar.base;
}

static void send_both(volatile uint8_t *regs)
{
    hal_mmio_write32(regs + REG_TEST_IRQ, 0);
    hal_mmio_write32(regs + REG_TEST_IRQ, 1);
}

static void check_two(struct pci_addr at, int first, int second)
{
    volatile uint8_t *regs = claim(at, "first");
    exo_assert(core_pci_msix(at, MESSAGES, first) == -EXO_ENOTSUP);
    exo_assert(core_pci_msix(at, 0, first) == 0 && core_pci_msix(at, 1, second) == 0);
    send_both(regs);
    exo_assert(core_irq_take(first) && core_irq_take(second));
    exo_assert(!core_irq_take(first) && !core_irq_take(second));
    core_pci_release(at);
    puts("msix: two lines");
}

// The next owner wants one message. The other one was the last owner's, whose line may be
// anybody's by now.
static void check_next(struct pci_addr at, int first, int second)
{
    volatile uint8_t *regs = claim(at, "next");
    exo_assert(core_pci_msix(at, 1, second) == 0);
    send_both(regs);
    exo_assert(core_irq_take(second));
    exo_assert(!core_irq_take(first));
    core_pci_release(at);
    puts("msix: the next owner's one");
}

int main(void)
{
    struct pci_addr at = find_switch();
    int first = core_irq_claim("msix");
    int second = core_irq_claim("msix");
    check_two(at, first, second);
    check_next(at, first, second);
    puts("msix: done");
    return 0;
}
