// SPDX-License-Identifier: MIT
#include "test/unit/sdk/fake_machine.h"

#include "core/clock.h"
#include "core/frame.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/random.h"
#include "dev/nic.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "sdk/glue/random_device.h"
#include "sdk/glue/stack.h"
#include "sdk/glue/stack_guard.h"
#include "test/support/check_main.h"
#include "test/unit/sdk/fake_cpu.h"

#include <string.h>

#define SLOTS 64u

struct queue {
    struct nic_buf bufs[SLOTS];
    uint32_t count;
};

struct fake_nic {
    struct nic nic;
    struct queue empty;  // lent for reception
    struct queue filled; // received
    struct queue sent;   // to be reaped
    bool open;
};

struct fake_machine machine;
static struct fake_nic nics[2];

void fake_machine_init(void)
{
    static struct core_cpu cpu;
    fake_cpu_enter(&cpu, 0);
    machine = (struct fake_machine){.frames_left = 4096};
}

// --- core and hal ----------------------------------------------------------------

exo_ns core_clock_now(void)
{
    ck_assert_msg(machine.looks++ < 100000, "busy, and nothing changes");
    return machine.now;
}

void core_irq_wait(exo_ns deadline)
{
    ck_assert_msg(deadline != EXO_NS_NEVER, "everybody waits for nothing");
    machine.halts++;
    machine.looks = deadline > machine.now ? 0 : machine.looks;
    machine.now = EXO_MAX(machine.now, deadline);
}

bool core_irq_take(int irq)
{
    return nics[irq].filled.count != 0;
}

void core_log(const char *format, ...)
{
    (void)format;
}

int core_frame_claim(struct core_owner *owner, uint64_t count, uint64_t align, struct pa *out)
{
    (void)owner;
    (void)align;
    if (count > machine.frames_left)
        return -EXO_ENOMEM;
    out->v = (uintptr_t)aligned_alloc(CORE_FRAME_BYTES, count * CORE_FRAME_BYTES);
    if (!out->v)
        return -EXO_ENOMEM;
    machine.frames_left -= (uint32_t)count;
    machine.frames_out += (uint32_t)count;
    return 0;
}

void core_frame_release(struct core_owner *owner, struct pa at, uint64_t count)
{
    (void)owner;
    machine.frames_left += (uint32_t)count;
    machine.frames_out -= (uint32_t)count;
    free((void *)at.v);
}

struct core_frame_stats core_frame_stats(void)
{
    return (struct core_frame_stats){.total = 4096, .free = machine.frames_left};
}

void *core_phys(struct pa at)
{
    return (void *)at.v;
}

struct pa core_phys_of(const void *ptr)
{
    return (struct pa){(uintptr_t)ptr};
}

void core_random(void *out, size_t len)
{
    static uint8_t next; // predictable, and not the same twice
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = next = (uint8_t)(next * 5 + 1);
}

void random_from_devices(void) {}

// --- stacks: the host has no page tables of ours -------------------------------------

size_t stack_bytes_of(size_t bytes)
{
    return exo_align_up(bytes, 16) + 65536; // the sanitizers' frames are large
}

int stack_alloc(size_t bytes, void **lowest)
{
    *lowest = malloc(stack_bytes_of(bytes));
    machine.stacks_out += *lowest != NULL;
    return *lowest ? 0 : -EXO_ENOMEM;
}

void stack_free(void *lowest, size_t bytes)
{
    (void)bytes;
    machine.stacks_out--;
    free(lowest);
}

void stack_guard_watch(void) {}

// --- two NICs --------------------------------------------------------------------

static uint32_t put(struct queue *q, const struct nic_buf *bufs, uint32_t n)
{
    n = EXO_MIN(n, SLOTS - q->count);
    memcpy(q->bufs + q->count, bufs, n * sizeof *bufs);
    q->count += n;
    return n;
}

static uint32_t take(struct queue *q, struct nic_buf *bufs, uint32_t n)
{
    n = EXO_MIN(n, q->count);
    memcpy(bufs, q->bufs, n * sizeof *bufs);
    q->count -= n;
    memmove(q->bufs, q->bufs + n, q->count * sizeof *bufs);
    return n;
}

static struct fake_nic *fake_of(struct nic *nic)
{
    return EXO_CONTAINER(nic, struct fake_nic, nic);
}

static void carry(struct fake_nic *from, const struct nic_buf *frame)
{
    struct fake_nic *to = &nics[from == &nics[0]];
    struct nic_buf buf;
    machine.carried++;
    if (machine.lose_every != 0 && machine.carried % machine.lose_every == 0)
        return;
    if (!to->open || take(&to->empty, &buf, 1) == 0)
        return;
    ck_assert_uint_ge(buf.len, frame->len);
    memcpy(buf.data, frame->data, frame->len);
    buf.len = frame->len;
    put(&to->filled, &buf, 1);
}

static uint32_t rx_post(struct nic *nic, const struct nic_buf *bufs, uint32_t n)
{
    return put(&fake_of(nic)->empty, bufs, n);
}

static uint32_t rx_burst(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    return take(&fake_of(nic)->filled, bufs, n);
}

static uint32_t tx_burst(struct nic *nic, const struct nic_buf *bufs, uint32_t n)
{
    n = machine.now < machine.stuck_until ? 0 : put(&fake_of(nic)->sent, bufs, n);
    for (uint32_t i = 0; i < n; i++)
        carry(fake_of(nic), &bufs[i]);
    return n;
}

static uint32_t tx_reap(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    return take(&fake_of(nic)->sent, bufs, n);
}

static bool irq_arm(struct nic *nic)
{
    return fake_of(nic)->filled.count != 0;
}

static void irq_disarm(struct nic *nic)
{
    (void)nic;
}

int nic_open(uint32_t nth, uint16_t queue, const char *owner, struct nic **out)
{
    static const struct nic_ops ops = {
        .rx_post = rx_post,
        .rx_burst = rx_burst,
        .tx_burst = tx_burst,
        .tx_reap = tx_reap,
        .irq_arm = irq_arm,
        .irq_disarm = irq_disarm,
    };
    (void)queue;
    (void)owner;
    if (nth >= 2)
        return -EXO_ENODEV;
    if (nics[nth].open)
        return -EXO_EBUSY;
    machine.nics_open++;
    nics[nth] = (struct fake_nic){.nic = {.ops = &ops,
                                          .driver = "fake",
                                          .mac = {2, 0, 0, 0, 0, (uint8_t)nth},
                                          .mtu_bytes = 1500,
                                          .headroom_bytes = 12,
                                          .rx_slots = SLOTS,
                                          .tx_slots = SLOTS,
                                          .irq = (int)nth},
                                  .open = true};
    *out = &nics[nth].nic;
    return 0;
}

void nic_close(struct nic *nic)
{
    fake_of(nic)->open = false;
    machine.nics_open--;
}
