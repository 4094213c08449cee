// SPDX-License-Identifier: MIT
// sdk_life.c - an app that tries one promise of the SDK, named by its first argument.
#include "core/clock.h"
#include "core/frame.h"
#include "exo/bits.h"
#include "sdk/glue/run.h"
#include "sdk/libc/malloc.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("not so: %s (line %d)\n", #cond, __LINE__);                                     \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static bool constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed = true;
    puts("constructor");
}

__attribute__((destructor)) static void destruct(void)
{
    if (constructed)
        puts("destructor");
}

static void at_exit(void)
{
    puts("atexit");
}

static void try_start(int argc, char **argv)
{
    printf("%d:", argc);
    for (int i = 0; i < argc; i++)
        printf(" %s", argv[i]);
    printf("\n%d %#x %.2f %s\n", -7, 42, 3.25, "text");
    CHECK(argv[argc] == NULL);
    atexit(at_exit);
    exit(7);
}

// --- heap ------------------------------------------------------------------------

// Blocks in a list until there is no more memory.
static void exhaust(size_t bytes, void ***list)
{
    void **block;
    errno = 0;
    while ((block = malloc(bytes)) != NULL) {
        CHECK(malloc_usable_size(block) >= bytes);
        *block = *list;
        *list = block;
    }
    CHECK(errno == ENOMEM);
}

static void free_list(void **list)
{
    while (list) {
        void **next = *list;
        free(list);
        list = next;
    }
}

static void try_sizes_and_alignments(void)
{
    void *block = NULL;
    volatile size_t huge = SIZE_MAX / 2;
    CHECK(calloc(huge, 3) == NULL && errno == ENOMEM);
    CHECK(malloc(huge) == NULL);
    CHECK(posix_memalign(&block, 24, 8) == EINVAL);
    CHECK(posix_memalign(&block, 4096, 100) == 0 && exo_is_aligned((uintptr_t)block, 4096));
    free(block);
    block = aligned_alloc(65536, 10);
    CHECK(block && exo_is_aligned((uintptr_t)block, 65536));
    free(block);
}

static void try_realloc(void)
{
    char *text = strcpy(malloc(8), "content");
    text = realloc(text, 300000);
    CHECK(text && strcmp(text, "content") == 0);
    CHECK(realloc(text, SIZE_MAX / 2) == NULL && strcmp(text, "content") == 0);
    text = realloc(text, 8);
    CHECK(text && strcmp(text, "content") == 0);
    free(text);
    uint8_t *zeros = calloc(1000, 3);
    for (size_t i = 0; i < 3000; i++)
        CHECK(zeros[i] == 0);
    free(zeros);
}

static void try_heap(void)
{
    try_sizes_and_alignments();
    try_realloc();
    for (int round = 0; round < 3; round++) {
        void **list = NULL;
        exhaust(100000, &list);
        exhaust(1000, &list);
        exhaust(1, &list);
        CHECK(core_frame_stats().free < 64);
        free_list(list);
        CHECK(malloc_stats_now().used < 4096);
    }
    puts("exhausted, freed and whole");
}

// --- tasks -----------------------------------------------------------------------

static uint32_t ended;

static void count_one(void *arg)
{
    char space[4096];
    memset(space, (int)(intptr_t)arg, sizeof space);
    task_yield(run_sched());
    CHECK(space[4095] == (char)(intptr_t)arg);
    ended++;
}

// More tasks at a time than memory has stacks for: the rest is told, nobody is lost.
static void try_tasks(void *arg)
{
    (void)arg;
    uint64_t free_before = core_frame_stats().free;
    while (ended < 1000) {
        intptr_t started = 0;
        while (ended + (uint32_t)started < 1000 &&
               spawn("counter", count_one, (void *)started) == 0)
            started++;
        CHECK(started > 0);
        while (run_sched()->live > 1)
            task_yield(run_sched());
    }
    // core keeps a few empty page tables for the next mapping.
    uint64_t kept = free_before - core_frame_stats().free;
    printf("%u tasks, %d frames kept\n", (unsigned)ended, kept <= 3 ? 0 : (int)kept);
}

static char order[8];

static void sleeper(void *arg)
{
    exo_ns start = core_clock_now();
    run_sleep(EXO_MS(20) * (uintptr_t)arg);
    CHECK(core_clock_now() - start >= EXO_MS(20) * (uintptr_t)arg);
    snprintf(order + strlen(order), sizeof order - strlen(order), " %d", (int)(intptr_t)arg);
}

static void try_sleep(void *arg)
{
    (void)arg;
    for (intptr_t i = 3; i >= 1; i--)
        CHECK(spawn("sleeper", sleeper, (void *)i) == 0);
    run_sleep(EXO_MS(200));
    printf("slept in order:%s\n", order);
}

__attribute__((noinline)) static int recurse(volatile int *outer)
{
    volatile int frame[256] = {*outer + 1};
    return frame[0] < 0 ? 0 : recurse(frame) + frame[255];
}

static void try_overflow(void *arg)
{
    (void)arg;
    volatile int zero = 0;
    printf("%d\n", recurse(&zero));
}

static void end_at_once(void *arg)
{
    *(void **)arg = __builtin_frame_address(0);
}

// The second task has the slot, and so the guard page, of one that has ended.
static void try_overflow_reused(void *arg)
{
    static void *first;
    (void)arg;
    CHECK(spawn("first", end_at_once, &first) == 0);
    while (run_sched()->live > 1)
        task_yield(run_sched());
    CHECK(first && spawn("second", try_overflow, NULL) == 0);
    run_sleep(EXO_S(100));
}

static void try_above(void *arg)
{
    (void)arg;
    volatile char *here = __builtin_frame_address(0);
    printf("%d\n", here[4096]);
}

static void try_exit(void *arg)
{
    (void)arg;
    printf("from a task\n");
    exit(3);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "start") == 0)
        try_start(argc, argv);
    else if (strcmp(what, "heap") == 0)
        try_heap();
    else if (strcmp(what, "tasks") == 0)
        return run_main("tasks", try_tasks, NULL);
    else if (strcmp(what, "sleep") == 0)
        return run_main("sleep", try_sleep, NULL);
    else if (strcmp(what, "overflow") == 0)
        return run_main("overflow", try_overflow, NULL);
    else if (strcmp(what, "overflow_reused") == 0)
        return run_main("main", try_overflow_reused, NULL);
    else if (strcmp(what, "above") == 0)
        return run_main("above", try_above, NULL);
    else if (strcmp(what, "exit") == 0)
        return run_main("exit", try_exit, NULL);
    else if (strcmp(what, "abort") == 0)
        printf("half a line"), abort();
    else
        assert(1 == 2);
    return 0;
}
