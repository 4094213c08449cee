// SPDX-License-Identifier: MIT
// core_main.c - the order in which core comes up.
#include "core/core_main.h"

#include <string.h>

#include "core/bringup.h"
#include "core/canary.h"
#include "core/frame.h"
#include "core/image.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/state.h"
#include "exo/bits.h"
#include "hal/desc.h"
#include "hal/extensions.h"

#define LOADER_REACH (UINT64_C(4) << 30) // what the loader's page tables show
#define MAP_MAX      1024                // entries; no firmware comes near

// Less than this is left over, and no app would get anywhere.
#define FREE_FRAMES_MIN 32

struct core_state core_state;

const char *core_cmdline(void)
{
    return core_state.cmdline;
}

static bool is_reachable(uint64_t pa, uint64_t bytes)
{
    return pa < LOADER_REACH && bytes <= LOADER_REACH - pa;
}

// Nothing in the block is believed before this has seen it.
static void check_handoff(const struct handoff *handoff)
{
    uint64_t image_bytes = (uint64_t)(core_image_end - core_image_start);
    if (!is_reachable((uint64_t)handoff - HANDOFF_DIRECT_MAP, sizeof(*handoff)))
        bringup_fail("no handoff block from the loader");
    if (handoff->magic != HANDOFF_MAGIC)
        bringup_fail("no handoff block from the loader: wrong magic number");
    if (handoff->version != HANDOFF_VERSION || handoff->bytes < HANDOFF_BYTES_MIN)
        bringup_fail("handoff block of version %u with %u bytes, wanted version %u with %u",
                     (unsigned)handoff->version, (unsigned)handoff->bytes, HANDOFF_VERSION,
                     HANDOFF_BYTES_MIN);
    if (handoff->map_count == 0 || handoff->map_count > MAP_MAX ||
        !is_reachable(handoff->map, handoff->map_count * sizeof(struct handoff_range)))
        bringup_fail("the loader's memory map of %u entries makes no sense",
                     (unsigned)handoff->map_count);
    if (handoff->kernel_va != (uint64_t)core_image_start || handoff->kernel_bytes < image_bytes ||
        handoff->kernel_pa % CORE_FRAME_BYTES != 0)
        bringup_fail("the loader did not put the image where it belongs");
}

// By core's copy, where what an older loader does not know is zero.
static void check_low_memory(void)
{
    const struct handoff *handoff = &core_state.handoff;
    if (handoff->low_start > handoff->low_end)
        bringup_fail("the loader's own memory from %#llx to %#llx makes no sense",
                     (unsigned long long)handoff->low_start, (unsigned long long)handoff->low_end);
}

// A string of the loader's, cut to what fits; empty if there is none.
static void copy_string(char *out, size_t out_bytes, uint64_t pa)
{
    if (pa == 0 || !is_reachable(pa, out_bytes))
        return;
    memccpy(out, (const char *)(HANDOFF_DIRECT_MAP + pa), '\0', out_bytes - 1);
}

static void copy_handoff(const struct handoff *handoff)
{
    // What an older loader does not know stays zero.
    memcpy(&core_state.handoff, handoff, EXO_MIN(sizeof(*handoff), (size_t)handoff->bytes));
    copy_string(core_state.cmdline, sizeof(core_state.cmdline), handoff->cmdline);
    copy_string(core_state.loader, sizeof(core_state.loader), handoff->loader_name);
}

static void check_memory_left(void)
{
    uint64_t free = core_frame_stats().free;
    if (free < FREE_FRAMES_MIN)
        bringup_fail("not enough memory: %llu KiB left for the app",
                     (unsigned long long)free * CORE_FRAME_BYTES >> 10);
}

// First a voice, then a net below us, then what the loader knew; then memory, and with it
// page tables of our own, after which the loader's memory is free; then time. All else
// (PCI, NIC queues) begins when somebody asks for it.
void core_main(const struct handoff *handoff, uint64_t tsc)
{
    core_state.tsc_at_core = tsc;
    log_init();
    hal_desc_init();
    hal_extensions_init();
    check_handoff(handoff);
    copy_handoff(handoff);
    check_low_memory();
    canary_init(core_state.handoff.seed ^ tsc);
    frame_init();
    pt_init();
    frame_take_loaders();
    clock_init();
    core_state.boot_cpu.apic_id = hal_lapic_id(&core_state.lapic);
    check_memory_left();
    core_state.log_has_heading = true;
    core_exit(exo_start());
}
