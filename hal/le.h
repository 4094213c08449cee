// SPDX-License-Identifier: MIT
// le.h - little-endian numbers out of bytes of any alignment, as firmware tables have them.
#ifndef HAL_LE_H
#define HAL_LE_H

#include <stdint.h>

static inline uint16_t hal_le16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t hal_le32(const uint8_t *at)
{
    return hal_le16(at) | (uint32_t)hal_le16(at + 2) << 16;
}

static inline uint64_t hal_le64(const uint8_t *at)
{
    return hal_le32(at) | (uint64_t)hal_le32(at + 4) << 32;
}

#endif
