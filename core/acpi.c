// SPDX-License-Identifier: MIT
// acpi.c - finds the firmware's tables once, and keeps what is asked for again.
#include "core/acpi.h"

#include "core/log.h"
#include "core/pt.h"
#include "core/state.h"
#include "exo/err.h"
#include "hal/acpi_madt.h"
#include "hal/mp_table.h"

#define LIES_TOLD 8u                   // lines; a table can have more lies than a log has room
#define IOAPIC_PA UINT64_C(0xfec00000) // of a PC's first (Intel 82093AA data sheet, §3.0)

static const uint8_t *view(void *ctx, uint64_t pa, uint64_t bytes)
{
    (void)ctx;
    return pt_map_table((struct pa){pa}, bytes);
}

static void lie(void *ctx, const char *what, uint64_t where)
{
    (void)ctx;
    core_state.acpi_lies++;
    if (core_state.acpi_lies <= LIES_TOLD)
        core_log("core: firmware: %s (at %#llx)%s", what, (unsigned long long)where,
                 core_state.acpi_lies == LIES_TOLD ? "; no more of that is told" : "");
}

const struct hal_firmware acpi_firmware = {.view = view, .lie = lie};

static void find_root(void)
{
    uint64_t rsdp = core_state.handoff.rsdp;
    if (rsdp == 0)
        rsdp = hal_acpi_search(&acpi_firmware);
    if (rsdp == 0 || !hal_acpi_root(&acpi_firmware, rsdp, &core_state.acpi))
        core_state.acpi = (struct hal_acpi_root){.list = {NULL, 0}};
}

static bool find(const char *signature, uint32_t n, struct cspan *out)
{
    return core_state.acpi.list.ptr &&
           hal_acpi_find(&acpi_firmware, &core_state.acpi, signature, n, out);
}

static const char *find_apics(void)
{
    struct cspan madt;
    if (find("APIC", 0, &madt) && hal_acpi_madt(&acpi_firmware, madt, &core_state.apics))
        return "ACPI";
    uint64_t pointer = hal_mp_search(&acpi_firmware);
    if (pointer && hal_mp_table(&acpi_firmware, pointer, &core_state.apics))
        return "the MP table";
    hal_apics_init(&core_state.apics);
    hal_apics_add_cpu(&core_state.apics, hal_lapic_id(&core_state.lapic));
    hal_apics_add_ioapic(&core_state.apics, (struct hal_ioapic_place){.pa = IOAPIC_PA});
    return "nobody";
}

static void report(const char *source)
{
    const struct hal_apics *apics = &core_state.apics;
    core_log("core: %u CPUs and %u I/O APICs, told by %s", (unsigned)apics->cpu_count,
             (unsigned)apics->ioapic_count, source);
    if (apics->dropped)
        core_log("core: no room for %u CPUs, I/O APICs and wires more", (unsigned)apics->dropped);
}

// The lock is held for as long as reading takes, once; then nobody waits.
static void know(void)
{
    if (__atomic_load_n(&core_state.acpi_is_known, __ATOMIC_ACQUIRE))
        return;
    exo_lock_take(&core_state.acpi_lock);
    if (!core_state.acpi_is_known) {
        find_root();
        report(find_apics());
        __atomic_store_n(&core_state.acpi_is_known, true, __ATOMIC_RELEASE);
    }
    exo_lock_give(&core_state.acpi_lock);
}

int core_acpi_find(const char *signature, uint32_t n, struct cspan *out)
{
    know();
    return find(signature, n, out) ? 0 : -EXO_ENOENT;
}

const struct hal_apics *acpi_apics(void)
{
    know();
    return &core_state.apics;
}
