// SPDX-License-Identifier: MIT
// pci_walk.c - enumeration through bridges, and the capability list.
#include "core/pci_walk.h"

#include <string.h>

#define DEVICES   32
#define FUNCTIONS 8
#define BUSES     256

#define STATUS_CAPABILITIES (1u << 20) // bit 4 of the status, which is the upper half
#define MULTI_FUNCTION      0x80u
#define HEADER_BRIDGE       1

#define CAPABILITIES_MIN 0x40u // they lie behind the header

// Buses still to be looked at. A bridge is only believed if its secondary bus has a
// higher number than its own, so one pass upwards visits each once and ends.
struct walk {
    const struct pci_space *space;
    struct pci_range range;
    struct core_pci_function *out;
    uint32_t max;
    uint32_t count;
    uint64_t buses[BUSES / 64];
};

static uint32_t read(const struct pci_space *space, struct pci_addr at, uint16_t offset)
{
    return space->read(space->ctx, at, offset);
}

static bool is_present(const struct pci_space *space, struct pci_addr at)
{
    uint16_t vendor = (uint16_t)read(space, at, PCI_VENDOR);
    return vendor != 0xffff && vendor != 0;
}

static uint8_t header_byte(const struct pci_space *space, struct pci_addr at)
{
    return (uint8_t)(read(space, at, PCI_HEADER) >> 16);
}

uint8_t pci_header_type(const struct pci_space *space, struct pci_addr at)
{
    return (uint8_t)(header_byte(space, at) & ~MULTI_FUNCTION);
}

static void note_bus(struct walk *walk, struct pci_addr bridge)
{
    uint8_t secondary = (uint8_t)(read(walk->space, bridge, PCI_BUS_NUMBERS) >> 8);
    if (secondary > bridge.bus && secondary <= walk->range.last_bus)
        walk->buses[secondary / 64] |= UINT64_C(1) << (secondary % 64);
}

static void visit_function(struct walk *walk, struct pci_addr at)
{
    uint32_t vendor = read(walk->space, at, PCI_VENDOR);
    uint32_t class = read(walk->space, at, PCI_CLASS);
    bool is_bridge = pci_header_type(walk->space, at) == HEADER_BRIDGE;
    if (walk->count < walk->max)
        walk->out[walk->count] = (struct core_pci_function){
            .at = at,
            .vendor_id = (uint16_t)vendor,
            .device_id = (uint16_t)(vendor >> 16),
            .subsystem_id = is_bridge ? 0 : (uint16_t)(read(walk->space, at, PCI_SUBSYSTEM) >> 16),
            .class_code = (uint8_t)(class >> 24),
            .subclass = (uint8_t)(class >> 16),
        };
    walk->count++;
    if (is_bridge)
        note_bus(walk, at);
}

static void visit_device(struct walk *walk, struct pci_addr at)
{
    if (!is_present(walk->space, at))
        return; // function 0 is required (PCI Local Bus 3.0 §3.2.2.3.4)
    visit_function(walk, at);
    if (!(header_byte(walk->space, at) & MULTI_FUNCTION))
        return;
    for (at.function = 1; at.function < FUNCTIONS; at.function++) {
        if (is_present(walk->space, at))
            visit_function(walk, at);
    }
}

uint32_t pci_walk(const struct pci_space *space, struct pci_range range,
                  struct core_pci_function *out, uint32_t max)
{
    struct walk walk = {.space = space, .range = range, .out = out, .max = max};
    memcpy(walk.buses, range.roots, sizeof(walk.buses));
    walk.buses[range.first_bus / 64] |= UINT64_C(1) << range.first_bus % 64;
    for (uint32_t bus = range.first_bus; bus <= range.last_bus; bus++) {
        if (!(walk.buses[bus / 64] >> (bus % 64) & 1))
            continue;
        struct pci_addr at = {.bus = (uint8_t)bus, .segment = range.segment};
        for (; at.device < DEVICES; at.device++)
            visit_device(&walk, at);
    }
    return walk.count;
}

static uint8_t byte_at(const struct pci_space *space, struct pci_addr at, uint16_t offset)
{
    return (uint8_t)(read(space, at, offset & 0xfffc) >> (offset % 4 * 8));
}

// PCI Local Bus 3.0 §6.7: each capability has its identifier, then the next one's offset,
// whose two lowest bits are reserved and to be masked. Each is visited once and the list ends
// where it comes back to itself, so that whoever asks for one after the other ends as well.
uint16_t pci_find_capability(const struct pci_space *space, struct pci_addr at, uint8_t id,
                             uint16_t after)
{
    if (!(read(space, at, PCI_COMMAND) & STATUS_CAPABILITIES))
        return 0;
    uint64_t visited = 0; // bit n: offset 4 n
    bool behind = after == 0;
    uint16_t link = PCI_CAPABILITIES;
    for (;;) {
        uint16_t offset = byte_at(space, at, link) & 0xfc;
        uint64_t bit = UINT64_C(1) << (offset / 4);
        if (offset < CAPABILITIES_MIN || (visited & bit))
            return 0;
        visited |= bit;
        if (behind && byte_at(space, at, offset) == id)
            return offset;
        behind |= offset == after;
        link = (uint16_t)(offset + 1);
    }
}
