// SPDX-License-Identifier: MIT
// messages.c - work moved between all CPUs: numbered, summed, and accounted for to the last.
//
//     clerk ──► worker ──► worker ──► worker ──► clerk
//     CPU 0       1          2          3        CPU 0
//
// The n-th job begins at worker n modulo their number, goes from there to the next one and so
// on round all of them, and comes back. So each mailbox has two senders, and the clerk's has
// all. Every hop changes the job's sum by a rule that the clerk knows.
#include "core/clock.h"
#include "core/smp.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "sdk/glue/mailbox.h"
#include "sdk/glue/run_cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS       32u // so few that mailboxes are full now and then
#define IN_FLIGHT   48u
#define WORKERS_MAX 15u

struct job {
    uint32_t kind; // JOB or END
    uint32_t hops; // so far
    uint64_t number;
    uint64_t sum;
    uint64_t words[3]; // from the number; torn if they do not fit it
};

enum { JOB, END };

struct worker {
    struct run_cpu run;
    struct mailbox box;
    uint32_t index;
    uint32_t open;
    uint32_t told_end; // whoever sent END has come back from sending it
    uint64_t taken;
    uint64_t memory[SLOTS * 8];
};

static struct worker workers[WORKERS_MAX];
static struct mailbox done;
static uint64_t done_memory[SLOTS * 8];
static uint32_t worker_count;
static bool is_out[IN_FLIGHT]; // by number

static void expect(bool good, const char *what)
{
    if (good)
        return;
    printf("FAILED: %s\n", what);
    exit(1);
}

static uint64_t scramble(uint64_t x, uint64_t by)
{
    x = (x ^ by) * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ x >> 29;
}

static void fill(struct job *job, uint64_t number)
{
    *job = (struct job){.kind = JOB, .number = number, .sum = number};
    for (uint32_t i = 0; i < EXO_COUNT(job->words); i++)
        job->words[i] = scramble(number, i);
}

static void check(const struct job *job)
{
    for (uint32_t i = 0; i < EXO_COUNT(job->words); i++)
        expect(job->words[i] == scramble(job->number, i), "a torn message");
}

// A full mailbox: let others of this CPU run, and try again.
static void send(struct mailbox *to, const struct job *job)
{
    while (chan_send_any(&to->chan, job) == -EXO_EAGAIN)
        task_yield(run_sched());
}

static void do_job(struct worker *w, struct job *job)
{
    check(job);
    w->taken++;
    job->sum = scramble(job->sum, w->index);
    job->hops++;
    send(job->hops < worker_count ? &workers[(w->index + 1) % worker_count].box : &done, job);
}

// A mailbox is closed when no sender is in it any more.
static void pass_end(const struct worker *w, const struct job *end)
{
    while (!__atomic_load_n(&w->told_end, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
    if (w->index + 1 == worker_count) {
        send(&done, end);
        return;
    }
    send(&workers[w->index + 1].box, end);
    __atomic_store_n(&workers[w->index + 1].told_end, 1, __ATOMIC_RELEASE);
}

static void work(void *arg)
{
    struct worker *w = arg;
    struct job job;
    expect(mailbox_open(&w->box, "worker", w->memory, SLOTS, sizeof job) == 0, "no mailbox");
    __atomic_store_n(&w->open, 1, __ATOMIC_RELEASE);
    for (;;) {
        expect(mailbox_receive(&w->box, &job, EXO_NS_NEVER), "no message");
        if (job.kind == END)
            break;
        do_job(w, &job);
    }
    pass_end(w, &job);
    mailbox_close(&w->box);
}

static uint64_t sum_after_all(uint64_t number)
{
    uint64_t sum = number;
    for (uint32_t i = 0; i < worker_count; i++)
        sum = scramble(sum, (number + i) % worker_count);
    return sum;
}

static void send_out(uint64_t number)
{
    struct job job;
    fill(&job, number);
    is_out[number % IN_FLIGHT] = true;
    send(&workers[number % worker_count].box, &job);
}

// One job back: it must be one of those that are out, and have been everywhere.
static void take_back(uint64_t sent)
{
    struct job job;
    expect(mailbox_receive(&done, &job, EXO_NS_NEVER), "no message");
    check(&job);
    expect(job.number < sent && sent - job.number <= IN_FLIGHT, "a message from nowhere");
    expect(is_out[job.number % IN_FLIGHT], "a message came twice");
    expect(job.hops == worker_count, "a message went astray");
    expect(job.sum == sum_after_all(job.number), "a message was changed");
    is_out[job.number % IN_FLIGHT] = false;
}

// Keeps jobs out until `count` have been sent or `until` has come, then waits for the rest.
static uint64_t run_jobs(uint64_t count, exo_ns until)
{
    uint64_t sent = 0, back = 0;
    while (sent < count && core_clock_now() < until) {
        if (is_out[sent % IN_FLIGHT]) {
            take_back(sent);
            back++;
        } else {
            send_out(sent++);
        }
    }
    for (; back < sent; back++)
        take_back(sent);
    return sent;
}

static void start_workers(void)
{
    for (uint32_t i = 0; i < worker_count; i++) {
        struct worker *w = &workers[i];
        w->index = i;
        expect(run_cpu_start(&w->run, "worker", work, w) > 0, "no CPU");
    }
    for (uint32_t i = 0; i < worker_count; i++) {
        while (!__atomic_load_n(&workers[i].open, __ATOMIC_ACQUIRE))
            task_yield(run_sched());
    }
}

static void end_workers(uint64_t sent)
{
    struct job job = {.kind = END};
    uint64_t taken = 0;
    send(&workers[0].box, &job);
    __atomic_store_n(&workers[0].told_end, 1, __ATOMIC_RELEASE);
    expect(mailbox_receive(&done, &job, EXO_NS_NEVER) && job.kind == END, "no end");
    for (uint32_t i = 0; i < worker_count; i++) {
        expect(run_cpu_join(&workers[i].run) == 0, "no first task");
        expect(workers[i].taken == sent, "a worker missed a message");
        taken += workers[i].taken;
    }
    expect(taken == sent * worker_count, "messages are missing");
}

static uint64_t jobs_max = UINT64_MAX, seconds;

static void clerk(void *arg)
{
    (void)arg;
    struct job job;
    worker_count = EXO_MIN(core_cpu_count() - 1, WORKERS_MAX);
    expect(worker_count > 0, "one CPU is too few");
    expect(mailbox_open(&done, "clerk", done_memory, SLOTS, sizeof job) == 0, "no mailbox");
    start_workers();
    exo_ns start = core_clock_now();
    uint64_t sent = run_jobs(jobs_max, seconds ? start + EXO_S(seconds) : EXO_NS_NEVER);
    exo_ns took = core_clock_now() - start;
    end_workers(sent);
    mailbox_close(&done);
    printf("%u CPUs, %llu jobs, %llu messages in %llu ms, none lost\n", (unsigned)worker_count + 1,
           (unsigned long long)sent, (unsigned long long)(sent * (worker_count + 1)),
           (unsigned long long)(took / 1000000));
}

// argv: "count" N or "seconds" N.
int main(int argc, char **argv)
{
    expect(argc == 3, "what for?");
    uint64_t value = strtoull(argv[2], NULL, 10);
    *(strcmp(argv[1], "count") == 0 ? &jobs_max : &seconds) = value;
    return run_main("clerk", clerk, NULL);
}
