// SPDX-License-Identifier: MIT
// machine_check.h - what the CPU noted of errors in its hardware (Intel SDM vol. 3, "Machine-Check
// Architecture"): a bank of registers for each of its parts.
#ifndef HAL_MACHINE_CHECK_H
#define HAL_MACHINE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

struct hal_machine_check {
    uint32_t bank;    // which part, by the CPU's manual
    uint64_t status;  // IA32_MCi_STATUS: the kind of error in the low half, flags in the high one
    uint64_t address; // where in memory, 0 if the bank does not know
};

// The first error noted in bank `from` or a later one. False if there is none.
bool hal_machine_check_find(uint32_t from, struct hal_machine_check *out);

#endif
