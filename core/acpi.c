// SPDX-License-Identifier: MIT
// acpi.c - finds the firmware's tables once, and keeps what is asked for again.
#include "core/acpi.h"

#include "core/bringup.h"
#include "core/log.h"
#include "core/once.h"
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

int core_acpi_find(const char *signature, uint32_t n, struct cspan *out)
{
    if (once_begin(&core_state.acpi_known)) {
        find_root();
        once_end(&core_state.acpi_known);
    }
    bool found = core_state.acpi.list.ptr &&
                 hal_acpi_find(&acpi_firmware, &core_state.acpi, signature, n, out);
    return found ? 0 : -EXO_ENOENT;
}

static const char *find_apics(void)
{
    struct cspan madt;
    if (core_acpi_find("APIC", 0, &madt) == 0 &&
        hal_acpi_madt(&acpi_firmware, madt, &core_state.apics))
        return "ACPI";
    uint64_t pointer = hal_mp_search(&acpi_firmware);
    if (pointer && hal_mp_table(&acpi_firmware, pointer, &core_state.apics))
        return "the MP table";
    hal_apics_init(&core_state.apics);
    lapic_know();
    hal_apics_add_cpu(&core_state.apics, core_state.boot_cpu.apic_id);
    hal_apics_add_ioapic(&core_state.apics, (struct hal_ioapic_place){.pa = IOAPIC_PA});
    core_log("core: no ACPI and no MP table; one CPU and an I/O APIC at %#llx assumed",
             (unsigned long long)IOAPIC_PA);
    return "nobody";
}

const struct hal_apics *acpi_apics(void)
{
    if (once_begin(&core_state.apics_known)) {
        core_state.apics_source = find_apics();
        if (core_state.apics.dropped)
            core_log("core: no room for %u CPUs, I/O APICs and wires more",
                     (unsigned)core_state.apics.dropped);
        once_end(&core_state.apics_known);
    }
    return &core_state.apics;
}

const char *acpi_apics_source(void)
{
    acpi_apics();
    return core_state.apics_source;
}

bool acpi_fadt(struct hal_acpi_fadt *out)
{
    struct cspan table;
    if (core_acpi_find("FACP", 0, &table) < 0)
        return false;
    hal_acpi_fadt(&acpi_firmware, table, out);
    return true;
}

bool acpi_code(uint32_t n, struct cspan *out)
{
    struct hal_acpi_fadt fadt;
    if (n > 0)
        return core_acpi_find("SSDT", n - 1, out) == 0;
    return acpi_fadt(&fadt) && fadt.dsdt && hal_acpi_table(&acpi_firmware, fadt.dsdt, "DSDT", out);
}

int core_acpi_device(const char *hid, uint32_t n, struct hal_acpi_device *out)
{
    struct cspan code;
    for (uint32_t table = 0; acpi_code(table, &code); table++) {
        if (hal_acpi_device(code, hid, &n, out))
            return 0;
    }
    return -EXO_ENOENT;
}

bool acpi_is_under_way(void)
{
    return once_is_under_way(&core_state.acpi_known);
}
