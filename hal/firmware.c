// SPDX-License-Identifier: MIT
// firmware.c - checksums, and structures that are found by their signature.
#include "hal/firmware.h"

#include <string.h>

#include "hal/le.h"

#define EBDA_SEGMENT_AT 0x40eu // the BIOS data area's word for it
#define EBDA_MIN        0x80000u
#define EBDA_END        0xa0000u
#define STEP            16u

bool hal_firmware_sum_is_zero(const uint8_t *bytes, size_t len)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

uint64_t hal_firmware_search(const struct hal_firmware *firmware, uint64_t start, uint64_t end,
                             const char *signature, size_t signature_bytes, size_t bytes)
{
    const uint8_t *area = firmware->view(firmware->ctx, start, end - start);
    if (!area)
        return 0;
    uint32_t begins = hal_le32((const uint8_t *)signature); // the whole is compared rarely
    for (uint64_t at = 0; at + bytes <= end - start; at += STEP) {
        if (hal_le32(area + at) == begins && memcmp(area + at, signature, signature_bytes) == 0 &&
            hal_firmware_sum_is_zero(area + at, bytes))
            return start + at;
    }
    return 0;
}

uint64_t hal_firmware_ebda(const struct hal_firmware *firmware)
{
    const uint8_t *word = firmware->view(firmware->ctx, EBDA_SEGMENT_AT, 2);
    uint64_t ebda = word ? (uint64_t)hal_le16(word) << 4 : 0;
    return ebda >= EBDA_MIN && ebda < EBDA_END ? ebda : 0;
}
