// SPDX-License-Identifier: MIT
// board.c - prints what core found out about the board, for a test to hold against what QEMU
// was told to build.
#include "core/acpi.h"
#include "core/clock.h"
#include "core/irq.h"
#include "core/pci.h"
#include "exo/assert.h"

#include <stdio.h>

static void print_apics(void)
{
    const struct hal_apics *apics = acpi_apics();
    printf("board: told by %s\nboard: %u CPUs:", acpi_apics_source(), (unsigned)apics->cpu_count);
    for (uint32_t i = 0; i < apics->cpu_count; i++)
        printf(" %u", (unsigned)apics->cpu_ids[i]);
    printf("\nboard: local APICs at %#llx\n", (unsigned long long)apics->lapic_pa);
    for (uint32_t i = 0; i < apics->ioapic_count; i++)
        printf("board: I/O APIC at %#llx from wire %d\n", (unsigned long long)apics->ioapics[i].pa,
               (int)apics->ioapics[i].gsi_base);
    for (uint32_t irq = 0; irq < HAL_ISA_IRQS; irq++) {
        const struct hal_wire *wire = &apics->isa[irq];
        if (wire->gsi != irq || wire->shape)
            printf("board: ISA interrupt %u is wire %u,%s%s\n", (unsigned)irq, (unsigned)wire->gsi,
                   wire->shape & HAL_WIRE_ACTIVE_LOW ? " low" : " high",
                   wire->shape & HAL_WIRE_LEVEL ? " level" : " edge");
    }
}

// The bytes beyond 256 are seen through memory alone; every PCI Express function has some.
static void print_pci(void)
{
    struct core_pci_function function;
    for (uint32_t n = 0; core_pci_function(n, &function) == 0; n++) {
        uint32_t extended = core_pci_read32(function.at, 0x100);
        printf("board: PCI %02x:%02x.%x is %04x:%04x, ", function.at.bus, function.at.device,
               function.at.function, function.vendor_id, function.device_id);
        puts(extended == UINT32_MAX ? "256 bytes" : "4096 bytes");
    }
}

// Time passes, and waits end.
static void check_clock(void)
{
    printf("board: clock at %llu kHz by %s\n", (unsigned long long)core_clock_tsc_hz() / 1000,
           core_clock_source());
    exo_ns begin = core_clock_now();
    core_irq_wait(begin + EXO_MS(5));
    exo_assert(core_clock_now() - begin >= EXO_MS(5));
}

int main(void)
{
    print_apics();
    print_pci();
    check_clock();
    puts("board: done");
    return 0;
}
