// SPDX-License-Identifier: MIT
// net_task.c - brings a stack up on a NIC and drives it.
#include "sdk/glue/net_task.h"

#include "core/clock.h"
#include "core/frame.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/random.h"
#include "dev/nic.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "netstack/socket.h"
#include "sdk/glue/idle_wait.h"
#include "sdk/glue/link_nic.h"
#include "sdk/glue/local.h"
#include "sdk/glue/random_device.h"
#include "sdk/glue/run.h"

#include <stdlib.h>

// Received frames in one poll: enough to pay for the poll, few enough that the tasks
// they wake soon have their turn.
#define POLL_BUDGET 64u

#define LARGE_PAGE_FRAMES 512u

// The transmit ring has no interrupt of its own: when it is full, look again this soon.
#define TX_RETRY_NS EXO_US(100)

struct net_task {
    struct net *net;
    struct net_config config;
    struct link_nic link;
    struct idle_source idle; // wakes the task when a frame ends a halt
    struct task *task;       // null until it has run for the first time
    struct pa memory;        // the stack's frames
    uint64_t memory_frames;
    struct event address;   // signalled when the stack gets its first address
    struct event ended;     // signalled when the task has ended
    uint64_t switches_then; // when it last yielded without work: the scheduler's switches,
    uint64_t yields_then;   // and the CPU's net_yields
    bool yielded;           // its last turn ended so
    bool running;           // the task has not ended
    bool stopping;          // it is asked to
};

// --- the task --------------------------------------------------------------------

static void signal_ready(struct net_task *nt)
{
    struct socket *s;
    while ((s = net_ready(nt->net)) != NULL) {
        struct event *event = socket_user(s);
        if (event) // else: accepted, and not yet taken over by sock.c
            event_signal(event);
    }
    if (!list_is_empty(&nt->address.waiters) && !ip4_is_any(net_addr(nt->net).addr))
        event_signal(&nt->address);
}

// When to look again if no frame arrives and nobody kicks. With frames that the device did not
// take the stack would have its next turn at once, which helps neither.
static exo_ns next_look(const struct net_task *nt, exo_ns now)
{
    return nt->link.tx_full ? now + TX_RETRY_NS : net_deadline(nt->net);
}

// Has anybody but stacks without work run since this stack last yielded without work? If
// not, yielding once more only keeps such stacks awake in turns.
static bool somebody_ran(const struct net_task *nt, const struct sched *sched)
{
    uint64_t switches = sched->switches - nt->switches_then;
    uint64_t by_stacks = local_self()->net_yields - nt->yields_then;
    return !nt->yielded || switches != by_stacks;
}

static void yield_without_work(struct net_task *nt, struct sched *sched)
{
    nt->switches_then = sched->switches;
    nt->yields_then = local_self()->net_yields++;
    nt->yielded = true;
    task_yield(sched);
}

// As long as others run, it runs too, once between all of them: they may have queued
// something, and frames arrive. Only alone and without work does it stop.
static void drive(void *arg)
{
    struct net_task *nt = arg;
    struct sched *sched = run_sched();
    nt->task = task_self(sched);
    while (!nt->stopping) {
        exo_ns now = core_clock_now();
        uint32_t moved = net_poll(nt->net, now, POLL_BUDGET);
        signal_ready(nt);
        exo_ns next = next_look(nt, now);
        if (moved != 0 || next <= now) {
            nt->yielded = false;
            task_yield(sched);
        } else if (sched_has_ready(sched) && somebody_ran(nt, sched)) {
            yield_without_work(nt, sched);
        } else {
            nt->yielded = false;
            task_park(sched, next);
        }
    }
    nt->task = NULL;
    nt->running = false;
    event_signal(&nt->ended);
}

void net_task_kick(struct net_task *nt)
{
    if (nt->task)
        task_wake(nt->task);
}

// --- idle ------------------------------------------------------------------------

static bool arm(void *ctx)
{
    struct net_task *nt = ctx;
    return nt->link.nic && nic_irq_arm(nt->link.nic);
}

static void disarm(void *ctx, bool arrived)
{
    struct net_task *nt = ctx;
    if (!nt->link.nic)
        return;
    nic_irq_disarm(nt->link.nic);
    bool interrupted = core_irq_take(nt->link.nic->irq);
    if (arrived || interrupted || nt->link.nic->broken)
        net_task_kick(nt);
}

// --- starting and stopping -------------------------------------------------------

// What is large begins on a large page, if it can: then the little of it that is used lies in
// one, and the pieces before it are left for what is small.
static int claim_memory(struct net_task *nt)
{
    nt->memory_frames = (net_bytes(&nt->config) + CORE_FRAME_BYTES - 1) / CORE_FRAME_BYTES;
    if (nt->memory_frames >= LARGE_PAGE_FRAMES &&
        core_frame_claim(NULL, nt->memory_frames, LARGE_PAGE_FRAMES, &nt->memory) == 0)
        return 0;
    return core_frame_claim(NULL, nt->memory_frames, 1, &nt->memory);
}

// Half as much each time that there is no such run: a small stack is better than none.
static int claim_by_memory(struct net_task *nt)
{
    size_t bytes = core_frame_stats().free * CORE_FRAME_BYTES / 4;
    size_t tried = 0;
    for (;; bytes /= 2) {
        nt->config = net_config_for(bytes);
        size_t wanted = net_bytes(&nt->config);
        if (wanted == tried) // the smallest there is
            return -EXO_ENOMEM;
        if (claim_memory(nt) == 0)
            return 0;
        tried = wanted;
    }
}

static void fill_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    core_random(out, len);
}

static int build_stack(struct net_task *nt, const struct net_config *config, struct nic *nic)
{
    struct net_link link;
    struct net_env env = {.random = fill_random};
    if (config)
        nt->config = *config;
    int failed = config ? claim_memory(nt) : claim_by_memory(nt);
    if (failed)
        return failed;
    random_from_devices();
    link_nic_init(&nt->link, nic, &link);
    failed = net_init(&nt->net, core_phys(nt->memory), &nt->config, &env, &link, core_clock_now());
    if (failed)
        core_frame_release(NULL, nt->memory, nt->memory_frames);
    return failed;
}

static void free_all(struct net_task *nt)
{
    link_nic_fini(&nt->link); // before its buffers become somebody else's frames
    core_frame_release(NULL, nt->memory, nt->memory_frames);
    free(nt);
}

int net_task_start_on(struct nic *nic, const struct net_config *config, struct net_task **out)
{
    struct net_task *nt = calloc(1, sizeof *nt);
    if (!nt)
        return -EXO_ENOMEM;
    event_init(&nt->address);
    event_init(&nt->ended);
    int failed = build_stack(nt, config, nic);
    if (!failed && (failed = spawn("net", drive, nt)) != 0)
        core_frame_release(NULL, nt->memory, nt->memory_frames);
    if (failed) {
        free(nt);
        return failed;
    }
    link_nic_attach(&nt->link, net_pkts(nt->net));
    nt->idle = (struct idle_source){.arm = arm, .disarm = disarm, .ctx = nt};
    idle_add(&nt->idle);
    nt->running = true;
    *out = nt;
    return 0;
}

int net_task_start(uint32_t nth, const struct net_config *config, struct net_task **out)
{
    struct nic *nic;
    int failed = nic_open(nth, 0, "net", &nic);
    if (failed)
        return failed;
    failed = net_task_start_on(nic, config, out);
    if (failed)
        nic_close(nic);
    return failed;
}

void net_task_stop(struct net_task *nt)
{
    struct sched *sched = run_sched();
    nt->stopping = true;
    while (nt->running) {
        uint32_t mark = event_mark(&nt->ended);
        net_task_kick(nt);
        event_wait(sched, &nt->ended, mark, EXO_NS_NEVER);
    }
    idle_remove(&nt->idle);
    free_all(nt);
}

struct net *net_task_net(struct net_task *nt)
{
    return nt->net;
}

const struct net_config *net_task_config(const struct net_task *nt)
{
    return &nt->config;
}

bool net_task_wait_address(struct net_task *nt, exo_ns deadline)
{
    while (ip4_is_any(net_addr(nt->net).addr)) {
        uint32_t mark = event_mark(&nt->address);
        if (!event_wait(run_sched(), &nt->address, mark, deadline))
            return false;
    }
    return true;
}
