// SPDX-License-Identifier: MIT
// run_cpu.c - a CPU's whole life under a scheduler, and how its end is told.
#include "sdk/glue/run_cpu.h"

#include "core/irq.h"
#include "core/smp.h"
#include "sdk/glue/local.h"

// Either this CPU sees that somebody waits, or that one, in `arm`, that this has ended: each
// stores its own word before it loads the other's, in one order for both.
static void tell_end(struct run_cpu *run)
{
    __atomic_store_n(&run->ended, 1, __ATOMIC_SEQ_CST);
    int irq = __atomic_load_n(&run->irq, __ATOMIC_SEQ_CST);
    if (irq >= 0)
        core_irq_raise(irq);
}

static void live(void *arg)
{
    struct run_cpu *run = arg;
    struct local local;
    local_begin(&local);
    run->result = spawn(run->name, run->fn, run->arg);
    if (run->result == 0)
        sched_run(run_sched());
    tell_end(run);
}

int run_cpu_start(struct run_cpu *run, const char *name, void (*fn)(void *), void *arg)
{
    int cpu = core_cpu_claim(name);
    if (cpu < 0)
        return cpu;
    *run = (struct run_cpu){.cpu = cpu, .name = name, .fn = fn, .arg = arg, .irq = -1};
    core_cpu_start(cpu, live, run);
    return cpu;
}

static bool has_ended(const struct run_cpu *run)
{
    return __atomic_load_n(&run->ended, __ATOMIC_SEQ_CST);
}

static bool arm(void *ctx)
{
    return has_ended(ctx);
}

static void disarm(void *ctx, bool arrived)
{
    struct run_cpu *run = ctx;
    if (core_irq_take(run->irq) || arrived)
        event_signal(&run->joined);
}

static void wait_for_end(struct run_cpu *run)
{
    event_init(&run->joined);
    run->idle = (struct idle_source){.arm = arm, .disarm = disarm, .ctx = run};
    idle_add(&run->idle);
    while (!has_ended(run))
        event_wait(run_sched(), &run->joined, event_mark(&run->joined), EXO_NS_NEVER);
    idle_remove(&run->idle);
}

// Its last instructions: it has told its end, perhaps with an interrupt, and is on its way to
// the halt.
static void wait_until_parked(int cpu)
{
    while (!core_cpu_is_parked(cpu))
        __builtin_ia32_pause();
}

int run_cpu_join(struct run_cpu *run)
{
    int irq = core_irq_claim(run->name);
    if (irq >= 0) {
        __atomic_store_n(&run->irq, irq, __ATOMIC_SEQ_CST);
        wait_for_end(run);
    }
    while (!has_ended(run)) // no line is free to be woken by: look again and again
        task_yield(run_sched());
    wait_until_parked(run->cpu);
    if (irq >= 0)
        core_irq_release(irq);
    core_cpu_release(run->cpu);
    return run->result;
}
