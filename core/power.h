// SPDX-License-Identifier: MIT
// power.h - switching the machine off, and starting it anew.
//
// Both are for the end of a machine (panic.h): devices are not told and nothing is saved.
// Other CPUs go down with the one that calls.
#ifndef CORE_POWER_H
#define CORE_POWER_H

// Switches off as ACPI says. Where the firmware names no way, or what it names does not
// work, the machine halts after a line that says so.
//
// Spec: ACPI 6.5 §7.4.2, §4.8.3.2 (SLP_TYP and SLP_EN), §4.8.3.7 (reduced hardware).
_Noreturn void core_power_off(void);

// Resets the machine: by the register that ACPI names, else the chipset's, else the keyboard
// controller's line, else by a fault that the CPU cannot report.
//
// Spec: ACPI 6.5 §4.8.3.6.
_Noreturn void core_power_reset(void);

// The last of these ways at once, needing nothing. For core itself.
_Noreturn void power_triple_fault(void);

#endif
