// SPDX-License-Identifier: MIT
// mmio.h - device registers in memory: each access is one load or store of its width.
//
// The mapping must be uncached (core_pci_bar gives such a one). Registers are little
// endian, as the CPU is.
#ifndef HAL_MMIO_H
#define HAL_MMIO_H

#include <stdint.h>

static inline uint8_t hal_mmio_read8(const volatile void *reg)
{
    return *(const volatile uint8_t *)reg;
}

static inline uint16_t hal_mmio_read16(const volatile void *reg)
{
    return *(const volatile uint16_t *)reg;
}

static inline uint32_t hal_mmio_read32(const volatile void *reg)
{
    return *(const volatile uint32_t *)reg;
}

static inline void hal_mmio_write8(volatile void *reg, uint8_t value)
{
    *(volatile uint8_t *)reg = value;
}

static inline void hal_mmio_write16(volatile void *reg, uint16_t value)
{
    *(volatile uint16_t *)reg = value;
}

static inline void hal_mmio_write32(volatile void *reg, uint32_t value)
{
    *(volatile uint32_t *)reg = value;
}

// Two halves, low first: virtio 1.2 §4.1.3.1 asks for it, and no device refuses it.
static inline void hal_mmio_write64(volatile void *reg, uint64_t value)
{
    volatile uint32_t *half = (volatile uint32_t *)reg;
    half[0] = (uint32_t)value;
    half[1] = (uint32_t)(value >> 32);
}

#endif
