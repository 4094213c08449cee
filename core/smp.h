// SPDX-License-Identifier: MIT
// smp.h - CPUs as a primitive: counted, claimed, given a function to run, given back.
//
// The machine starts on one CPU, number 0, and belongs to it. The others are woken from their
// sleep by the first call of core_cpu_count or core_cpu_claim: an app that needs one CPU pays
// nothing for the rest. From then on each either runs what its owner gave it, or is parked:
// halted, until it is given something again.
//
//     claim ──► PARKED ── core_cpu_start ──► RUNNING ── its function returns ──► PARKED ──► release
//
// Every CPU sees the same memory, page tables and exceptions' vectors. Its interrupt lines
// (core/irq.h), its timer and its stacks are its own. No CPU is taken from its owner by force.
#ifndef CORE_SMP_H
#define CORE_SMP_H

#include "exo/types.h"

#define CORE_CPU_STACK_BYTES 65536u // of a CPU other than 0, with a guard page below

// How many CPUs are up: numbers 0 … count - 1. One that the firmware lists and that does not
// come up is named in the log, and has no number.
uint32_t core_cpu_count(void);

// Claims a parked CPU that nobody has. `owner` is a literal.
//
// Returns its number, or -EXO_ENOSPC if there is none.
int core_cpu_claim(const char *owner);

// Runs entry(arg) on a CPU that the caller has claimed and that is parked, on the CPU's own
// stack, interrupts off. When it returns, the CPU parks; it must own no interrupt line then.
void core_cpu_start(int cpu, void (*entry)(void *), void *arg);

// Has the function returned? What it wrote is seen by who hears so.
bool core_cpu_is_parked(int cpu);

// Gives a parked CPU back.
void core_cpu_release(int cpu);

// Makes every other CPU stand still for good, whatever it does, by NMI. For the end of the
// machine: locks that they hold stay taken. The first caller gets the machine; a second one, on
// another CPU, does not return. Returns how many did not answer in time.
uint32_t core_cpu_stop_others(void);

#endif
