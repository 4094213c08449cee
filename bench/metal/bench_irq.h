// SPDX-License-Identifier: MIT
// bench_irq.h - an interrupt line for bench.c, and what is to be measured on it.
#ifndef BENCH_METAL_BENCH_IRQ_H
#define BENCH_METAL_BENCH_IRQ_H

void bench_irq_open(void);
void bench_irq_close(void);

// A round as bench.c repeats it: 256 interrupts, each sent, waited for and taken.
void bench_irq_wait(void);

#endif
