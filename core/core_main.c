// SPDX-License-Identifier: MIT
// core_main.c - the order in which core comes up.
#include "core/core_main.h"

#include "core/bringup.h"
#include "core/canary.h"
#include "core/frame.h"
#include "core/image.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/pt_live.h"
#include "core/state.h"
#include "exo/bits.h"
#include "hal/desc.h"
#include "hal/extensions.h"

#define LOADER_REACH (UINT64_C(4) << 30) // the loader's memory lies below
#define MAP_MAX      1024                // entries; no firmware comes near

struct core_state core_state;

const char *core_cmdline(void)
{
    return core_state.cmdline;
}

static bool is_in(uint64_t start, uint64_t end, uint64_t pa, uint64_t bytes)
{
    return pa >= start && pa <= end && bytes <= end - pa;
}

// Does [pa, pa + bytes) lie in the loader's memory, which is all that can be seen?
static bool is_loaders(const struct handoff *handoff, uint64_t pa, uint64_t bytes)
{
    uint64_t start = EXO_MAX(handoff->low_start, CORE_FRAME_BYTES);
    return is_in(start, handoff->low_end, pa, bytes);
}

static void check_version(const struct handoff *handoff)
{
    if (!is_in(0, LOADER_REACH, (uint64_t)handoff - HANDOFF_DIRECT_MAP, sizeof(*handoff)))
        bringup_fail("no handoff block from the loader");
    if (handoff->magic != HANDOFF_MAGIC)
        bringup_fail("no handoff block from the loader: wrong magic number");
    if (handoff->version != HANDOFF_VERSION || handoff->bytes < HANDOFF_BYTES_MIN)
        bringup_fail("handoff block of version %u with %u bytes, wanted version %u with %u",
                     (unsigned)handoff->version, (unsigned)handoff->bytes, HANDOFF_VERSION,
                     HANDOFF_BYTES_MIN);
}

// Nothing in the block is believed before these have seen it.
static void check_handoff(const struct handoff *handoff)
{
    uint64_t image_bytes = (uint64_t)(core_image_end - core_image_start);
    if (!is_loaders(handoff, handoff->tables, 0) || handoff->tables % CORE_FRAME_BYTES != 0 ||
        !is_loaders(handoff, handoff->tables - PT_RESERVE_BYTES, PT_RESERVE_BYTES) ||
        handoff->low_end > LOADER_REACH)
        bringup_fail("the loader's own memory from %#llx to %#llx, page tables from %#llx on, "
                     "makes no sense",
                     (unsigned long long)handoff->low_start, (unsigned long long)handoff->low_end,
                     (unsigned long long)handoff->tables);
    if (handoff->map_count == 0 || handoff->map_count > MAP_MAX ||
        !is_loaders(handoff, handoff->map, handoff->map_count * sizeof(struct handoff_range)))
        bringup_fail("the loader's memory map of %u entries makes no sense",
                     (unsigned)handoff->map_count);
    if (handoff->kernel_va != (uint64_t)core_image_start || handoff->kernel_bytes < image_bytes ||
        handoff->kernel_pa % CORE_FRAME_BYTES != 0)
        bringup_fail("the loader did not put the image where it belongs");
}

// A string of the loader's, cut to what fits and to where its memory ends; empty if there is
// none.
static void copy_string(char *out, size_t out_bytes, uint64_t pa)
{
    if (!is_loaders(&core_state.handoff, pa, 0))
        return;
    const char *from = (const char *)(HANDOFF_DIRECT_MAP + pa);
    size_t n = EXO_MIN(out_bytes - 1, core_state.handoff.low_end - pa);
    for (size_t i = 0; i < n && from[i]; i++)
        out[i] = from[i];
}

static void copy_handoff(const struct handoff *handoff)
{
    core_state.handoff = *handoff;
    copy_string(core_state.cmdline, sizeof(core_state.cmdline), handoff->cmdline);
    copy_string(core_state.loader, sizeof(core_state.loader), handoff->loader_name);
}

// First a voice, then a net below us, then what the loader knew; then page tables, by adopting
// its own. All else (frames, time, interrupts, PCI, NIC queues) begins when somebody asks for it.
void core_main(const struct handoff *handoff, uint64_t tsc)
{
    core_state.tsc_at_core = tsc;
    log_init();
    hal_desc_init();
    hal_extensions_init();
    frame_init(); // a report asks whose memory an address is
    check_version(handoff);
    check_handoff(handoff);
    copy_handoff(handoff);
    canary_init(core_state.handoff.seed ^ tsc);
    pt_init();
    core_state.log_has_heading = true;
    core_exit(exo_start());
}
