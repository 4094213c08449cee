// SPDX-License-Identifier: MIT
// barrier.h - the order in which a device sees what the CPU writes.
//
// On x86 stores are seen in program order and loads are not moved before older loads
// (Intel SDM vol. 3, "Memory Ordering in P6 and More Recent Processor Families"), so
// two of the three only stop the compiler. The full barrier is for "store, then load
// another location": the one pair that the CPU does reorder.
#ifndef HAL_BARRIER_H
#define HAL_BARRIER_H

// Stores before it are seen before stores after it.
static inline void hal_barrier_write(void)
{
    __asm__ volatile("" ::: "memory");
}

// Loads before it happen before loads after it.
static inline void hal_barrier_read(void)
{
    __asm__ volatile("" ::: "memory");
}

// Everything before it is seen before anything after it happens.
static inline void hal_barrier_full(void)
{
    __asm__ volatile("mfence" ::: "memory");
}

#endif
