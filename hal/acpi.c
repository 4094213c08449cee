// SPDX-License-Identifier: MIT
// acpi.c - follows pointers between tables, believing none of them.
#include "hal/acpi.h"

#include <string.h>

#include "hal/le.h"

#define RSDP_BYTES    20u // revision 0; later ones go on
#define RSDP2_BYTES   36u
#define RSDP_REVISION 15 // offsets in the root pointer
#define RSDP_RSDT     16
#define RSDP_LENGTH   20
#define RSDP_XSDT     24

#define TABLE_LENGTH    4 // offset in a table's header
#define TABLE_BYTES_MAX (UINT32_C(4) << 20)

static bool fail(const struct hal_firmware *firmware, const char *what, uint64_t pa)
{
    firmware->lie(firmware->ctx, what, pa);
    return false;
}

uint64_t hal_acpi_search(const struct hal_firmware *firmware)
{
    return hal_firmware_search(firmware, "RSD PTR ", 8, RSDP_BYTES);
}

bool hal_acpi_table(const struct hal_firmware *firmware, uint64_t pa, const char *signature,
                    struct cspan *out)
{
    const uint8_t *header = firmware->view(firmware->ctx, pa, HAL_ACPI_HEADER_BYTES);
    if (!header)
        return fail(firmware, "a table lies where no memory is", pa);
    if (memcmp(header, signature, 4) != 0)
        return fail(firmware, "a table has the wrong signature", pa);
    uint32_t bytes = hal_le32(header + TABLE_LENGTH);
    if (bytes < HAL_ACPI_HEADER_BYTES || bytes > TABLE_BYTES_MAX)
        return fail(firmware, "a table's length cannot be", pa);
    const uint8_t *table = firmware->view(firmware->ctx, pa, bytes);
    if (!table)
        return fail(firmware, "a table reaches beyond memory", pa);
    if (!hal_firmware_sum_is_zero(table, bytes))
        return fail(firmware, "a table's checksum is wrong", pa);
    *out = (struct cspan){table, bytes};
    return true;
}

// Bytes of the root pointer that are there, 0 if it is none.
static uint32_t root_pointer_bytes(const struct hal_firmware *firmware, const uint8_t *rsdp,
                                   uint64_t pa)
{
    if (memcmp(rsdp, "RSD PTR ", 8) != 0 || !hal_firmware_sum_is_zero(rsdp, RSDP_BYTES)) {
        fail(firmware, "the root pointer is none", pa);
        return 0;
    }
    if (rsdp[RSDP_REVISION] < 2)
        return RSDP_BYTES;
    const uint8_t *whole = firmware->view(firmware->ctx, pa, RSDP2_BYTES);
    uint32_t bytes = whole ? hal_le32(whole + RSDP_LENGTH) : 0;
    if (bytes < RSDP2_BYTES || bytes > 4 * RSDP2_BYTES ||
        !(whole = firmware->view(firmware->ctx, pa, bytes)) ||
        !hal_firmware_sum_is_zero(whole, bytes)) {
        fail(firmware, "the second half of the root pointer is not sound", pa);
        return RSDP_BYTES;
    }
    return RSDP2_BYTES;
}

bool hal_acpi_root(const struct hal_firmware *firmware, uint64_t rsdp, struct hal_acpi_root *out)
{
    const uint8_t *pointer = firmware->view(firmware->ctx, rsdp, RSDP_BYTES);
    if (!pointer)
        return fail(firmware, "the root pointer lies where no memory is", rsdp);
    uint32_t bytes = root_pointer_bytes(firmware, pointer, rsdp);
    if (bytes == 0)
        return false;
    uint64_t rsdt = hal_le32(pointer + RSDP_RSDT);
    uint64_t xsdt = 0;
    if (bytes == RSDP2_BYTES)
        xsdt = hal_le64(firmware->view(firmware->ctx, rsdp, bytes) + RSDP_XSDT);

    out->entry_bytes = 8;
    if (xsdt && hal_acpi_table(firmware, xsdt, "XSDT", &out->list))
        return true;
    out->entry_bytes = 4;
    return rsdt && hal_acpi_table(firmware, rsdt, "RSDT", &out->list);
}

static bool has_signature(const struct hal_firmware *firmware, uint64_t pa, const char *signature)
{
    const uint8_t *header = firmware->view(firmware->ctx, pa, HAL_ACPI_HEADER_BYTES);
    return header && memcmp(header, signature, 4) == 0;
}

bool hal_acpi_find(const struct hal_firmware *firmware, const struct hal_acpi_root *root,
                   const char *signature, uint32_t n, struct cspan *out)
{
    for (size_t at = HAL_ACPI_HEADER_BYTES; at + root->entry_bytes <= root->list.len;
         at += root->entry_bytes) {
        const uint8_t *entry = root->list.ptr + at;
        uint64_t pa = root->entry_bytes == 8 ? hal_le64(entry) : hal_le32(entry);
        if (pa == 0 || !has_signature(firmware, pa, signature))
            continue;
        if (hal_acpi_table(firmware, pa, signature, out) && n-- == 0)
            return true;
    }
    return false;
}
