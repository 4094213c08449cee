// SPDX-License-Identifier: MIT
// pci.c - functions, their owners, and their BARs.
#include "core/pci.h"

#include "core/frame_hold.h"
#include "core/log.h"
#include "core/once.h"
#include "core/pci_config.h"
#include "core/pt.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"

#define BAR_IO        1u
#define BAR_TYPE_MASK 6u
#define BAR_TYPE_64   4u
#define BAR_FLAGS     15u

uint16_t core_pci_capability(struct pci_addr at, uint8_t id, uint16_t after)
{
    return pci_find_capability(&pci_config, at, id, after);
}

// Enumeration costs some 300 reads at least: once, when somebody first asks.
static void scan(void)
{
    uint32_t found = 0;
    struct pci_range range;
    for (uint32_t n = 0; pci_config_range(n, &range); n++) {
        uint32_t kept = EXO_MIN(found, (uint32_t)CORE_PCI_MAX);
        found += pci_walk(&pci_config, range, core_state.pci + kept, CORE_PCI_MAX - kept);
    }
    core_state.pci_count = EXO_MIN(found, (uint32_t)CORE_PCI_MAX);
    if (found > CORE_PCI_MAX)
        core_log("core: %u PCI functions, only the first %d are usable", (unsigned)found,
                 CORE_PCI_MAX);
}

static void scan_once(void)
{
    if (!once_begin(&core_state.pci_known))
        return;
    scan();
    once_end(&core_state.pci_known);
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
    return a.segment == b.segment && a.bus == b.bus && a.device == b.device &&
           a.function == b.function;
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

bool pci_is_claimed(struct pci_addr at)
{
    const char **owner = owner_of(at);
    exo_lock_take(&core_state.pci_lock);
    bool claimed = owner && *owner;
    exo_lock_give(&core_state.pci_lock);
    return claimed;
}

void pci_set_command(struct pci_addr at, uint16_t set, uint16_t clear)
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
    exo_lock_take(&core_state.pci_lock);
    bool is_free = *owned_by == NULL;
    if (is_free)
        *owned_by = owner;
    exo_lock_give(&core_state.pci_lock);
    if (!is_free)
        return -EXO_EBUSY;
    pci_set_command(at, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER, 0);
    return 0;
}

// Silenced while it still has its owner: the next one may come at once.
void core_pci_release(struct pci_addr at)
{
    exo_assert(pci_is_claimed(at));
    pci_set_command(at, 0, PCI_COMMAND_BUS_MASTER);
    pci_messages_off(at);
    exo_lock_take(&core_state.pci_lock);
    *owner_of(at) = NULL;
    exo_lock_give(&core_state.pci_lock);
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
    uint32_t slots = pci_header_type(&pci_config, at) == 0 ? 6 : 2;
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
    core_pci_write16(at, PCI_COMMAND, (uint16_t)(command & ~PCI_COMMAND_MEMORY));
    write_bar(at, index, UINT64_MAX, wide);
    uint64_t mask = read_bar(at, index) & ~(uint64_t)BAR_FLAGS;
    write_bar(at, index, value, wide);
    core_pci_write16(at, PCI_COMMAND, command);
    return ~(wide ? mask : mask | UINT64_C(0xffffffff00000000)) + 1;
}

int core_pci_bar(struct pci_addr at, uint32_t index, struct core_pci_bar *out)
{
    exo_assert(pci_is_claimed(at));
    if (!is_memory_bar(at, index))
        return -EXO_EINVAL;
    uint64_t value = read_bar(at, index);
    uint64_t base = value & ~(uint64_t)BAR_FLAGS;
    if (base == 0)
        return -EXO_EINVAL;
    uint64_t bytes = size_bar(at, index, value);
    if (!exo_is_pow2(bytes) || !exo_is_aligned(base, bytes))
        return -EXO_EIO;
    if (frame_is_memory(base, base + bytes))
        return -EXO_EIO; // registers on top of memory
    if (bytes > CORE_PCI_BAR_MAX)
        return -EXO_ENOTSUP;

    volatile uint8_t *mapped = pt_map_device((struct pa){base}, bytes);
    if (!mapped)
        return -EXO_ENOMEM;
    *out = (struct core_pci_bar){.base = mapped, .bytes = bytes};
    return 0;
}
