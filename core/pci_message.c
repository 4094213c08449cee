// SPDX-License-Identifier: MIT
// pci_message.c - interrupts as messages: MSI-X, and MSI for functions that are older.
// (PCI Local Bus 3.0 §6.8; the message: Intel SDM vol. 3, "Message Signalled Interrupts".)
#include "core/irq.h"
#include "core/pci.h"
#include "core/pci_config.h"
#include "exo/assert.h"
#include "exo/err.h"
#include "hal/lapic.h"
#include "hal/mmio.h"

#define MESSAGE_ADDRESS 0xfee00000u
#define MESSAGE_CPU     12 // shift of the destination

#define CAPABILITY_MSIX    0x11
#define MSIX_CONTROL       2 // offsets in the capability
#define MSIX_TABLE         4
#define MSIX_END           12
#define MSIX_ENABLE        0x8000u
#define MSIX_FUNCTION_MASK 0x4000u
#define MSIX_SIZE_MASK     0x07ffu // holds the size less one
#define MSIX_ENTRY_BYTES   16u
#define MSIX_ENTRY_CONTROL 12 // offset in an entry
#define MSIX_ENTRY_MASKED  1u

#define CAPABILITY_MSI    0x05
#define MSI_CONTROL       2 // offsets in the capability; this one as of MSI-X
#define MSI_ADDRESS       4
#define MSI_ADDRESS_HIGH  8 // only where addresses have 64 bits: then the rest moves on by 4
#define MSI_DATA          8
#define MSI_MASK          12 // only where messages can be masked
#define MSI_END           24
#define MSI_ENABLE        0x0001u
#define MSI_MESSAGES_MASK 0x0070u // logarithm of how many the function may send
#define MSI_WIDE          0x0080u
#define MSI_MASKABLE      0x0100u

static uint32_t address_of(int irq)
{
    return MESSAGE_ADDRESS | core_irq_apic_id(irq) << MESSAGE_CPU;
}

// The capability, if all of it can be reached and the line's CPU can be sent messages: the
// destination has eight bits, and all ones is everybody.
static uint16_t find(struct pci_addr at, uint8_t id, uint16_t bytes, int irq)
{
    exo_assert(pci_is_claimed(at));
    uint16_t capability = core_pci_capability(at, id, 0);
    bool fits = capability && capability + bytes <= PCI_PORTS_REACH;
    return fits && core_irq_apic_id(irq) < HAL_LAPIC_WIDE_ID ? capability : 0;
}

static int map_table(struct pci_addr at, uint16_t capability, uint32_t entries,
                     volatile uint8_t **out)
{
    uint32_t table = core_pci_read32(at, (uint16_t)(capability + MSIX_TABLE));
    uint64_t offset = table & ~7u;
    struct core_pci_bar bar;
    int err = core_pci_bar(at, table & 7, &bar);
    if (err < 0)
        return err;
    if (offset + (uint64_t)entries * MSIX_ENTRY_BYTES > bar.bytes)
        return -EXO_EIO;
    *out = bar.base + offset;
    return 0;
}

// What the last owner left in the table is a line that somebody else has by now. (A firmware that
// leaves messages on has lines of its own in it: they stay, as core_pci_claim found them.)
static void mask_all(volatile uint8_t *table, uint32_t entries)
{
    for (uint32_t i = 0; i < entries; i++)
        hal_mmio_write32(table + i * MSIX_ENTRY_BYTES + MSIX_ENTRY_CONTROL, MSIX_ENTRY_MASKED);
}

static void write_entry(volatile uint8_t *entry, int irq)
{
    hal_mmio_write32(entry + MSIX_ENTRY_CONTROL, MSIX_ENTRY_MASKED);
    hal_mmio_write32(entry, address_of(irq));
    hal_mmio_write32(entry + 4, 0);
    hal_mmio_write32(entry + 8, core_irq_vector(irq)); // edge, fixed delivery
    hal_mmio_write32(entry + MSIX_ENTRY_CONTROL, 0);
}

int core_pci_msix(struct pci_addr at, uint16_t entry, int irq)
{
    uint16_t capability = find(at, CAPABILITY_MSIX, MSIX_END, irq);
    if (!capability)
        return -EXO_ENOTSUP;
    uint16_t control_at = (uint16_t)(capability + MSIX_CONTROL);
    uint16_t control = core_pci_read16(at, control_at);
    uint32_t entries = (control & MSIX_SIZE_MASK) + 1u;
    if (entry >= entries)
        return -EXO_ENOTSUP;

    volatile uint8_t *table;
    int err = map_table(at, capability, entries, &table);
    if (err < 0)
        return err;

    // Enabled but masked as a whole while the entry changes (§6.8.2.3).
    core_pci_write16(at, control_at, control | MSIX_ENABLE | MSIX_FUNCTION_MASK);
    if (!(control & MSIX_ENABLE))
        mask_all(table, entries);
    write_entry(table + entry * MSIX_ENTRY_BYTES, irq);
    pci_set_command(at, PCI_COMMAND_NO_INTX, 0);
    core_pci_write16(at, control_at, (uint16_t)((control | MSIX_ENABLE) & ~MSIX_FUNCTION_MASK));
    return 0;
}

// Off while the message changes, then on with one message of however many there are.
int core_pci_msi(struct pci_addr at, int irq)
{
    uint16_t capability = find(at, CAPABILITY_MSI, MSI_END, irq);
    if (!capability)
        return -EXO_ENOTSUP;
    uint16_t control_at = (uint16_t)(capability + MSI_CONTROL);
    uint16_t control =
        core_pci_read16(at, control_at) & (uint16_t) ~(MSI_ENABLE | MSI_MESSAGES_MASK);
    uint16_t rest = (uint16_t)(capability + (control & MSI_WIDE ? 4 : 0));

    core_pci_write16(at, control_at, control);
    core_pci_write32(at, (uint16_t)(capability + MSI_ADDRESS), address_of(irq));
    if (control & MSI_WIDE)
        core_pci_write32(at, (uint16_t)(capability + MSI_ADDRESS_HIGH), 0);
    core_pci_write16(at, (uint16_t)(rest + MSI_DATA), core_irq_vector(irq)); // edge, fixed delivery
    if (control & MSI_MASKABLE)
        core_pci_write32(at, (uint16_t)(rest + MSI_MASK), 0);
    pci_set_command(at, PCI_COMMAND_NO_INTX, 0);
    core_pci_write16(at, control_at, control | MSI_ENABLE);
    return 0;
}

static void turn_off(struct pci_addr at, uint8_t id, uint16_t enable)
{
    uint16_t capability = core_pci_capability(at, id, 0);
    if (!capability)
        return;
    uint16_t control_at = (uint16_t)(capability + MSI_CONTROL);
    core_pci_write16(at, control_at, (uint16_t)(core_pci_read16(at, control_at) & ~enable));
}

void pci_messages_off(struct pci_addr at)
{
    turn_off(at, CAPABILITY_MSIX, MSIX_ENABLE);
    turn_off(at, CAPABILITY_MSI, MSI_ENABLE);
    pci_set_command(at, 0, PCI_COMMAND_NO_INTX);
}
