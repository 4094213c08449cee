// SPDX-License-Identifier: MIT
// ap_start.c - lays out the frames that a second CPU starts in.
#include "hal/ap_start.h"

#include <stddef.h>
#include <string.h>

#include "hal/cpu.h"
#include "hal/extensions.h"

#define PAGE_BYTES   4096u
#define ENTRIES      512u
#define PAGE_PRESENT UINT64_C(0x01)
#define PAGE_LARGE   UINT64_C(0x80)

#define EFER_ACTIVE UINT64_C(0x400) // long mode is active: the CPU's own to set

#define CODE_SELECTOR 0x08u
#define GDT_CODE      UINT64_C(0x00af9b000000ffff) // as in desc.c
#define GDT_DATA      UINT64_C(0x00cf93000000ffff)

// From ap_start.asm: what is copied, where long mode begins in it, and what stays behind.
extern const uint8_t hal_ap_code[], hal_ap_code_end[], hal_ap_long[];
void hal_ap_enter(void);

_Static_assert(offsetof(struct hal_ap_facts, efer) == 24, "ap_start.asm reads it there");
_Static_assert(offsetof(struct hal_ap_facts, enter) == 72, "ap_start.asm reads it there");
_Static_assert(offsetof(struct hal_ap_facts, main) == 96, "ap_start.asm reads it there");
_Static_assert(HAL_AP_FACTS + sizeof(struct hal_ap_facts) <= PAGE_BYTES, "one frame");

// Of CPU 0's table only the half above: what an owner has mapped at low addresses is not
// needed on the way, and would be in it.
static void fill_tables(uint64_t *tables, uint64_t pa, const uint64_t *top_table)
{
    memset(tables, 0, (HAL_AP_FRAMES - 1) * PAGE_BYTES);
    memcpy(tables + ENTRIES / 2, top_table + ENTRIES / 2, PAGE_BYTES / 2);
    tables[0] = (pa + 2 * PAGE_BYTES) | PAGE_PRESENT;
    tables[ENTRIES] = (pa + 3 * PAGE_BYTES) | PAGE_PRESENT;
    tables[2 * ENTRIES] = PAGE_PRESENT | PAGE_LARGE;
}

struct hal_ap_facts *hal_ap_prepare(void *frames, uint64_t pa, const uint64_t *top_table)
{
    uint8_t *code = frames;
    struct hal_ap_facts *facts = (struct hal_ap_facts *)(code + HAL_AP_FACTS);
    memcpy(code, hal_ap_code, (size_t)(hal_ap_code_end - hal_ap_code));
    fill_tables((uint64_t *)(code + PAGE_BYTES), pa, top_table);

    uint32_t at = (uint32_t)pa;
    *facts = (struct hal_ap_facts){
        .tables = at + PAGE_BYTES,
        .far = {at + (uint32_t)(hal_ap_long - hal_ap_code), CODE_SELECTOR},
        .gdt_limit = (uint32_t)(sizeof(facts->gdt) - 1) << 16,
        .gdt_base = at + HAL_AP_FACTS + (uint32_t)offsetof(struct hal_ap_facts, gdt),
        .efer = hal_msr_read(HAL_MSR_EFER) & ~EFER_ACTIVE,
        .cr0 = hal_cr0_read(),
        .cr3 = hal_cr3_read(),
        .cr4 = hal_cr4_read(),
        .pat = hal_msr_read(HAL_MSR_PAT),
        .xcr0 = hal_xcr0_read_if_any(),
        .enter = (uint64_t)hal_ap_enter,
        .gdt = {0, GDT_CODE, GDT_DATA},
    };
    return facts;
}
