// SPDX-License-Identifier: MIT
// pci.c - configuration space through ports, owners of functions, BARs and MSI-X.
#include "core/pci.h"

#include "core/irq.h"
#include "core/log.h"
#include "core/pci_walk.h"
#include "core/pt.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/mmio.h"
#include "hal/port.h"

// Configuration mechanism #1 (PCI Local Bus 3.0 §3.2.2.3.2): reaches 256 bytes.
#define ADDRESS_PORT 0xcf8
#define DATA_PORT    0xcfc
#define REACH_BYTES  256

#define COMMAND_MEMORY     0x0002u
#define COMMAND_BUS_MASTER 0x0004u
#define COMMAND_NO_INTX    0x0400u

#define BAR_IO        1u
#define BAR_TYPE_MASK 6u
#define BAR_TYPE_64   4u
#define BAR_FLAGS     15u

// MSI-X (PCI Local Bus 3.0 §6.8.2); message format: Intel SDM vol. 3, "Message Signalled
// Interrupts".
#define CAPABILITY_MSIX    0x11
#define MSIX_CONTROL       2 // offsets in the capability
#define MSIX_TABLE         4
#define MSIX_ENABLE        0x8000u
#define MSIX_FUNCTION_MASK 0x4000u
#define MSIX_SIZE_MASK     0x07ffu
#define MSIX_ENTRY_BYTES   16u
#define MSIX_ENTRY_MASKED  1u
#define MSI_ADDRESS        0xfee00000u
#define MSI_ADDRESS_CPU    12 // shift of the destination
#define MSI_CPU_MAX        0xffu

static void select(struct pci_addr at, uint16_t offset)
{
    hal_out32(ADDRESS_PORT, 0x80000000u | (uint32_t)at.bus << 16 |
                                (uint32_t)(at.device & 31) << 11 |
                                (uint32_t)(at.function & 7) << 8 | (offset & 0xfcu));
}

static bool is_reached(uint16_t offset, uint32_t width)
{
    exo_assert(exo_is_aligned(offset, width) && offset < 4096);
    return offset < REACH_BYTES;
}

uint32_t core_pci_read32(struct pci_addr at, uint16_t offset)
{
    if (!is_reached(offset, 4))
        return UINT32_MAX;
    select(at, offset);
    return hal_in32(DATA_PORT);
}

uint16_t core_pci_read16(struct pci_addr at, uint16_t offset)
{
    if (!is_reached(offset, 2))
        return UINT16_MAX;
    select(at, offset);
    return hal_in16((uint16_t)(DATA_PORT + offset % 4));
}

uint8_t core_pci_read8(struct pci_addr at, uint16_t offset)
{
    if (!is_reached(offset, 1))
        return UINT8_MAX;
    select(at, offset);
    return hal_in8((uint16_t)(DATA_PORT + offset % 4));
}

void core_pci_write32(struct pci_addr at, uint16_t offset, uint32_t value)
{
    if (!is_reached(offset, 4))
        return;
    select(at, offset);
    hal_out32(DATA_PORT, value);
}

void core_pci_write16(struct pci_addr at, uint16_t offset, uint16_t value)
{
    if (!is_reached(offset, 2))
        return;
    select(at, offset);
    hal_out16((uint16_t)(DATA_PORT + offset % 4), value);
}

void core_pci_write8(struct pci_addr at, uint16_t offset, uint8_t value)
{
    if (!is_reached(offset, 1))
        return;
    select(at, offset);
    hal_out8((uint16_t)(DATA_PORT + offset % 4), value);
}

static uint32_t read_ports(void *ctx, struct pci_addr at, uint16_t offset)
{
    (void)ctx;
    return core_pci_read32(at, offset);
}

static const struct pci_space ports = {.read = read_ports};

uint16_t core_pci_capability(struct pci_addr at, uint8_t id, uint16_t after)
{
    return pci_find_capability(&ports, at, id, after);
}

// Enumeration costs some 300 port reads at least: once, when somebody first asks.
static void scan_once(void)
{
    if (core_state.pci_scanned)
        return;
    core_state.pci_scanned = true;
    uint32_t found = pci_walk(&ports, core_state.pci, CORE_PCI_MAX);
    core_state.pci_count = EXO_MIN(found, (uint32_t)CORE_PCI_MAX);
    if (found > CORE_PCI_MAX)
        core_log("core: %u PCI functions, only the first %d are usable", (unsigned)found,
                 CORE_PCI_MAX);
}

int core_pci_function(uint32_t n, struct core_pci_function *out)
{
    scan_once();
    if (n >= core_state.pci_count)
        return -EXO_ENOENT;
    *out = core_state.pci[n];
    return 0;
}

static bool is_same(struct pci_addr a, struct pci_addr b)
{
    return a.bus == b.bus && a.device == b.device && a.function == b.function;
}

// Where the owner of a function is noted, or null if there is no such function.
static const char **owner_of(struct pci_addr at)
{
    scan_once();
    for (uint32_t i = 0; i < core_state.pci_count; i++) {
        if (is_same(core_state.pci[i].at, at))
            return &core_state.pci_owners[i];
    }
    return NULL;
}

static bool is_claimed(struct pci_addr at)
{
    const char **owner = owner_of(at);
    return owner && *owner;
}

static void set_command(struct pci_addr at, uint16_t set, uint16_t clear)
{
    uint16_t command = core_pci_read16(at, PCI_COMMAND);
    core_pci_write16(at, PCI_COMMAND, (uint16_t)((command | set) & ~clear));
}

int core_pci_claim(struct pci_addr at, const char *owner)
{
    exo_assert(owner);
    const char **owned_by = owner_of(at);
    if (!owned_by)
        return -EXO_ENOENT;
    if (*owned_by)
        return -EXO_EBUSY;
    *owned_by = owner;
    set_command(at, COMMAND_MEMORY | COMMAND_BUS_MASTER, 0);
    return 0;
}

void core_pci_release(struct pci_addr at)
{
    exo_assert(is_claimed(at));
    set_command(at, 0, COMMAND_BUS_MASTER);
    *owner_of(at) = NULL;
}

static uint16_t bar_offset(uint32_t index)
{
    return (uint16_t)(PCI_BAR0 + index * 4);
}

static bool is_64bit(uint32_t bar)
{
    return !(bar & BAR_IO) && (bar & BAR_TYPE_MASK) == BAR_TYPE_64;
}

// Whether a memory BAR begins at `index`: the upper half of a 64-bit one is no BAR.
static bool is_memory_bar(struct pci_addr at, uint32_t index)
{
    uint32_t slots = pci_header_type(&ports, at) == 0 ? 6 : 2;
    for (uint32_t i = 0; i < slots; i++) {
        uint32_t bar = core_pci_read32(at, bar_offset(i));
        if (i == index)
            return !(bar & BAR_IO) && !(is_64bit(bar) && i + 1 == slots);
        i += is_64bit(bar);
    }
    return false;
}

static uint64_t read_bar(struct pci_addr at, uint32_t index)
{
    uint64_t bar = core_pci_read32(at, bar_offset(index));
    if (is_64bit((uint32_t)bar))
        bar |= (uint64_t)core_pci_read32(at, bar_offset(index + 1)) << 32;
    return bar;
}

static void write_bar(struct pci_addr at, uint32_t index, uint64_t value, bool wide)
{
    core_pci_write32(at, bar_offset(index), (uint32_t)value);
    if (wide)
        core_pci_write32(at, bar_offset(index + 1), (uint32_t)(value >> 32));
}

// Writes all ones, reads which bits stuck, and puts the address back (PCI Local Bus 3.0
// §6.2.5.1). Decoding is off meanwhile: for a moment the BAR claims the top of memory.
static uint64_t size_bar(struct pci_addr at, uint32_t index, uint64_t value)
{
    bool wide = is_64bit((uint32_t)value);
    uint16_t command = core_pci_read16(at, PCI_COMMAND);
    core_pci_write16(at, PCI_COMMAND, (uint16_t)(command & ~COMMAND_MEMORY));
    write_bar(at, index, UINT64_MAX, wide);
    uint64_t mask = read_bar(at, index) & ~(uint64_t)BAR_FLAGS;
    write_bar(at, index, value, wide);
    core_pci_write16(at, PCI_COMMAND, command);
    return ~(wide ? mask : mask | UINT64_C(0xffffffff00000000)) + 1;
}

int core_pci_bar(struct pci_addr at, uint32_t index, struct core_pci_bar *out)
{
    exo_assert(is_claimed(at));
    if (!is_memory_bar(at, index))
        return -EXO_EINVAL;
    uint64_t value = read_bar(at, index);
    uint64_t base = value & ~(uint64_t)BAR_FLAGS;
    if (base == 0)
        return -EXO_EINVAL;
    uint64_t bytes = size_bar(at, index, value);
    if (!exo_is_pow2(bytes) || !exo_is_aligned(base, bytes))
        return -EXO_EIO;
    if (memmap_overlaps(&core_state.memmap, base, base + bytes))
        return -EXO_EIO; // registers on top of memory
    if (bytes > CORE_PCI_BAR_MAX)
        return -EXO_ENOTSUP;

    volatile uint8_t *mapped = pt_map_device((struct pa){base}, bytes);
    if (!mapped)
        return -EXO_ENOMEM;
    *out = (struct core_pci_bar){.base = mapped, .bytes = bytes};
    return 0;
}

static void write_entry(volatile uint8_t *entry, int irq)
{
    uint32_t cpu = core_irq_apic_id(irq);
    hal_mmio_write32(entry + 12, MSIX_ENTRY_MASKED);
    hal_mmio_write32(entry, MSI_ADDRESS | cpu << MSI_ADDRESS_CPU);
    hal_mmio_write32(entry + 4, 0);
    hal_mmio_write32(entry + 8, core_irq_vector(irq)); // edge, fixed delivery
    hal_mmio_write32(entry + 12, 0);
}

int core_pci_msix(struct pci_addr at, uint16_t entry, int irq)
{
    exo_assert(is_claimed(at));
    if (core_irq_apic_id(irq) > MSI_CPU_MAX) // the message has eight bits for it
        return -EXO_ENOTSUP;
    uint16_t capability = core_pci_capability(at, CAPABILITY_MSIX, 0);
    if (!capability || capability > REACH_BYTES - 12)
        return -EXO_ENOTSUP;
    uint16_t control = core_pci_read16(at, (uint16_t)(capability + MSIX_CONTROL));
    if (entry > (control & MSIX_SIZE_MASK)) // the field holds the size less one
        return -EXO_ENOTSUP;

    uint32_t table = core_pci_read32(at, (uint16_t)(capability + MSIX_TABLE));
    struct core_pci_bar bar;
    int err = core_pci_bar(at, table & 7, &bar);
    if (err < 0)
        return err;
    uint64_t offset = (table & ~7u) + (uint64_t)entry * MSIX_ENTRY_BYTES;
    if (offset + MSIX_ENTRY_BYTES > bar.bytes)
        return -EXO_EIO;

    // Enabled but masked as a whole while the entry changes (§6.8.2.3).
    uint16_t control_at = (uint16_t)(capability + MSIX_CONTROL);
    core_pci_write16(at, control_at, control | MSIX_ENABLE | MSIX_FUNCTION_MASK);
    write_entry(bar.base + offset, irq);
    set_command(at, COMMAND_NO_INTX, 0);
    core_pci_write16(at, control_at, (uint16_t)((control | MSIX_ENABLE) & ~MSIX_FUNCTION_MASK));
    return 0;
}
