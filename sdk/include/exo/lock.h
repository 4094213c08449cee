// SPDX-License-Identifier: MIT
// lock.h - a spin lock between CPUs: for a few instructions at a time, never across a wait.
//
// An interrupt stub sets a bit and takes no lock, so a holder need not shut interrupts off.
// Not recursive. Zeroed memory is an open lock.
#ifndef EXO_LOCK_H
#define EXO_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct exo_lock {
    uint32_t taken; // 1 while somebody holds it
};

static inline bool exo_lock_try(struct exo_lock *lock)
{
    // The lowest bit alone, which the compiler makes one locked bit-test-and-set of.
    return (__atomic_fetch_or(&lock->taken, 1, __ATOMIC_ACQUIRE) & 1) == 0;
}

// Waits by reading only, so that the holder's cache line is not torn at.
static inline void exo_lock_take(struct exo_lock *lock)
{
    while (__builtin_expect(!exo_lock_try(lock), 0))
        while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED))
            __builtin_ia32_pause();
}

static inline void exo_lock_give(struct exo_lock *lock)
{
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

#endif
