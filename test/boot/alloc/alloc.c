// SPDX-License-Identifier: MIT
// alloc.c - malloc on the machine: what is promised of it, one promise for each first argument.
// With heap=debug on the command line most of them hold for the debug heap, too.
#include "core/frame.h"
#include "core/revoke.h"
#include "core/smp.h"
#include "exo/bits.h"
#include "hal/apics.h"
#include "sdk/glue/debug_heap.h"
#include "sdk/libc/malloc.h"
#include "test/support/alloc_model.h"

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

// --- a million random operations --------------------------------------------------

static void *model_alloc(void *ctx, size_t align, size_t bytes)
{
    (void)ctx;
    return align == 1 ? malloc(bytes) : aligned_alloc(align, bytes);
}

static void *model_resize(void *ctx, void *ptr, size_t bytes)
{
    (void)ctx;
    return realloc(ptr, bytes);
}

static void model_free(void *ctx, void *ptr)
{
    (void)ctx;
    free(ptr);
}

static void run_model(uint32_t seed, uint32_t operations)
{
    enum { SLOTS = 4000 };
    static struct alloc_slot slots[SLOTS];
    struct alloc_model model = {.calls = {model_alloc, model_resize, model_free, NULL},
                                .slots = slots,
                                .count = SLOTS,
                                .seed = seed};
    for (uint32_t op = 0; op < operations; op++)
        alloc_model_step(&model);
    struct heap_stats full = malloc_stats_now();
    printf("seed %u: %u operations, %u refused; %zu of %zu KiB used, %zu cached, peak %zu; "
           "fragmentation %u %%\n",
           (unsigned)seed, (unsigned)operations, (unsigned)model.refused, full.used >> 10,
           full.total >> 10, full.cached >> 10, full.peak >> 10,
           (unsigned)heap_fragmentation_percent(&full));
    alloc_model_end(&model);
    CHECK(malloc_stats_now().used == 0 && malloc_stats_now().blocks == 0);
}

static void try_model(void)
{
    free(malloc(1));                                            // the first call sees heap=debug
    uint32_t operations = debug_heap_is_on() ? 100000 : 500000; // there, pages come and go
    run_model(1, operations);
    run_model(2, operations);
    puts("as the model has it");
}

// --- many CPUs -----------------------------------------------------------------------

// Each CPU makes blocks, checks and frees what its neighbour before it made, and hands its own
// on to the one behind it. Nobody waits for anything but a place in a ring or a block.
enum { RING = 32 };

static struct ring {
    size_t *blocks[RING];
    uint32_t put, taken;
    uint32_t done; // the CPU that takes from here has ended
} rings[HAL_CPUS_MAX];

static uint32_t cpu_count;
static uint32_t handed_on; // blocks, by each CPU

static bool hand_on(struct ring *ring, size_t *block)
{
    if (ring->put - __atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE) == RING)
        return false;
    ring->blocks[ring->put % RING] = block;
    __atomic_store_n(&ring->put, ring->put + 1, __ATOMIC_RELEASE);
    return true;
}

static size_t *receive(struct ring *ring)
{
    if (__atomic_load_n(&ring->put, __ATOMIC_ACQUIRE) == ring->taken)
        return NULL;
    size_t *block = ring->blocks[ring->taken % RING];
    __atomic_store_n(&ring->taken, ring->taken + 1, __ATOMIC_RELEASE);
    return block;
}

// A block says how long it is, and is filled with the low byte of that. One in eight is
// longer than what a cache keeps; one in four is resized before it goes.
static size_t *make(uint32_t *seed)
{
    uint32_t r = alloc_model_random(seed);
    size_t bytes = 16 + (r % 8 ? r / 8 % 480 : r / 8 % 6000);
    size_t *block = r / 64 % 4 ? malloc(bytes) : realloc(malloc(40), bytes);
    CHECK(block);
    memset(block, (int)bytes, bytes);
    *block = bytes;
    return block;
}

static void unmake(size_t *block)
{
    size_t bytes = *block;
    for (size_t i = sizeof bytes; i < bytes; i++)
        CHECK(((uint8_t *)block)[i] == (uint8_t)bytes);
    free(block);
}

static void pass_blocks(void *arg)
{
    uint32_t cpu = (uint32_t)(uintptr_t)arg, sent = 0, received = 0;
    uint32_t seed = cpu + 1;
    struct ring *mine = &rings[cpu], *next_one = &rings[(cpu + 1) % cpu_count];
    size_t *ready = NULL;
    while (sent < handed_on || received < handed_on) {
        if (!ready && sent < handed_on)
            ready = make(&seed);
        if (ready && hand_on(next_one, ready)) {
            ready = NULL;
            sent++;
        }
        size_t *block = receive(mine);
        if (block) {
            unmake(block);
            received++;
        }
    }
    __atomic_store_n(&mine->done, 1, __ATOMIC_RELEASE);
}

static void try_cpus(void)
{
    cpu_count = core_cpu_count();
    free(malloc(1)); // now it is known which heap this is
    handed_on = (debug_heap_is_on() ? 100 : 40000) / cpu_count; // there, all hear of each free
    for (uint32_t i = 1; i < cpu_count; i++) {
        int cpu = core_cpu_claim("alloc");
        CHECK(cpu > 0);
        core_cpu_start(cpu, pass_blocks, (void *)(uintptr_t)i);
    }
    pass_blocks(NULL);
    for (uint32_t i = 1; i < cpu_count; i++)
        while (!__atomic_load_n(&rings[i].done, __ATOMIC_ACQUIRE))
            __builtin_ia32_pause();
    struct heap_stats end = malloc_stats_now();
    CHECK(end.used == 0 && end.blocks == 0);
    printf("%u CPUs handed %u blocks on, %zu KiB cached\n", (unsigned)cpu_count,
           (unsigned)(cpu_count * handed_on), end.cached >> 10);
}

// --- memory that ends --------------------------------------------------------------

static void **exhaust(size_t bytes)
{
    void **list = NULL, **block;
    errno = 0;
    while ((block = malloc(bytes))) {
        *block = list;
        list = block;
    }
    CHECK(errno == ENOMEM);
    return list;
}

static void free_list(void **list)
{
    while (list) {
        void **next = *list;
        free(list);
        list = next;
    }
}

static void try_exhaustion(void)
{
    static const size_t sizes[] = {8, 40, 500, 5000, 100000};
    free(malloc(1)); // what malloc keeps for itself
    uint64_t free_before = core_frame_stats().free;
    for (size_t i = 0; i < EXO_COUNT(sizes); i++) {
        char *keep = strcpy(malloc(16), "kept");
        void **list = exhaust(sizes[i]);
        CHECK(realloc(keep, 1000000) == NULL && strcmp(keep, "kept") == 0);
        CHECK(calloc(1000, 1000) == NULL && aligned_alloc(4096, 1000000) == NULL);
        void *untouched = keep;
        CHECK(posix_memalign(&untouched, 64, 1000000) == ENOMEM && untouched == keep);
        free_list(list);
        free(keep);
        CHECK(malloc_stats_now().used == 0);
        malloc_give_back(SIZE_MAX);
    }
    // A few tables of page tables, and of the heap.
    CHECK(core_frame_stats().free + 8 >= free_before);
    puts("exhausted, and given back");
}

static void try_give_back(void)
{
    void *small = malloc(100);
    uint64_t free_before = core_frame_stats().free;
    char *large = malloc(2000000);
    memset(large, 1, 2000000);
    CHECK(core_frame_stats().free < free_before - 480);
    CHECK(malloc_give_back(4096) == 0);
    free(large);
    CHECK(malloc_give_back(4096) >= 2000000);
    CHECK(core_frame_stats().free >= free_before);
    free(small);
    CHECK(malloc_give_back(SIZE_MAX) > 0 && malloc_give_back(1) == 0);
    CHECK(malloc(100) != NULL);
    puts("given back");
}

// As anybody may ask, who knows whose a frame is.
static void try_revoke(void)
{
    void *large = malloc(1000000);
    struct core_owner *heap = (struct core_owner *)core_frame_owner(core_phys_of(large));
    CHECK(strcmp(heap->name, "heap") == 0);
    CHECK(core_revoke_ask(heap, 100, EXO_NS_NEVER) == 100); // all of it is in use
    free(large);
    uint64_t had = heap->frames;
    CHECK(core_revoke_ask(heap, 100, EXO_NS_NEVER) == 0);
    CHECK(heap->frames <= had - 100);
    CHECK(malloc(1000000) != NULL);
    puts("asked, and given back");
}

// --- the debug heap ----------------------------------------------------------------

// Sizes, ends, and that memory stays flat.
static void try_debug(void)
{
    CHECK(malloc_debug() == 0 && debug_heap_is_on());
    for (size_t bytes = 0; bytes < 9000; bytes += bytes < 100 ? 1 : 97) {
        char *block = malloc(bytes);
        CHECK(block && malloc_usable_size(block) == bytes);
        memset(block, 1, bytes);
        size_t align = bytes >= 16 ? 16
                       : bytes < 2 ? 1
                                   : 1u << (31 - __builtin_clz((unsigned)bytes));
        CHECK((uintptr_t)block % align == 0);
        CHECK(((uintptr_t)block + bytes + align - 1) / align * align % 4096 == 0); // to the guard
        free(block);
    }
    for (size_t align = 1; align <= 1 << 20; align *= 2) {
        char *block = aligned_alloc(align, 100);
        CHECK(block && (uintptr_t)block % align == 0);
        memset(block, 1, 100);
        free(block);
    }
    uint64_t free_before = core_frame_stats().free;
    for (int i = 0; i < 20000; i++)
        free(malloc(64));
    CHECK(core_frame_stats().free == free_before);
    puts("each on its own pages");
}

static char *debug_block(size_t bytes)
{
    CHECK(malloc_debug() == 0);
    char *block = malloc(bytes);
    CHECK(block);
    return block;
}

static void write_past_end(void)
{
    char *block = debug_block(64);
    memset(block, 1, 64);
    *(volatile char *)(block + 64) = 1;
}

static void read_after_free(void)
{
    char *block = debug_block(100);
    free(block);
    printf("%d\n", *(volatile char *)block);
}

static void read_before_page(void)
{
    char *block = debug_block(4000);
    printf("%d\n", *(volatile char *)(block - 4000));
}

static void read_after_realloc(void)
{
    char *block = debug_block(100);
    char *moved = realloc(block, 90);
    CHECK(moved && moved != block);
    printf("%d\n", *(volatile char *)block);
}

static void write_before_block(void)
{
    char *block = debug_block(100);
    *(volatile char *)(block - 1) = 1;
    free(block); // here it is noticed
}

static void write_into_gap(void)
{
    char *block = debug_block(13);
    *(volatile char *)(block + 13) = 1;
    free(block);
}

static void free_twice_debug(void)
{
    char *block = debug_block(100);
    free(block);
    free(block);
}

static void free_inside(void)
{
    volatile size_t offset = 16; // the compiler would see it, too
    free(debug_block(100) + offset);
}

// What the heap never gave, among zeros, as most of an image's data is.
static void free_foreign(void)
{
    static _Alignas(16) char zeros[64];
    char *volatile foreign = zeros + 32; // the compiler would see it, too
    CHECK(malloc(100));
    free(foreign);
}

static void realloc_foreign(void)
{
    static _Alignas(16) char zeros[64];
    char *volatile foreign = zeros + 32;
    CHECK(malloc(100));
    CHECK(!realloc(foreign, 200));
}

static void free_twice(void)
{
    char *block = malloc(100);
    free(block);
    free(block);
}

// The first allocation of all, with heap=debug: it begins the heap.
static void align_first(void)
{
    volatile uintptr_t block = (uintptr_t)aligned_alloc(16, 8); // else the compiler knows
    CHECK(debug_heap_owns((void *)block) && block % 16 == 0);
    puts("aligned from the first");
}

static void late_debug(void)
{
    char *early = malloc(100);
    char *late = debug_block(100);
    free(early); // an ordinary block, from before
    free(late);
    CHECK(malloc_stats_now().used == 0);
    puts("both are known");
}

static const struct {
    const char *name;
    void (*run)(void);
} trials[] = {
    {"model", try_model},
    {"exhaustion", try_exhaustion},
    {"give_back", try_give_back},
    {"revoke", try_revoke},
    {"cpus", try_cpus},
    {"debug", try_debug},
    {"align_first", align_first},
    {"late_debug", late_debug},
    {"past_end", write_past_end},
    {"after_free", read_after_free},
    {"before_page", read_before_page},
    {"after_realloc", read_after_realloc},
    {"before_block", write_before_block},
    {"gap", write_into_gap},
    {"twice_debug", free_twice_debug},
    {"inside", free_inside},
    {"foreign", free_foreign},
    {"realloc_foreign", realloc_foreign},
    {"twice", free_twice},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < EXO_COUNT(trials); i++) {
        if (argc == 2 && strcmp(argv[1], trials[i].name) == 0) {
            trials[i].run();
            return 0;
        }
    }
    return 2;
}
