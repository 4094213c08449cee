// SPDX-License-Identifier: MIT
// place.c - asks everybody who may know an address, the most exact first.
#include "core/place.h"

#include "core/frame.h"
#include "core/frame_hold.h"
#include "core/guard.h"
#include "core/image.h"
#include "core/pt.h"
#include "core/report.h"
#include "core/state.h"
#include "core/symbols.h"
#include "exo/bits.h"

typedef unsigned long long word; // what printf's %llx takes

static bool is_within(uint64_t at, const uint8_t *start, const uint8_t *end)
{
    return at >= (uint64_t)start && at < (uint64_t)end;
}

static bool print_null(uint64_t va)
{
    if (va >= CORE_FRAME_BYTES)
        return false;
    report_print(" (null pointer)");
    return true;
}

static bool print_boot_stack(uint64_t va)
{
    if (!is_within(va, core_stack_guard, core_stack_guard + CORE_FRAME_BYTES))
        return false;
    report_print(" (stack overflow: the guard page below the stack)");
    return true;
}

// The owner of the region speaks (core/guard.h).
static bool print_guarded(uint64_t va)
{
    struct core_guard_hit hit;
    if (!core_guard_find((struct va){va}, &hit))
        return false;
    report_print(" (%s", hit.what);
    if (hit.name) {
        report_print(" ");
        report_name(hit.name);
    }
    if (hit.bytes)
        report_print(", %llu bytes from 0x%llx", (word)hit.bytes, (word)hit.start.v);
    report_print(")");
    return true;
}

static bool is_sealed(uint64_t va)
{
    return is_within(va, core_sealed_start, core_sealed_end) ||
           is_within(va, (const uint8_t *)&core_state.handoff, (const uint8_t *)(&core_state + 1));
}

static const char *section_of(uint64_t va)
{
    return is_within(va, core_image_start, core_text_end)    ? ".text"
           : is_within(va, core_text_end, core_rodata_end)   ? ".rodata"
           : is_sealed(va)                                   ? "sealed data"
           : is_within(va, core_rodata_end, core_data_end)   ? ".data"
           : is_within(va, core_symbols, core_image_limit()) ? ".symbols"
                                                             : NULL;
}

static bool print_image_part(uint64_t va)
{
    const char *section = section_of(va);
    struct symbols_place place;
    if (!section)
        return false;
    report_print(" (%s", section);
    if (symbols_find(core_symbols, (size_t)(core_image_limit() - core_symbols),
                     (uint32_t)(va - (uint64_t)core_image_start), &place)) {
        report_print("%s%s", place.file[0] ? " of " : "", place.file);
        report_print(", %s+0x%x", place.name, (unsigned)place.inside);
    }
    report_print(")");
    return true;
}

// A frame that is nobody's is not shown, and one of the image's is seen at its own address.
static bool print_memory(uint64_t va)
{
    if (va < HANDOFF_DIRECT_MAP || va >= CORE_PT_DEVICES)
        return false;
    struct pa pa = {va - HANDOFF_DIRECT_MAP};
    uint64_t kernel = core_state.handoff.kernel_pa;
    const struct core_owner *owner = core_frame_owner(pa);
    report_print(" (physical 0x%llx: ", (word)pa.v);
    if (pa.v >= kernel && pa.v - kernel < core_state.handoff.kernel_bytes) {
        report_print("the image's, seen at its own address only)");
    } else if (owner) {
        report_print("memory of ");
        report_name(owner->name);
        report_print(")");
    } else {
        bool is_frame = frame_is_memory(pa.v, pa.v + 1);
        report_print("%s)", is_frame ? "memory that nobody owns" : "no memory of ours");
    }
    return true;
}

static bool print_device(uint64_t va)
{
    if (va < CORE_PT_DEVICES || va >= CORE_PT_HIGH_START)
        return false;
    uint64_t pa = va - CORE_PT_DEVICES;
    const char *owner = NULL;
    for (uint32_t i = 0; i < CORE_MMIO_MAX && !owner; i++) {
        const struct core_mmio_window *window = &core_state.mmio[i];
        if (pa >= window->start && pa < window->end)
            owner = window->owner;
    }
    report_print(" (device registers, physical 0x%llx%s", (word)pa, owner ? ", of " : "");
    if (owner)
        report_name(owner);
    report_print(")");
    return true;
}

void place_print(uint64_t va)
{
    static bool (*const known[])(uint64_t va) = {
        print_null, print_boot_stack, print_guarded, print_image_part, print_memory, print_device,
    };
    for (size_t i = 0; i < EXO_COUNT(known) && !known[i](va); i++) {
        // the next one
    }
}
