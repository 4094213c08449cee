// SPDX-License-Identifier: MIT
// bench.c - what Linux takes for what bench/metal measures: the whole user space of a guest.
//
// The kernel starts it as /init. `exocore bench primitives` builds it with glibc, static, and
// boots it with the same QEMU and the same -icount as our image; the names of the operations
// are those of bench/metal, the loops and the medians too.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 31u  // of which the median counts
#define TIMES  256u // an operation is repeated in a round

#define DEBUG_EXIT        0xf4 // QEMU's isa-debug-exit
#define DEBUG_EXIT_STATUS 16   // what core_exit(0) writes

static void fail(const char *what)
{
    perror(what);
    exit(1); // the kernel panics, and QEMU ends without our status
}

static uint64_t ticks(void)
{
    return __builtin_ia32_rdtsc();
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void report(const char *name, uint64_t *taken, uint64_t times)
{
    qsort(taken, ROUNDS, sizeof taken[0], by_size);
    printf("bench: %-32s %llu\n", name, (unsigned long long)(taken[ROUNDS / 2] / times));
}

static void measure(const char *name, void (*round)(void))
{
    uint64_t taken[ROUNDS];
    round();
    for (size_t i = 0; i < ROUNDS; i++) {
        uint64_t start = ticks();
        round();
        taken[i] = ticks() - start;
    }
    report(name, taken, TIMES);
}

// --- threads ---------------------------------------------------------------------

static volatile int partner_must_end;
static uint32_t ping, pong; // futex words: how often each was signalled

static void *yield_on(void *arg)
{
    while (!partner_must_end)
        sched_yield();
    return arg;
}

static void yield_there_and_back(void)
{
    for (uint32_t i = 0; i < TIMES; i++)
        sched_yield();
}

static void signal_word(uint32_t *word)
{
    __atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void wait_word(uint32_t *word, uint32_t mark)
{
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == mark)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, mark, NULL, NULL, 0);
}

static void *answer_on(void *arg)
{
    while (!partner_must_end) {
        uint32_t mark = __atomic_load_n(&ping, __ATOMIC_SEQ_CST);
        signal_word(&pong);
        wait_word(&ping, mark);
    }
    return arg;
}

static void ping_pong(void)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        uint32_t mark = __atomic_load_n(&pong, __ATOMIC_SEQ_CST);
        signal_word(&ping);
        wait_word(&pong, mark);
    }
}

static void measure_with(const char *name, void *(*partner)(void *), void (*round)(void))
{
    pthread_t thread;
    partner_must_end = 0;
    if ((errno = pthread_create(&thread, NULL, partner, NULL)))
        fail("pthread_create");
    sched_yield();
    measure(name, round);
    partner_must_end = 1;
    signal_word(&ping);
    pthread_join(thread, NULL);
}

static void *nothing(void *arg)
{
    return arg;
}

static void create_and_join(void)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        pthread_t thread;
        if ((errno = pthread_create(&thread, NULL, nothing, NULL)))
            fail("pthread_create");
        pthread_join(thread, NULL);
    }
}

// --- memory ----------------------------------------------------------------------

static void malloc_and_free(void)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        void *block = malloc(64);
        __asm__ volatile("" : "+r"(block)); // it is wanted
        free(block);
    }
}

static void page_map_and_unmap(void)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
            fail("mmap");
        *(volatile char *)page = 1;
        munmap(page, 4096);
    }
}

// --- time, calls, interrupts -------------------------------------------------------

static void clock_read(void)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        __asm__ volatile("" : : "m"(now));
    }
}

static void null_call(void)
{
    for (uint32_t i = 0; i < TIMES; i++)
        syscall(SYS_getppid);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// From the moment that a timer was set for to the code that waited for it. Under -icount
// shift=0 a nanosecond is an instruction. The kernel is told to be as exact as it can.
static void measure_deadline(const char *name)
{
    uint64_t late[ROUNDS];
    if (prctl(PR_SET_TIMERSLACK, 1))
        fail("prctl");
    for (size_t i = 0; i < ROUNDS; i++) {
        uint64_t deadline = now_ns() + 1000000;
        struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000u),
                                 .tv_nsec = (long)(deadline % 1000000000u)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        late[i] = now_ns() - deadline;
    }
    report(name, late, 1);
}

int main(void)
{
    measure_with("yield there and back", yield_on, yield_there_and_back);
    measure_with("event ping-pong, round trip", answer_on, ping_pong);
    measure("task create, run, end", create_and_join);
    measure("malloc + free, 64 B", malloc_and_free);
    measure("page map + unmap, kept frame", page_map_and_unmap);
    measure("clock read", clock_read);
    measure("null call of the kernel", null_call);
    measure_deadline("deadline to waiting code");
    fflush(stdout);
    if (ioperm(DEBUG_EXIT, 4, 1) == 0)
        outl(DEBUG_EXIT_STATUS, DEBUG_EXIT);
    reboot(RB_POWER_OFF);
    return 1;
}
