// SPDX-License-Identifier: MIT
// report.c - the frame around every report, and what all of them say.
#include "core/report.h"

#include <stdio.h>
#include <string.h>

#include "core/bringup.h"
#include "core/clock.h"
#include "core/image.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/pt.h"
#include "core/screen.h"
#include "core/smp.h"
#include "core/state.h"
#include "core/trace.h"
#include "exo/bits.h"
#include "hal/cpu.h"

#define NAME_BYTES     32u
#define LAST_LINES     12u
#define BUILD_ID_BYTES 20u // SHA-1, what --build-id gives

typedef unsigned long long word; // what printf's %llx takes

// An ELF note as the linker makes it (System V ABI, "Note Section").
struct build_note {
    uint32_t name_bytes; // 4
    uint32_t id_bytes;
    uint32_t type; // 3
    char name[4];  // "GNU"
    uint8_t id[BUILD_ID_BYTES];
};

extern const struct build_note core_build_note; // kernel.ld

// ---- who may speak ----

// Which CPU runs, by registers alone: core's own block may be what is broken.
static uint32_t cpu_id(void)
{
    uint32_t topology_id = hal_cpuid_if_any(0xb, 0).edx;
    return topology_id ? topology_id : hal_cpuid(1, 0).ebx >> 24;
}

bool report_has_begun(void)
{
    return __atomic_load_n(&core_state.reporter, __ATOMIC_RELAXED) != 0;
}

void report_make_way(void)
{
    uint32_t reporter = __atomic_load_n(&core_state.reporter, __ATOMIC_RELAXED);
    if (reporter != 0 && reporter != cpu_id() + 1)
        hal_halt_forever();
}

static void print_hex(uint64_t value)
{
    char digits[16];
    for (int i = 15; i >= 0; i--, value >>= 4)
        digits[i] = "0123456789abcdef"[value & 15];
    core_console_write(digits, sizeof(digits));
}

// Whoever dies while dying says so in a line that needs no memory, and then not even that.
static _Noreturn void die_again(const struct report *r, uint32_t depth)
{
    static const char again[] = "\nexocore: the report itself failed at ";
    core_state.on_screen = false;
    if (depth == 1) {
        core_console_write(again, sizeof(again) - 1);
        print_hex(r->rip);
        core_console_write("\n", 1);
        panic_end(r->status);
    }
    panic_end_at_once(r->status);
}

// Returns once in the life of the machine.
static void begin(const struct report *r)
{
    uint32_t nobody = 0;
    __atomic_compare_exchange_n(&core_state.reporter, &nobody, cpu_id() + 1, false,
                                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    report_make_way();
    uint32_t depth = core_state.reports++;
    if (depth > 0)
        die_again(r, depth);
    core_state.died_at = hal_tsc();
}

// The locks that a report, and the end after it, may meet. Who held one has stopped, here in the
// middle of something or on another CPU: what it guards may be half changed, but nobody waits.
static void break_locks(void)
{
    struct exo_lock *const locks[] = {
        &core_state.pt_lock,        // the screen is mapped
        &core_state.frames_lock,    // tables for that, and whose a frame is
        &core_state.shootdown_lock, // nobody is left to be told
        &core_state.pci_ports_lock, // a reset may be a PCI register's
    };
    for (size_t i = 0; i < EXO_COUNT(locks); i++)
        exo_lock_give(locks[i]);
}

void report(const struct report *r)
{
    hal_irq_off();
    begin(r);
    core_state.cpus_lost = core_cpu_stop_others();
    break_locks();
    r->tell(r);
    if (screen_open(&core_state.screen)) {
        core_state.on_screen = true;
        r->tell(r);
        core_state.on_screen = false;
    }
    panic_end(r->status);
}

// ---- what is said ----

void report_vprint(const char *format, va_list args)
{
    char text[LOG_LINE_BYTES];
    size_t len = log_format(text, format, args);
    if (core_state.on_screen)
        screen_write(&core_state.screen, text, len);
    else
        core_console_write(text, len);
}

void report_print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report_vprint(format, args);
    va_end(args);
}

void report_name(const char *name)
{
    char text[NAME_BYTES + 1];
    size_t len = 0;
    while (len < NAME_BYTES && trace_is_readable((uint64_t)(name + len)) && name[len] >= ' ' &&
           name[len] <= '~') {
        text[len] = name[len];
        len++;
    }
    text[len] = '\0';
    report_print("%s", len ? text : "?");
}

// The moment of death, the same each time that it is told. A report starts no clock: where
// nobody asked for the time, there are ticks.
static void print_uptime(void)
{
    if (clock_is_running()) {
        exo_ns at_us = clock_scale_ns(&core_state.clock, core_state.died_at) / 1000;
        report_print("%llu.%06llu s", (word)(at_us / 1000000), (word)(at_us % 1000000));
    } else {
        report_print("%llu ticks of the CPU",
                     (word)(core_state.died_at - core_state.handoff.tsc_at_entry));
    }
}

static void print_who(void)
{
    const struct core_cpu *cpu = hal_msr_read(HAL_MSR_GS_BASE) ? core_cpu_self() : NULL;
    report_print("on CPU %u, ", cpu ? (unsigned)cpu->index : 0);
    const char *task = cpu && cpu->running ? cpu->running() : NULL;
    if (task) {
        report_print("in task ");
        report_name(task);
        report_print(", ");
    }
    print_uptime();
    report_print(" after the start; booted by %s\n",
                 core_state.loader[0] ? core_state.loader : "an unknown loader");
}

static void print_image(void)
{
    report_print("image ");
    for (uint32_t i = 0; i < BUILD_ID_BYTES; i++)
        report_print("%02x", core_build_note.id[i]);
    report_print(" at 0x%llx\n", (word)core_image_start);
}

// What the others did when they were stopped; those that were parked did nothing.
static void print_others(void)
{
    for (uint32_t i = 0; i < core_state.cpu_count; i++) {
        const struct core_cpu *cpu = core_state.cpus[i];
        if (!cpu->stopped.done || cpu->state != CORE_CPU_RUNNING)
            continue;
        report_print("CPU %u was at %016llx", (unsigned)i, (word)cpu->stopped.rip);
        trace_name(cpu->stopped.rip);
        report_print("\n");
    }
    if (core_state.cpus_lost)
        report_print("%u CPUs run on: they take no NMI\n", (unsigned)core_state.cpus_lost);
}

void report_context(void)
{
    print_who();
    print_image();
    print_others();
}

void report_last_lines(void)
{
    char lines[LOG_RING_BYTES];
    size_t len = log_ring_tail(&core_state.log, LAST_LINES, lines);
    if (len == 0)
        return;
    report_print("last lines before this:\n");
    for (size_t at = 0; at < len;) {
        const char *newline = memchr(lines + at, '\n', len - at);
        size_t run = newline ? (size_t)(newline - (lines + at)) : len - at;
        report_print("| %.*s\n", (int)run, lines + at);
        at += run + 1;
    }
}
