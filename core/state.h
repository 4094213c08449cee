// SPDX-License-Identifier: MIT
// state.h - all mutable state of core, in one place and one struct.
//
// Zeroed by the loader. Each member belongs to the file that is named beside it.
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "core/clock_scale.h"
#include "core/cpu.h"
#include "core/direct_map.h"
#include "core/flow.h"
#include "core/frame_pool.h"
#include "core/gsi.h"
#include "core/gsi_map.h"
#include "core/guard.h"
#include "core/handoff.h"
#include "core/image.h"
#include "core/log_ring.h"
#include "core/memmap.h"
#include "core/mmio.h"
#include "core/nicq.h"
#include "core/once.h"
#include "core/owner.h"
#include "core/pci_walk.h"
#include "core/pt_tree.h"
#include "core/rng.h"
#include "core/screen.h"
#include "exo/bits.h"
#include "exo/lock.h"
#include "exo/seal.h"
#include "exo/types.h"
#include "hal/acpi.h"
#include "hal/acpi_places.h"
#include "hal/apics.h"
#include "hal/lapic.h"
#include "hal/pvclock.h"
#include "hal/uart.h"
#include "hal/vectors.h"

#define CORE_CMDLINE_BYTES 1024
#define CORE_LOADER_BYTES  64

#define CORE_PCI_MAX  256 // functions remembered; more are counted and reported
#define CORE_ECAM_MAX 8   // ranges of buses in memory; more are reported

struct core_state {
    struct core_cpu boot_cpu; // first: entry.asm points GS at it

    // smp.c, shootdown.c
    struct core_cpu *cpus[HAL_CPUS_MAX]; // by number; empty until somebody asks for them
    uint32_t cpu_count;                  // that came up; 0 until then
    uint32_t cpus_running;               // beside CPU 0, and not parked
    struct exo_lock cpu_lock;
    struct exo_lock shootdown_lock;
    struct core_cpu *stopper; // whoever called core_cpu_stop_others first
    uint32_t cpus_lost;       // how many did not answer it, for the report

    // frame.c
    struct exo_lock frames_lock; // guards all of frame.c's, owner.c's and direct_map.c's
    bool frames_known;           // the loader's map has been read, or is being read
    struct frame_pool frames;
    struct core_owner app, core;               // stand for a null owner, and for core itself
    struct core_owner *owners[CORE_OWNER_MAX]; // null in a free slot

    // revoke.c
    struct exo_lock revoke_lock; // held while frames are being taken
    struct core_owner *revoked;  // from whom

    // direct_map.c
    struct pa direct_reserve[DIRECT_MAP_RESERVE];
    uint32_t direct_reserve_count;

    // pt.c
    struct exo_lock pt_lock; // guards the tables but for the direct map's, and what follows
    uint64_t *spare_tables;  // a chain of empty tables kept for the next mapping
    uint32_t spare_count;
    uint32_t last_tables; // pages of the loader's that a report may still use as tables
    struct pt_hand pt_hand;

    // guard.c
    struct exo_lock guard_lock;
    struct core_guard {
        uint64_t start, end;
        core_guard_explain *explain; // null in a free slot
        void *ctx;
    } guards[CORE_GUARD_MAX];

    // clock.c, irq.c
    struct clock_scale clock; // hz is 0 until somebody asks for time
    const char *clock_source; // who told its rate
    struct hal_lapic lapic;
    struct hal_lapic_instant lapic_begin; // when its count began
    struct hal_pvclock_page pvclock;      // the hypervisor's, for a moment
    struct exo_lock irq_lock;
    uint64_t lines_claimed; // bit n: interrupt line n has an owner
    struct core_line {
        const char *owner;    // null while it is free
        struct core_cpu *cpu; // that claimed it, and takes its interrupts
    } lines[HAL_LINE_COUNT];

    // acpi.c
    uint32_t acpi_lies;
    struct once acpi_known;
    struct hal_acpi_root acpi; // its list is null where there is no ACPI
    struct once apics_known;
    struct hal_apics apics;
    const char *apics_source;

    // pci_config.c
    struct exo_lock pci_ports_lock; // from the choice of a register to its access
    struct once ecams_known;
    uint32_t ecam_count;
    struct hal_ecam ecams[CORE_ECAM_MAX];

    // pci.c
    struct once pci_known;
    struct exo_lock pci_lock; // guards the owners
    uint32_t pci_count;
    struct core_pci_function pci[CORE_PCI_MAX];
    const char *pci_owners[CORE_PCI_MAX]; // null while nobody has it

    // mmio.c
    struct exo_lock mmio_lock; // guards the windows
    struct core_mmio_window {
        uint64_t start, end;
        const char *owner; // null in a free slot
    } mmio[CORE_MMIO_MAX];

    // gsi.c
    struct once gsis_known;
    struct gsi_map gsis;
    struct exo_lock gsi_lock; // guards what follows, and an I/O APIC's two registers
    uint64_t gsis_claimed[CORE_GSI_MAX / 64]; // bit n of all: wire n has an owner

    // nicq.c, flow.c
    struct exo_lock nicqs_lock;            // of both
    struct core_nicq nicqs[CORE_NICQ_MAX]; // owner is null in a free slot
    struct core_flow *flows;               // all that are bound, in no order

    struct core_random {
        struct exo_lock lock;
        bool is_seeded;
        uint32_t bits;  // what the seed is worth
        uint64_t given; // bytes since the last seed
        struct rng rng;
    } random;

    // log.c
    struct exo_lock console_lock;
    struct hal_uart console;
    struct log_ring log;
    bool log_has_heading; // to be written before the next line

    // panic.c, report.c
    uint32_t reporter; // 1 + the APIC id of the CPU that reports; 0: nobody
    uint64_t died_at;  // time stamp counter when it began to
    uint32_t reports;  // how often it has begun to; the second time ends the machine at once
    bool on_screen;    // where its words go now
    struct screen screen;

    // From here on sealed: written while core starts, read-only once core_seal was called.

    // core_main.c: what the loader said
    _Alignas(EXO_SEAL_BYTES) struct handoff handoff;
    uint64_t tsc_at_core; // when core's first instructions ran
    char cmdline[CORE_CMDLINE_BYTES];
    char loader[CORE_LOADER_BYTES];

    struct memmap memmap;   // frame_know.c: usable memory less the kernel's own
    uint64_t direct_frames; // direct_map.c: what direct_map_frames said of it
    int page_level_max;     // 2 where the CPU has pages of 1 GiB, else 1
    uint64_t *pml4;         // pt_own.c
};

extern struct core_state core_state;

_Static_assert(offsetof(struct core_state, boot_cpu) == 0, "entry.asm counts on it");
_Static_assert(sizeof(struct core_state) % EXO_SEAL_BYTES == 0, "seal.c takes the rest of it");

// The end of the image as it was loaded; of the linked one while the loader is unheard.
static inline const uint8_t *core_image_limit(void)
{
    uint64_t linked_bytes = (uint64_t)(core_image_end - core_image_start);
    return core_image_start + EXO_MAX(core_state.handoff.kernel_bytes, linked_bytes);
}

#endif
