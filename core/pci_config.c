// SPDX-License-Identifier: MIT
// pci_config.c - configuration space through memory, or through ports.
#include "core/pci_config.h"

#include <string.h>

#include "core/acpi.h"
#include "core/log.h"
#include "core/once.h"
#include "core/pt.h"
#include "core/state.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "hal/acpi_aml.h"
#include "hal/mmio.h"
#include "hal/port.h"

#define ADDRESS_PORT   0xcf8
#define DATA_PORT      0xcfc
#define FUNCTION_BYTES 4096u

#define BUS_SHIFT      20 // in memory
#define DEVICE_SHIFT   15
#define FUNCTION_SHIFT 12
#define DEVICES        32

static void select(struct pci_addr at, uint16_t offset)
{
    hal_out32(ADDRESS_PORT, 0x80000000u | (uint32_t)at.bus << 16 |
                                (uint32_t)(at.device & 31) << 11 |
                                (uint32_t)(at.function & 7) << 8 | (offset & 0xfcu));
}

// Two ports are one access: another CPU's must not come between.
static uint32_t ports_read(struct pci_addr at, uint16_t offset, uint32_t width)
{
    uint16_t port = (uint16_t)(DATA_PORT + offset % 4);
    if (at.segment != 0 || offset >= PCI_PORTS_REACH)
        return UINT32_MAX;
    exo_lock_take(&core_state.pci_ports_lock);
    select(at, offset);
    uint32_t value = width == 4 ? hal_in32(port) : width == 2 ? hal_in16(port) : hal_in8(port);
    exo_lock_give(&core_state.pci_ports_lock);
    return value;
}

static void ports_write(struct pci_addr at, uint16_t offset, uint32_t width, uint32_t value)
{
    uint16_t port = (uint16_t)(DATA_PORT + offset % 4);
    if (at.segment != 0 || offset >= PCI_PORTS_REACH)
        return;
    exo_lock_take(&core_state.pci_ports_lock);
    select(at, offset);
    if (width == 4)
        hal_out32(port, value);
    else if (width == 2)
        hal_out16(port, (uint16_t)value);
    else
        hal_out8(port, (uint8_t)value);
    exo_lock_give(&core_state.pci_ports_lock);
}

// A function's 4 KiB, mapped when somebody asks for them: a whole segment would take half a
// megabyte of page tables. Null if they cannot be.
static volatile uint8_t *registers(const struct hal_ecam *ecam, struct pci_addr at)
{
    uint64_t pa = ecam->base + ((uint64_t)at.bus << BUS_SHIFT) +
                  ((uint64_t)(at.device & 31) << DEVICE_SHIFT) +
                  ((uint64_t)(at.function & 7) << FUNCTION_SHIFT);
    return pt_map_device((struct pa){pa}, FUNCTION_BYTES);
}

static uint32_t vendor_in_memory(const struct hal_ecam *ecam, struct pci_addr at)
{
    volatile uint8_t *regs = registers(ecam, at);
    return regs ? hal_mmio_read32(regs + PCI_VENDOR) : 0;
}

// Looks at the first bus in both ways. Where the ports show anything, memory must show the
// same; where they are silent, it must show something.
static bool is_right(const struct hal_ecam *ecam)
{
    struct pci_addr at = {.segment = ecam->segment, .bus = ecam->first_bus};
    uint32_t in_ports = 0, in_memory = 0, different = 0;
    for (; at.device < DEVICES; at.device++) {
        uint32_t by_ports = ports_read(at, PCI_VENDOR, 4);
        uint32_t by_memory = vendor_in_memory(ecam, at);
        in_ports += by_ports != UINT32_MAX;
        in_memory += by_memory != UINT32_MAX && by_memory != 0;
        different += by_ports != by_memory;
    }
    return in_memory > 0 && (in_ports == 0 || different == 0);
}

// Without the table the first bridge may say so itself, for all buses that it could have.
// That is a search through all of the machine code: for boards without ports.
static uint32_t ask_bridge(struct hal_ecam *out)
{
    struct cspan code;
    if (ports_read((struct pci_addr){0}, PCI_VENDOR, 4) != UINT32_MAX)
        return 0;
    *out = (struct hal_ecam){.last_bus = UINT8_MAX};
    for (uint32_t n = 0; acpi_code(n, &code); n++) {
        if (hal_acpi_cba(code, &out->base) && hal_ecam_is_sane(out))
            return 1;
    }
    return 0;
}

static void find_ecams(void)
{
    struct hal_ecam told[CORE_ECAM_MAX];
    struct cspan table;
    uint32_t count;
    if (core_acpi_find("MCFG", 0, &table) == 0)
        count = hal_acpi_mcfg(&acpi_firmware, table, told, CORE_ECAM_MAX);
    else
        count = ask_bridge(told);
    for (uint32_t i = 0; i < count; i++) {
        if (is_right(&told[i]))
            core_state.ecams[core_state.ecam_count++] = told[i];
        else
            core_log("core: PCI segment %u is not in memory at %#llx, as ACPI says",
                     (unsigned)told[i].segment, (unsigned long long)told[i].base);
    }
}

static const struct hal_ecam *ecam_of(struct pci_addr at)
{
    if (once_begin(&core_state.ecams_known)) {
        find_ecams();
        once_end(&core_state.ecams_known);
    }
    for (uint32_t i = 0; i < core_state.ecam_count; i++) {
        const struct hal_ecam *ecam = &core_state.ecams[i];
        if (ecam->segment == at.segment && at.bus >= ecam->first_bus && at.bus <= ecam->last_bus)
            return ecam;
    }
    return NULL;
}

// Where to access in memory; null means by ports.
static volatile uint8_t *place_of(struct pci_addr at, uint16_t offset, uint32_t width)
{
    exo_assert(exo_is_aligned(offset, width) && offset < FUNCTION_BYTES);
    const struct hal_ecam *ecam = ecam_of(at);
    volatile uint8_t *regs = ecam ? registers(ecam, at) : NULL;
    return regs ? regs + offset : NULL;
}

uint32_t core_pci_read32(struct pci_addr at, uint16_t offset)
{
    volatile uint8_t *reg = place_of(at, offset, 4);
    return reg ? hal_mmio_read32(reg) : ports_read(at, offset, 4);
}

uint16_t core_pci_read16(struct pci_addr at, uint16_t offset)
{
    volatile uint8_t *reg = place_of(at, offset, 2);
    return reg ? hal_mmio_read16(reg) : (uint16_t)ports_read(at, offset, 2);
}

uint8_t core_pci_read8(struct pci_addr at, uint16_t offset)
{
    volatile uint8_t *reg = place_of(at, offset, 1);
    return reg ? hal_mmio_read8(reg) : (uint8_t)ports_read(at, offset, 1);
}

void core_pci_write32(struct pci_addr at, uint16_t offset, uint32_t value)
{
    volatile uint8_t *reg = place_of(at, offset, 4);
    if (reg)
        hal_mmio_write32(reg, value);
    else
        ports_write(at, offset, 4, value);
}

void core_pci_write16(struct pci_addr at, uint16_t offset, uint16_t value)
{
    volatile uint8_t *reg = place_of(at, offset, 2);
    if (reg)
        hal_mmio_write16(reg, value);
    else
        ports_write(at, offset, 2, value);
}

void core_pci_write8(struct pci_addr at, uint16_t offset, uint8_t value)
{
    volatile uint8_t *reg = place_of(at, offset, 1);
    if (reg)
        hal_mmio_write8(reg, value);
    else
        ports_write(at, offset, 1, value);
}

static uint32_t read(void *ctx, struct pci_addr at, uint16_t offset)
{
    (void)ctx;
    return core_pci_read32(at, offset);
}

const struct pci_space pci_config = {.read = read};

// Large machines have several host bridges in one segment, which only machine code tells. No
// such machine is without configuration space in memory, so that others need not search.
static void ask_for_roots(struct pci_range *range)
{
    struct hal_acpi_buses buses = {{0}};
    struct cspan code;
    if (!ecam_of((struct pci_addr){0}))
        return;
    for (uint32_t n = 0; acpi_code(n, &code); n++)
        hal_acpi_bbn(code, &buses);
    memcpy(range->roots, buses.bits, sizeof(range->roots));
}

bool pci_config_range(uint32_t n, struct pci_range *out)
{
    *out = (struct pci_range){.segment = 0, .first_bus = 0, .last_bus = UINT8_MAX};
    if (n == 0) {
        ask_for_roots(out);
        return true;
    }
    ecam_of((struct pci_addr){0});
    for (uint32_t i = 0; n > 0 && i < core_state.ecam_count; i++) {
        const struct hal_ecam *ecam = &core_state.ecams[i];
        if (ecam->segment == 0)
            continue;
        *out = (struct pci_range){ecam->segment, ecam->first_bus, ecam->last_bus, {0}};
        n--;
    }
    return n == 0;
}
