// SPDX-License-Identifier: MIT
// msix.c - several messages of one function, each to its own line, from one owner to the next;
// on QEMU's e1000e, which sends them when it is told to.
#include "core/irq.h"
#include "core/pci.h"
#include "exo/assert.h"
#include "exo/err.h"
#include "hal/mmio.h"

#include <stdio.h>

// Intel 82574 datasheet, chapter 10: causes are raised by a write, and each queue's is given a
// message by IVAR.
#define VENDOR       0x8086
#define DEVICE       0x10d3
#define REG_CAUSES   0xc0 // ICR: ones written are taken back
#define REG_RAISE    0xc8 // ICS
#define REG_MASK_SET 0xd0 // IMS
#define REG_MESSAGES 0xe4 // IVAR
#define CAUSE(queue) (UINT32_C(1) << (20 + (queue)))
#define IN_TURN      0x98u // queue 0 has message 0, queue 1 message 1
#define VECTORS      5

static struct pci_addr find_nic(void)
{
    struct core_pci_function function;
    for (uint32_t n = 0; core_pci_function(n, &function) == 0; n++) {
        if (function.vendor_id == VENDOR && function.device_id == DEVICE)
            return function.at;
    }
    exo_assert(!"the device is there");
    return (struct pci_addr){0};
}

static volatile uint8_t *claim(struct pci_addr nic, const char *owner)
{
    struct core_pci_bar bar;
    exo_assert(core_pci_claim(nic, owner) == 0 && core_pci_bar(nic, 0, &bar) == 0);
    hal_mmio_write32(bar.base + REG_CAUSES, CAUSE(0) | CAUSE(1));
    hal_mmio_write32(bar.base + REG_MESSAGES, IN_TURN);
    hal_mmio_write32(bar.base + REG_MASK_SET, CAUSE(0) | CAUSE(1));
    return bar.base;
}

// Both queues have something to say; what is sent arrives at once.
static void raise_both(volatile uint8_t *regs)
{
    hal_mmio_write32(regs + REG_RAISE, CAUSE(0));
    hal_mmio_write32(regs + REG_RAISE, CAUSE(1));
}

static void check_two(struct pci_addr nic, int first, int second)
{
    volatile uint8_t *regs = claim(nic, "first");
    exo_assert(core_pci_msix(nic, VECTORS, first) == -EXO_ENOTSUP);
    exo_assert(core_pci_msix(nic, 0, first) == 0 && core_pci_msix(nic, 1, second) == 0);
    raise_both(regs);
    exo_assert(core_irq_take(first) && core_irq_take(second));
    exo_assert(!core_irq_take(first) && !core_irq_take(second));
    core_pci_release(nic);
    puts("msix: two lines");
}

// The next owner wants one message. The other one was the last owner's, whose line may be
// anybody's by now.
static void check_next(struct pci_addr nic, int first, int second)
{
    volatile uint8_t *regs = claim(nic, "next");
    exo_assert(core_pci_msix(nic, 1, second) == 0);
    raise_both(regs);
    exo_assert(core_irq_take(second));
    exo_assert(!core_irq_take(first));
    core_pci_release(nic);
    puts("msix: the next owner's one");
}

int main(void)
{
    struct pci_addr nic = find_nic();
    int first = core_irq_claim("msix");
    int second = core_irq_claim("msix");
    check_two(nic, first, second);
    check_next(nic, first, second);
    puts("msix: done");
    return 0;
}
