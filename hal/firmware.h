// SPDX-License-Identifier: MIT
// firmware.h - reading what the firmware left in memory, none of which is believed.
//
// The parsers of its tables (acpi.h, acpi_madt.h, mp_table.h, …) are pure: memory is a
// function handed in, and so is whoever wants to hear of lies. A table that lies about its
// length, its checksum or an address is not there.
#ifndef HAL_FIRMWARE_H
#define HAL_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hal_firmware {
    // Where bytes [pa, pa + bytes) can be read, from now on; null if they cannot.
    const uint8_t *(*view)(void *ctx, uint64_t pa, uint64_t bytes);
    // Takes note of something that cannot be true; `where` is a physical address or, of an
    // entry, its offset in its table.
    void (*lie)(void *ctx, const char *what, uint64_t where);
    void *ctx;
};

// Do the bytes add up to zero, as a table's do?
bool hal_firmware_sum_is_zero(const uint8_t *bytes, size_t len);

// Looks for a structure where a BIOS leaves its own: in the first KiB of the extended BIOS data
// area, in the last KiB of base memory, and in E0000h … FFFFFh; on a 16-byte boundary, beginning
// with `signature` (`signature_bytes` of it, four or more), its first `bytes` adding up to zero.
// Returns its address or 0.
uint64_t hal_firmware_search(const struct hal_firmware *firmware, const char *signature,
                             size_t signature_bytes, size_t bytes);

#endif
