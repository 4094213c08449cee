// SPDX-License-Identifier: MIT
// pvclock.h - KVM's paravirtual clock, of which we want the rate of the time stamp counter.
//
// (Linux, Documentation/virt/kvm/x86/msr.rst, "MSR_KVM_SYSTEM_TIME_NEW".)
#ifndef HAL_PVCLOCK_H
#define HAL_PVCLOCK_H

#include <stdint.h>

// Written by the hypervisor. `version` is odd meanwhile.
struct hal_pvclock_page {
    uint32_t version;
    uint32_t reserved;
    uint64_t tsc_timestamp;
    uint64_t system_time_ns;
    uint32_t tsc_to_system_mul; // ns = (ticks << tsc_shift) * mul >> 32
    int8_t tsc_shift;           // negative: to the right
    uint8_t flags;
    uint8_t reserved2[2];
} __attribute__((aligned(32))); // so it crosses no page

// The TSC's ticks a second as KVM has them, or 0 without KVM. The page, which lies at
// physical address `page_pa`, is the hypervisor's only during the call.
uint64_t hal_pvclock_hz(volatile struct hal_pvclock_page *page, uint64_t page_pa);

#endif
