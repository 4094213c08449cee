// SPDX-License-Identifier: MIT
// port.h - the I/O ports: one instruction each, never reordered by the compiler.
#ifndef HAL_PORT_H
#define HAL_PORT_H

#include <stdint.h>

static inline uint8_t hal_in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %w1, %b0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint16_t hal_in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %w1, %w0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint32_t hal_in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %w1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void hal_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %b0, %w1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void hal_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %w0, %w1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void hal_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %w1" ::"a"(value), "Nd"(port) : "memory");
}

#endif
