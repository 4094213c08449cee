// SPDX-License-Identifier: MIT
// firmware.c - checksums, and structures that are found by their signature.
#include "hal/firmware.h"

#include <string.h>

#include "exo/bits.h"
#include "hal/le.h"

#define EBDA_SEGMENT_AT 0x40eu // the BIOS data area's word for it
#define EBDA_MIN        0x80000u
#define EBDA_END        0xa0000u
#define BASE_MEMORY_END 0xa0000u
#define BIOS_LOWER      0xe0000u
#define BIOS_UPPER      0xf0000u
#define BIOS_BYTES      0x10000u // of each
#define KIB             1024u
#define STEP            16u

bool hal_firmware_sum_is_zero(const uint8_t *bytes, size_t len)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

struct area {
    uint64_t start, bytes;
};

// Without one it is empty.
static struct area ebda(const struct hal_firmware *firmware)
{
    const uint8_t *word = firmware->view(firmware->ctx, EBDA_SEGMENT_AT, 2);
    uint64_t start = word ? (uint64_t)hal_le16(word) << 4 : 0;
    return (struct area){start, start - EBDA_MIN < EBDA_END - EBDA_MIN ? KIB : 0};
}

// Where it is in `seen`, which is what lies there; null if it is not.
static const uint8_t *search(const uint8_t *seen, uint64_t seen_bytes, const char *signature,
                             size_t signature_bytes, size_t bytes)
{
    uint32_t begins = hal_le32((const uint8_t *)signature); // the whole is compared rarely
    for (const uint8_t *at = seen; at + bytes <= seen + seen_bytes; at += STEP) {
        if (hal_le32(at) == begins && memcmp(at, signature, signature_bytes) == 0 &&
            hal_firmware_sum_is_zero(at, bytes))
            return at;
    }
    return NULL;
}

uint64_t hal_firmware_search(const struct hal_firmware *firmware, const char *signature,
                             size_t signature_bytes, size_t bytes)
{
    const struct area areas[] = {
        ebda(firmware),
        {BASE_MEMORY_END - KIB, KIB},
        {BIOS_UPPER, BIOS_BYTES},        // most of it is here
        {BIOS_LOWER, BIOS_BYTES + STEP}, // what begins at its end reaches into the other
    };
    for (const struct area *area = areas; area < areas + EXO_COUNT(areas); area++) {
        const uint8_t *seen = firmware->view(firmware->ctx, area->start, area->bytes);
        const uint8_t *found =
            seen ? search(seen, area->bytes, signature, signature_bytes, bytes) : NULL;
        if (found)
            return area->start + (uint64_t)(found - seen);
    }
    return 0;
}
